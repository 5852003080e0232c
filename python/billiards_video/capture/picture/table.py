"""Draws what never moves: the floor, the table, the lamp's light on them. Once, for each picture size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from billiards_video.capture.picture.layout import BREADTH, CUSHION, LENGTH, RAIL

if TYPE_CHECKING:
    import numpy.typing as npt

    from billiards_video.capture.picture.layout import Layout
    from billiards_video.capture.source import Pixels

    Colour = tuple[int, int, int]
    Point = tuple[float, float]

_FLOOR = (52, 50, 54)
_WOOD = (44, 74, 128)
_WOOD_EDGE = (24, 42, 78)
_CUSHION = (96, 104, 22)
_CUSHION_EDGE = (66, 72, 12)
FELT = (132, 142, 30)
_LINE = (172, 178, 96)
_LEATHER = (22, 28, 38)
_HOLE = (8, 8, 9)
_PEARL = (206, 222, 228)

_SHIFT = 4  # cv2 takes points in sixteenths of a pixel
_BAND = 256  # rows lit at a time, so that a large picture needs no large floats
_POCKETS = [(x, y) for y in (0.0, BREADTH) for x in (0.0, LENGTH / 2, LENGTH)]


def draw_table(layout: Layout) -> Pixels:
    """The empty table seen from above: a new BGR24 picture of the layout's size, the bar below it left dark."""
    picture = np.empty((layout.height, layout.width, 3), np.uint8)
    picture[:] = _FLOOR
    edge = CUSHION + RAIL
    _box(picture, layout, edge + 0.25, 2.4, _WOOD_EDGE)
    _box(picture, layout, edge, 2.2, _WOOD)
    _grain(picture, layout)
    _box(picture, layout, CUSHION + 0.12, 0.3, _WOOD_EDGE)
    _box(picture, layout, CUSHION, 0.2, _CUSHION)
    _box(picture, layout, 0.16, 0.0, _CUSHION_EDGE)
    _box(picture, layout, 0.0, 0.0, FELT)
    _markings(picture, layout)
    _pockets(picture, layout)
    _light(picture, layout)
    return picture


def _fixed(points: list[Point]) -> npt.NDArray[np.int32]:
    fixed: npt.NDArray[np.int32] = np.rint(np.array(points) * 2**_SHIFT).astype(np.int32)
    return fixed


def _polygon(picture: Pixels, points: list[Point], colour: Colour) -> None:
    cv2.fillPoly(picture, [_fixed(points)], colour, cv2.LINE_AA, _SHIFT)


def _disc(picture: Pixels, layout: Layout, place: Point, radius: float, colour: Colour) -> None:
    """A filled circle; place and radius in units of the table."""
    x, y = _fixed([layout.pixel(*place)])[0].tolist()
    cv2.circle(picture, (x, y), round(radius * layout.scale * 2**_SHIFT), colour, cv2.FILLED, cv2.LINE_AA, _SHIFT)


def _box(picture: Pixels, layout: Layout, out: float, rounding: float, colour: Colour) -> None:
    """The playing field widened by `out` on all sides, with round corners."""
    left, top, right, bottom = -out, -out, LENGTH + out, BREADTH + out
    points = []
    for x, y, start in ((right, bottom, 0), (left, bottom, 90), (left, top, 180), (right, top, 270)):
        points += _corner(x, y, rounding, start)
    _polygon(picture, [layout.pixel(*point) for point in points], colour)


def _corner(x: float, y: float, rounding: float, start: int) -> list[Point]:
    """A quarter circle inside the corner at (x, y), from `start` degrees on."""
    angles = np.radians(np.linspace(start, start + 90, 16))
    centre_x = x - rounding * np.sign(np.cos(np.radians(start + 45)))
    centre_y = y - rounding * np.sign(np.sin(np.radians(start + 45)))
    return list(zip(centre_x + rounding * np.cos(angles), centre_y + rounding * np.sin(angles), strict=True))


def _grain(picture: Pixels, layout: Layout) -> None:
    """Darker streaks along the wood of the rails."""
    random = np.random.default_rng(7)
    inner, outer = CUSHION, CUSHION + RAIL
    for left, top, right, bottom in (
        (-outer + 1.5, -outer, LENGTH + outer - 1.5, -inner),
        (-outer + 1.5, BREADTH + inner, LENGTH + outer - 1.5, BREADTH + outer),
        (-outer, -inner, -inner, BREADTH + inner),
        (LENGTH + inner, -inner, LENGTH + outer, BREADTH + inner),
    ):
        (x0, y0), (x1, y1) = layout.pixel(left, top), layout.pixel(right, bottom)
        rail = picture[round(y0) : round(y1), round(x0) : round(x1)]
        lengthwise = rail.shape[1] > rail.shape[0]
        coarse = random.integers(196, 256, (28, 10) if lengthwise else (10, 28), dtype=np.uint8)
        streaks = cv2.resize(coarse, (rail.shape[1], rail.shape[0]), interpolation=cv2.INTER_CUBIC)
        cv2.multiply(rail, cv2.merge((streaks, streaks, streaks)), dst=rail, scale=1 / 240)


def _markings(picture: Pixels, layout: Layout) -> None:
    """Head string, foot spot, and the sights on the rails at every eighth of a side."""
    half = max(0.05, 0.5 / layout.scale)
    x = LENGTH / 4
    corners = [(x - half, 0.0), (x + half, 0.0), (x + half, BREADTH), (x - half, BREADTH)]
    _polygon(picture, [layout.pixel(*corner) for corner in corners], _LINE)
    for spot in (LENGTH / 4, LENGTH * 0.72):
        _disc(picture, layout, (spot, BREADTH / 2), 0.28, _LINE)
    out = CUSHION + RAIL / 2
    sights = [(LENGTH * i / 8, y) for i in (1, 2, 3, 5, 6, 7) for y in (-out, BREADTH + out)]
    sights += [(x, BREADTH * i / 4) for i in (1, 2, 3) for x in (-out, LENGTH + out)]
    for sight_x, sight_y in sights:
        diamond = [(0.0, -0.42), (0.27, 0.0), (0.0, 0.42), (-0.27, 0.0)]
        if 0 < sight_y < BREADTH:
            diamond = [(dy, dx) for dx, dy in diamond]
        _polygon(picture, [layout.pixel(sight_x + dx, sight_y + dy) for dx, dy in diamond], _PEARL)


def _pockets(picture: Pixels, layout: Layout) -> None:
    """Six holes in leather, set back so far that no ball of ours falls in."""
    for x, y in _POCKETS:
        corner = x != LENGTH / 2
        out_x = (np.sign(x - LENGTH / 2) * 0.8) if corner else 0.0
        out_y = np.sign(y - BREADTH / 2) * (0.8 if corner else 1.35)
        place = (x + float(out_x), y + float(out_y))
        _disc(picture, layout, place, 1.85, _LEATHER)
        _disc(picture, layout, place, 1.5, _HOLE)


def _light(picture: Pixels, layout: Layout) -> None:
    """The lamp above the table: bright in the middle, less towards the edges; some noise keeps it from banding."""
    random = np.random.default_rng(11)
    noise = random.normal(0.0, 1.0, (_BAND, layout.width)).astype(np.float32)
    centre_x, centre_y = layout.pixel(LENGTH / 2, BREADTH / 2 - 3)
    across = ((np.arange(layout.width, dtype=np.float32) - centre_x) / (layout.scale * 44)) ** 2
    for first in range(0, layout.height, _BAND):
        band = picture[first : first + _BAND]
        rows = np.arange(first, first + len(band), dtype=np.float32)
        down = ((rows - centre_y) / (layout.scale * 30)) ** 2
        light = 0.38 + 0.84 / (1 + across[np.newaxis, :] + down[:, np.newaxis]) ** 1.25
        lit = band * light[..., np.newaxis] + noise[: len(band), :, np.newaxis] * 1.3
        np.clip(lit, 0, 255, out=lit)
        band[:] = lit

"""Draws the balls: lit spheres that are seen to roll, placed to half a pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from billiards_video.capture.picture.table import FELT

if TYPE_CHECKING:
    import numpy.typing as npt

    from billiards_video.capture.picture.layout import Layout
    from billiards_video.capture.picture.motion import Balls
    from billiards_video.capture.source import Pixels

    Floats = npt.NDArray[np.float32]

_PHASES = 2  # places to a pixel, each way
_SHADOW_AT = (0.35, 0.45)  # where a shadow falls, in radii from the ball
_SHADOW_RADIUS = 1.35
_LIGHT = np.array((-0.42, -0.55, 0.72)) / np.linalg.norm((-0.42, -0.55, 0.72))

_IVORY = (226, 240, 246)
_RED = (38, 32, 190)
_COLOURS = (  # BGR; 1 to 7 again as stripes 9 to 15
    (40, 190, 245),  # yellow
    (165, 72, 20),  # blue
    (36, 28, 205),  # red
    (130, 42, 92),  # purple
    (24, 110, 240),  # orange
    (66, 120, 22),  # green
    (32, 26, 120),  # maroon
)
_BLACK = (30, 28, 28)
_STRIPE = 0.56  # half its width, of a radius
_SPOT = 0.9  # cosine of its edge


class BallPainter:
    """Paints balls of one size. Everything that does not depend on the frame is computed here, once."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._radius = layout.scale
        self._reach = int(self._radius + 0.75)  # half a pixel of soft edge, a quarter of sub-pixel place
        self._body = _planes([_IVORY, *_COLOURS, _BLACK, *[_IVORY] * 7])
        self._stripe = _planes([_IVORY, *_COLOURS, _BLACK, *_COLOURS])
        self._spot = _planes([_RED, *[_IVORY] * 15])
        self._spheres()
        self._shadow = _shadow(self._radius)

    def paint(self, picture: Pixels, balls: Balls) -> None:
        """Draws all balls with their shadows into a BGR24 picture that shows the empty table."""
        places = np.array((self._layout.left, self._layout.top)) + balls.places * self._layout.scale
        shadow_reach = self._shadow.shape[0] // 2
        for x, y in np.rint(places + np.multiply(_SHADOW_AT, self._radius)).astype(int).tolist():
            part = _part(picture, self._shadow, x - shadow_reach, y - shadow_reach)
            cv2.subtract(part, self._shadow, dst=part)
        steps = np.floor(places * _PHASES).astype(int)
        corners = steps // _PHASES - self._reach
        phases = steps % _PHASES
        phase = phases[:, 1] * _PHASES + phases[:, 0]
        for (x, y), inside, around in zip(corners.tolist(), self._lit(balls, phase), self._around[phase], strict=True):
            part = _part(picture, inside, x, y)
            cv2.multiply(part, around, dst=part, scale=1 / 255)
            cv2.add(part, inside, dst=part)

    def _lit(self, balls: Balls, phase: npt.NDArray[np.int_]) -> Pixels:
        """The balls as (16, side, side, 3), black around them."""
        # Colour planes until the end: NumPy is several times faster along long rows than along three channels.
        toward = np.matmul(balls.axes.astype(np.float32), self._normals[phase])
        striped = _sharp((_STRIPE - np.abs(toward[:, 0])) * self._radius)
        spotted = _sharp((np.abs(toward[:, 1]) - _SPOT) * (2 * self._radius))
        planes = striped * (self._stripe - self._body)
        planes += self._body
        planes += spotted * (self._spot - planes)
        planes *= self._shade[phase]
        planes += self._shine[phase]
        side = 2 * self._reach + 1
        lit: Pixels = cv2.merge(list(planes.astype(np.uint8))).reshape(-1, side, side, 3)
        return lit

    def _spheres(self) -> None:
        """For each sub-pixel place: normals, light, and how much of the background is seen."""
        side = np.arange(-self._reach, self._reach + 1, dtype=np.float32)
        parts = (np.arange(_PHASES, dtype=np.float32) + 0.5) / _PHASES - 0.5
        offsets_y, offsets_x = (part.reshape(-1, 1, 1) for part in np.meshgrid(parts, parts, indexing="ij"))
        x = (side[np.newaxis, np.newaxis, :] - offsets_x) / self._radius + np.zeros((1, side.size, 1), np.float32)
        y = (side[np.newaxis, :, np.newaxis] - offsets_y) / self._radius + np.zeros((1, 1, side.size), np.float32)
        distance = np.hypot(x, y)
        z = np.sqrt(np.maximum(0, 1 - distance**2))
        covered = np.clip((1 - distance) * self._radius + 0.5, 0, 1)
        facing = x * _LIGHT[0] + y * _LIGHT[1] + z * _LIGHT[2]
        # Ambient, diffuse and a darker rim; the felt throws some light back from below.
        shade = 0.34 + 0.66 * np.clip(facing, 0, 1) + 0.10 * np.clip(-facing, 0, 1)
        mirrored = np.clip(2 * z * facing - _LIGHT[2], 0, 1)
        shine = 165 * mirrored**24 + 26 * mirrored**4
        count = _PHASES * _PHASES
        self._normals = np.stack((x, y, z), axis=1).reshape(count, 3, -1).astype(np.float32)
        self._shade = (covered * shade * 0.94).reshape(count, -1).astype(np.float32)
        # No more than the brightest ball leaves room for: nothing is clipped when a frame is drawn.
        shine = np.clip(covered * shine, 0, 255 - 0.94 * 255 * covered * shade)
        self._shine = shine.reshape(count, -1).astype(np.float32)
        around = np.rint(255 * (1 - covered)).astype(np.uint8)
        self._around = np.repeat(around[..., np.newaxis], 3, axis=3)


def _planes(colours: list[tuple[int, int, int]]) -> Floats:
    """One colour for each ball, as (3, 16, 1)."""
    return np.ascontiguousarray(np.array(colours, np.float32).T)[..., np.newaxis]


def _sharp(distance: Floats) -> Floats:
    """How much of a pixel is inside an edge, which is `distance` pixels away."""
    distance += np.float32(0.5)
    return np.clip(distance, 0, 1, out=distance)


def _shadow(radius: float) -> Pixels:
    """What a shadow takes away from the felt: most of it under the ball, less and less towards its edge."""
    reach = int(np.ceil(radius * _SHADOW_RADIUS))
    side = np.arange(-reach, reach + 1, dtype=np.float32) / radius
    distance = np.hypot(side[np.newaxis, :], side[:, np.newaxis])
    depth = 0.62 * np.clip((_SHADOW_RADIUS - distance) / 0.85, 0, 1) ** 1.4
    shadow: Pixels = np.rint(depth[..., np.newaxis] * np.array(FELT)).astype(np.uint8)
    return shadow


def _part(picture: Pixels, patch: Pixels, x: int, y: int) -> Pixels:
    """Where a patch with its corner at (x, y) goes. It lies inside: the rails are wider than a patch reaches."""
    return picture[y : y + patch.shape[0], x : x + patch.shape[1]]

"""The sizes, rates and pixel formats that a device offers, and which of them to take.

A camera's raw pixels are cheaper to take than its JPEGs, and none of them is ever torn, but over USB they fit only at
small sizes or low rates: JPEG (MJPG) is asked for where it brings more frames, and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from billiards_video.capture.v4l2 import abi
from billiards_video.capture.v4l2.pixels import PREFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from billiards_video.capture.device_settings import DeviceSettings
    from billiards_video.capture.v4l2.node import Node

_CLOSE = 0.99  # 29.97 is as good as 30


class Mode(NamedTuple):
    """A pixel format in a size, and the most frames a second that it comes with."""

    pixels: str
    width: int
    height: int
    fps: float | None
    """None where the driver does not say."""


def choose(node: Node, kind: int, asked: DeviceSettings) -> Mode:
    """What to ask for: of what is offered, the most frames, up to the rate asked, in the size nearest to the one asked.

    A pixel format that was asked for is taken, whatever it brings. Raises `LookupError`, with what is offered in it,
    where there is nothing to be had that can be shown.
    """
    width, height, fps = asked.width, asked.height, asked.fps
    offered = list(_formats(node, kind))
    wanted = [name for name in PREFERENCE if name in offered and asked.pixel_format in (None, name)]
    if not wanted:
        raise LookupError(", ".join(offered) or "no pixel format at all")
    modes = [mode for name in wanted for mode in _nearest(node, name, width, height, fps)]

    def distance(mode: Mode) -> int:
        return abs(mode.width - width) + abs(mode.height - height)

    def worth(mode: Mode) -> tuple[int, bool, float, int]:
        rate = fps if mode.fps is None else min(mode.fps, fps)
        enough = rate >= _CLOSE * fps
        return -distance(mode), enough, 0 if enough else rate, -PREFERENCE.index(mode.pixels)

    return max(modes, key=worth)


def _formats(node: Node, kind: int) -> Iterator[str]:
    for described in node.entries(abi.ENUM_FMT, abi.FormatDescription(type=kind)):
        yield abi.letters(described.pixelformat)


def _nearest(node: Node, pixels: str, width: int, height: int, fps: float) -> Iterator[Mode]:
    """The sizes worth considering: all discrete ones, or the nearest of a range."""
    sizes = list(_sizes(node, pixels, width, height)) or [(width, height)]
    for columns, rows in sizes:
        yield Mode(pixels, columns, rows, _rate(node, pixels, columns, rows, fps))


def _sizes(node: Node, pixels: str, width: int, height: int) -> Iterator[tuple[int, int]]:
    for size in node.entries(abi.ENUM_FRAMESIZES, abi.FrameSize(pixel_format=abi.fourcc(pixels))):
        least_width, most_width, width_step, least_height, most_height, height_step = size.numbers
        if size.type == abi.DISCRETE:
            yield size.numbers[0], size.numbers[1]
        else:
            yield (
                _within(width, least_width, most_width, width_step),
                _within(height, least_height, most_height, height_step),
            )


def _within(wanted: int, least: int, most: int, step: int) -> int:
    clipped = min(max(wanted, least), most)
    return clipped - (clipped - least) % max(step, 1)


def _rate(node: Node, pixels: str, width: int, height: int, fps: float) -> float | None:
    """The lowest rate offered that is enough, or else the highest; None where none is told."""
    asked = abi.FrameInterval(pixel_format=abi.fourcc(pixels), width=width, height=height)
    rates = []
    for interval in node.entries(abi.ENUM_FRAMEINTERVALS, asked):
        numerator, denominator = interval.numbers[:2]  # of a range: its shortest interval
        if numerator and denominator:
            rates.append(denominator / numerator)
    enough = [rate for rate in rates if rate >= _CLOSE * fps]
    return min(enough) if enough else max(rates, default=None)

"""All that a device offers, for people who choose: pixel formats, the sizes of each, the rates of each size.

Lists alone are asked for, which a driver answers while another process streams from the device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from billiards_video.capture.v4l2 import abi
from billiards_video.capture.v4l2.node import Node

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Size(NamedTuple):
    """A size, or a range of them, and the frames a second that it comes with."""

    width: int
    height: int
    largest: tuple[int, int] | None
    """Of a range: its other end."""
    rates: tuple[float, ...]
    """From high to low; of a range, its ends; empty where the driver does not say."""


class Offer(NamedTuple):
    """A pixel format, in V4L2's letters, the driver's description of it, and its sizes."""

    pixels: str
    description: str
    sizes: tuple[Size, ...]


class Offers(NamedTuple):
    """What a device says of itself."""

    name: str
    formats: tuple[Offer, ...]


def offers(path: Path) -> Offers | None:
    """Opens a device and asks for all that it has; None where it has no pictures. Raises `OSError`."""
    with Node(path) as node:
        identity = node.identity()
        if not identity.takes_pictures:
            return None
        formats = [
            Offer(
                abi.letters(described.pixelformat),
                described.description.decode("utf-8", "replace"),
                tuple(_sizes(node, described.pixelformat)),
            )
            for described in node.entries(abi.ENUM_FMT, abi.FormatDescription(type=identity.kind))
        ]
        return Offers(identity.name, tuple(formats))


def _sizes(node: Node, fourcc: int) -> Iterator[Size]:
    for size in node.entries(abi.ENUM_FRAMESIZES, abi.FrameSize(pixel_format=fourcc)):
        width, other, _, height, tallest, _ = size.numbers
        if size.type == abi.DISCRETE:
            width, height = size.numbers[:2]
        largest = None if size.type == abi.DISCRETE else (other, tallest)
        yield Size(width, height, largest, _rates(node, fourcc, width, height))


def _rates(node: Node, fourcc: int, width: int, height: int) -> tuple[float, ...]:
    asked = abi.FrameInterval(pixel_format=fourcc, width=width, height=height)
    rates = set()
    for interval in node.entries(abi.ENUM_FRAMEINTERVALS, asked):
        ends = 1 if interval.type == abi.DISCRETE else 2
        for numerator, denominator in zip(interval.numbers[0::2][:ends], interval.numbers[1::2][:ends], strict=True):
            if numerator and denominator:
                rates.add(denominator / numerator)
    return tuple(sorted(rates, reverse=True))

"""What the floor and ours have in common: a publisher, a receiver, and a frame that can be checked for tearing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]

# number, when it was usable (monotonic ns), ns of the work timed in this side's own way, whether it was whole
Taken = tuple[int, int, int, bool]


@dataclass(frozen=True)
class Size:
    """A frame size by the name people use."""

    name: str
    width: int
    height: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of a BGR frame as NumPy and OpenCV have it."""
        return (self.height, self.width, 3)

    @property
    def frame_bytes(self) -> int:
        """Bytes of one BGR frame."""
        return self.height * self.width * 3


SIZES = {
    size.name: size
    for size in (
        Size("thumbnail", 64, 48),
        Size("VGA", 640, 480),
        Size("720p", 1280, 720),
        Size("1080p", 1920, 1080),
        Size("2160p", 3840, 2160),
        Size("4320p", 7680, 4320),
    )
}


class Publisher(Protocol):
    """The writer's half of a side."""

    def publish(self, number: int) -> tuple[int, int]:
        """Publish frame `number`; return when the publish call began (monotonic ns) and what it cost (ns)."""

    def close(self) -> None:
        """Remove what was created."""


class Receiver(Protocol):
    """The reader's half of a side."""

    def __init__(self, name: str, size: Size) -> None: ...

    def take(self) -> Taken:
        """Wait for the next frame, take it, check it, let go of it."""

    def close(self) -> None:
        """Let go of the memory."""


def stamp(pixels: Pixels, number: int) -> None:
    """Mark the first and the last byte of a contiguous frame with its number: a torn frame shows two."""
    pixels[0, 0, 0] = pixels[-1, -1, -1] = number & 0xFF


def is_whole(pixels: Pixels, number: int) -> bool:
    """Whether both marks of a frame are those of `number`."""
    return bool(pixels[0, 0, 0] == pixels[-1, -1, -1] == number & 0xFF)


class Source:
    """Four frames taken in turn: where a publisher that copies takes its pixels from.

    Four, since a decoder works on a pool of about that size: one single frame would be read out of the cache for ever,
    which no camera's frame is. Both sides copy out of the same kind of pool.
    """

    COUNT = 4

    def __init__(self, size: Size) -> None:
        random = np.random.default_rng(seed=20)
        self._frames = [random.integers(0, 256, size.shape, dtype=np.uint8) for _ in range(self.COUNT)]

    def frame(self, number: int) -> Pixels:
        """Return the frame for `number`, stamped with it."""
        pixels = self._frames[number % self.COUNT]
        stamp(pixels, number)
        return pixels

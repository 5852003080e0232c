"""What every way of handing over frames has in common: a publisher, receivers, and a frame that bears its number."""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from bench.sides import Size

Pixels = npt.NDArray[np.uint8]
MARK = struct.Struct("<Q")


class NotHereError(Exception):
    """Raised where a way cannot be measured on this machine: the text says why."""


def stamp(pixels: Any, length: int, mark: int) -> None:  # noqa: ANN401 - whatever exports a writable buffer
    """Write a frame's mark into its first and its last eight bytes: a torn frame shows two."""
    MARK.pack_into(pixels, 0, mark)
    MARK.pack_into(pixels, length - MARK.size, mark)


def marks(pixels: Pixels) -> tuple[int, int]:
    """Return the marks at both ends of a contiguous frame."""
    # NumPy's types do not say, before Python 3.12, that an array is a buffer.
    first: int = MARK.unpack_from(pixels, 0)[0]  # type: ignore[arg-type]
    last: int = MARK.unpack_from(pixels, pixels.nbytes - MARK.size)[0]  # type: ignore[arg-type]
    return first, last


class Pool:
    """Four frames taken in turn: where a publisher that copies takes its pixels from.

    Four, as in a decoder's pool: one single frame would be read out of the cache for ever, which no camera's frame is.
    They lie in bytearrays, since one of the rivals takes nothing else.
    """

    COUNT = 4

    def __init__(self, size: Size) -> None:
        noise = np.random.default_rng(seed=20).integers(0, 256, size.frame_bytes, dtype=np.uint8)
        self.buffers = [bytearray(noise) for _ in range(self.COUNT)]
        self.arrays: list[Pixels] = [np.frombuffer(buffer, np.uint8).reshape(size.shape) for buffer in self.buffers]
        self._length = size.frame_bytes
        self._turn = 0

    @property
    def following(self) -> int:
        """The position of the frame whose turn is next."""
        return (self._turn + 1) % self.COUNT

    def next(self, mark: int) -> int:
        """Stamp the next frame in turn and return its position."""
        self._turn = self.following
        stamp(self.buffers[self._turn], self._length, mark)
        return self._turn


class Publisher(ABC):
    """The writer's half, made in the writer's process."""

    waits_for_readers = False  # whether `publish` blocks until every reader takes the frame: none is ever dropped

    @abstractmethod
    def publish(self, mark: int) -> int:
        """Publish a frame that bears `mark`.

        Returns when publishing began, in monotonic ns: before the copy where there is one, and before the call that
        publishes where the frame was filled in place. Returns 0 where the frame was dropped.
        """

    def close(self) -> None:  # noqa: B027 - most have nothing to do here
        """Remove what was created."""


class Receiver(ABC):
    """A reader's half, made in the reader's process."""

    @abstractmethod
    def take(self) -> Pixels:
        """Wait for the next frame and return it; nothing more is to be done before it can be used."""

    def release(self) -> None:  # noqa: B027 - likewise
        """Let go of the frame taken last; its array is not used any more."""

    def close(self) -> None:  # noqa: B027 - most have nothing to do here
        """Let go of everything."""


class Transport(ABC):
    """One way, for one name and size. Made before writer and readers are forked, so that they can inherit of it."""

    def __init__(self, name: str, size: Size, readers: int) -> None:
        self.name = name
        self.size = size
        self.readers = readers

    @abstractmethod
    def publisher(self, pool: Pool) -> Publisher:
        """Return the writer's half; called in its process, again in another one if the first was killed."""

    @abstractmethod
    def receiver(self, index: int) -> Receiver:
        """Return the half of the reader with this index; called in its process."""

    def forked(self) -> None:  # noqa: B027 - likewise
        """Give up, in the process that has forked, what belongs to the readers alone."""

    def close(self) -> None:  # noqa: B027 - most have nothing to do here
        """Remove, after everybody has ended, what they may have left behind."""

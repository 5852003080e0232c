"""A stream that does not stand still: frames are published, by the thousand, while a test holds, forks or ends."""

import threading
from types import TracebackType
from typing import Self

import numpy as np

from billiards_video import Frame, SharedMemoryFrameWriter
from small_stream import picture

PICTURES = [picture(value) for value in range(256)]
MANY = 3000
"""Frames that are published while a test holds some."""

_PAUSE_S = 0.0002  # between two frames: some thousands a second, and a core for the others


def is_whole(frame: Frame) -> bool:
    """Whether every pixel of a frame is what its number says."""
    return np.array_equal(frame.array, PICTURES[frame.metadata.frame_number % 256])


def publish(writer: SharedMemoryFrameWriter, frames: int, first: int = 0) -> None:
    """Publishes so many frames without a pause, each with its number in every pixel; none may be dropped."""
    for number in range(first, first + frames):
        assert writer.write_frame(PICTURES[number % 256], number)


def slot(writer: SharedMemoryFrameWriter) -> int:
    """The number of the buffer that the newest frame is in."""
    index: int = writer.get_stats()["current_buffer_index"]
    return index


def slots_used(writer: SharedMemoryFrameWriter, frames: int) -> set[int]:
    """Publishes so many frames, and gives the buffers that they went into."""
    used = set()
    for _ in range(frames):
        publish(writer, 1)
        used.add(slot(writer))
    return used


class BusyStream:
    """Publishes in a thread of its own for as long as its block lasts."""

    def __init__(self, writer: SharedMemoryFrameWriter) -> None:
        self._writer = writer
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._publish)
        self.published = 0

    def _publish(self) -> None:
        while not self._stop.wait(_PAUSE_S):
            self._writer.write_frame(PICTURES[self.published % 256], self.published)
            self.published += 1

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

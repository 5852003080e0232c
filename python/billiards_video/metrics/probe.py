"""Looks at the stream of a name, again and again, by somebody who holds nothing there."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from billiards_video.ipc import EndOfStream, SharedMemoryFrameReader
from billiards_video.metrics.absence import in_words
from billiards_video.metrics.reading import read
from billiards_video.metrics.status_text import StatusText

if TYPE_CHECKING:
    from billiards_video.ipc import FrameMetadata
    from billiards_video.metrics.reading import Reading


class Look(NamedTuple):
    """What came of looking at `at_ns` (`CLOCK_MONOTONIC`, ns)."""

    at_ns: int
    reading: Reading | None
    """None where there is nothing to read."""
    problem: str
    """Why there is not, and what to do; "" where there is."""

    @property
    def publishing(self) -> bool:
        """Whether a live process owns the stream, whatever its source does."""
        return self.reading is not None and self.reading.alive

    @property
    def told(self) -> StatusText:
        """What the writer tells about its source; nothing, where there is none."""
        return StatusText("") if self.reading is None else self.reading.told


class Probe:
    """Reads the figures of the stream of a name, over restarts of its writer.

    It is an observer: it takes none of the stream's 64 lines and holds no buffer; a look at a new frame copies it,
    once a look. Not for several threads at once.

    Raises:
        ValueError: The name cannot be used.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._reader = self._handle()
        self._epoch = 0
        self._newest: FrameMetadata | None = None

    def look(self) -> Look:
        """Looks once. Waits for nothing; what is wrong is told in the answer."""
        problem, reading = "", None
        try:
            self._reader.attach(0)
            self._follow()
            self._look_at_newest()
            reading = read(self._reader, self._newest)
        except TimeoutError as error:
            problem = in_words(self._name, str(error))
        except (OSError, RuntimeError) as error:
            self._reader.detach()  # and from the beginning at the next look
            problem = str(error)
        if reading is None:
            self._newest = None
        return Look(time.monotonic_ns() if reading is None else reading.at_ns, reading, problem)

    def close(self) -> None:
        """Lets go of the stream."""
        self._reader.detach()

    def _handle(self) -> SharedMemoryFrameReader:
        return SharedMemoryFrameReader(self._name, observe=True, allow_dead=True)

    def _follow(self) -> None:
        """Goes on with the next writer, at once; the handle by itself looks for one four times a second."""
        if self._reader.writer_alive:
            return
        fresh = self._handle()
        with suppress(OSError, RuntimeError, TimeoutError):
            fresh.attach(0)
            if fresh.writer_alive:
                self._reader, fresh = fresh, self._reader
        fresh.detach()

    def _look_at_newest(self) -> None:
        try:
            frame = self._reader.try_lease()
        except EndOfStream:
            frame = None
        if frame is not None:
            with frame:
                self._newest = frame.metadata
        elif self._reader.epoch != self._epoch:
            self._newest = None
        self._epoch = self._reader.epoch

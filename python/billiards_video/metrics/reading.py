"""What a stream says of itself at one moment, read from shared memory by somebody who holds nothing there."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from billiards_video.ipc import EndOfStream, SharedMemoryFrameReader, State
from billiards_video.metrics.status_text import StatusText

if TYPE_CHECKING:
    from billiards_video.ipc import Counters, FrameMetadata, ReaderFigures

_SEQUENCE_STEP = 2


@dataclass(frozen=True)
class Segment:
    """A stream's segment, as its writer keeps it."""

    state: State
    reason: str
    writer_alive: bool
    writer_pid: int
    width: int
    height: int
    frame_format: str
    counters: Counters
    readers: tuple[ReaderFigures, ...] | None
    """The live readers; None where they are another user's."""

    def lag(self, reader: ReaderFigures) -> int:
        """How many published frames newer than its last one a reader has not taken; 0 before its first."""
        if not reader.last_sequence:
            return 0
        return max(0, self.counters.latest_sequence - reader.last_sequence) // _SEQUENCE_STEP


@dataclass(frozen=True)
class Reading:
    """All that is known of a stream at `at_ns` (`CLOCK_MONOTONIC`, ns)."""

    at_ns: int
    segment: Segment | None
    """None where there is nothing to read."""
    problem: str
    """Why there is not, and what to do; "" where there is."""
    newest: FrameMetadata | None
    """The newest frame; None before the first."""
    status: StatusText

    @property
    def publishing(self) -> bool:
        """Whether a live process owns the stream, whatever its source does."""
        return self.segment is not None and self.segment.writer_alive

    @property
    def frame_age(self) -> float | None:
        """Seconds since the newest frame was captured; None before the first."""
        return None if self.newest is None else max(0, self.at_ns - self.newest.captured_ns) / 1e9


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

    def read(self) -> Reading:
        """Looks once. Waits for nothing; what is wrong is told in the reading."""
        status, problem, segment = StatusText(""), "", None
        try:
            self._reader.attach(0)
            self._follow()
            self._look_at_newest()
            segment = self._segment()
            status = self._status()
        except TimeoutError as error:
            problem = _without_the_wait(str(error))
        except (OSError, RuntimeError) as error:
            self._reader.detach()  # and from the beginning at the next look
            segment, problem = None, str(error)
        if segment is None:
            self._newest = None
        return Reading(time.monotonic_ns(), segment, problem, self._newest, status)

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

    def _status(self) -> StatusText:
        try:
            return StatusText(self._reader.status_text())
        except (OSError, UnicodeDecodeError):
            return StatusText("")  # gone with its writer, or no text: all else is known nonetheless

    def _segment(self) -> Segment:
        reader = self._reader
        state, reason = reader.state
        try:
            readers = tuple(reader.readers())
        except PermissionError:
            readers = None
        return Segment(
            state=state,
            reason=reason,
            writer_alive=reader.writer_alive,
            writer_pid=reader.writer_pid,
            width=reader.width,
            height=reader.height,
            frame_format=reader.frame_format.name,
            counters=reader.counters,
            readers=readers,
        )


def _without_the_wait(text: str) -> str:
    """The reader's words of a failed attach, which speak of how long it waited: here, not at all."""
    return text.replace(" within 0.0s", "")

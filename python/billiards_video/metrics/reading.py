"""A stream at one moment, as its shared memory has it: read and judged here, for all who show it.

The command line imports this where it must start quickly: it costs what the reader costs.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from billiards_video.ipc import State
from billiards_video.metrics.status_text import StatusText

if TYPE_CHECKING:
    from pathlib import Path

    from billiards_video.ipc import Counters, FrameMetadata, ReaderFigures, SharedMemoryFrameReader

_SIGN_OF_LIFE_SECONDS = 3.0  # a capture process gives one each second
_SEQUENCE_STEP = 2
_NS = 1e9
_FAREWELLS = (State.ENDED, State.FAILED, State.CLOSED, State.SUPERSEDED)


class Reading(NamedTuple):
    """What is known of a stream at `at_ns` (`CLOCK_MONOTONIC`, ns). Durations are seconds."""

    at_ns: int
    name: str
    path: Path
    pid: int
    alive: bool
    """Whether the writer lives."""
    state: State
    reason: str
    width: int
    height: int
    format: str
    frame_bytes: int
    counters: Counters
    readers: tuple[ReaderFigures, ...] | None
    """The live readers; None where they are another user's, and not to be seen."""
    told: StatusText
    """What the writer tells about its source."""
    newest: FrameMetadata | None
    """The newest frame; None before the first, or where it was not looked at."""

    @property
    def live(self) -> bool:
        """Whether frames are to be expected: a writer that is there, and says nothing else."""
        return self.alive and self.state is State.LIVE and not self.silent

    @property
    def dead(self) -> bool:
        """Whether the writer has died without a farewell."""
        return not self.alive and self.state not in _FAREWELLS

    @property
    def silent(self) -> bool:
        """Whether the writer lives, has not said that this is over, and has given no sign of life for seconds.

        One that has never given a sign is not: there is nothing to measure from.
        """
        return self.alive and self.state not in _FAREWELLS and (self.heartbeat_age or 0.0) > _SIGN_OF_LIFE_SECONDS

    @property
    def heartbeat_age(self) -> float | None:
        """Seconds since the writer last published, or said that it is there; None where it has done neither yet."""
        return self._since(self.counters.heartbeat_ns or None)

    @property
    def frame_age(self) -> float | None:
        """Seconds since the newest frame was captured; None where there is none."""
        return self._since(None if self.newest is None else self.newest.captured_ns)

    @property
    def state_age(self) -> float | None:
        """Seconds since the state began, where that is told."""
        return self._since(self.told.number("state_since_ns"))

    @property
    def error_age(self) -> float | None:
        """Seconds since the source last failed, where that is told."""
        return self._since(self.told.number("last_error_ns"))

    def lag(self, reader: ReaderFigures) -> int | None:
        """How many published frames are newer than a reader's last one; None before its first."""
        if not reader.last_sequence:
            return None
        return max(0, self.counters.latest_sequence - reader.last_sequence) // _SEQUENCE_STEP

    def held_seconds(self, reader: ReaderFigures) -> float | None:
        """For how long a reader has held a buffer without a break; None if it holds none."""
        return self._since(reader.held_since_ns)

    def attached_seconds(self, reader: ReaderFigures) -> float:
        """For how long a reader has been one."""
        return self._since(reader.attached_ns) or 0.0

    def _since(self, then_ns: float | None) -> float | None:
        return None if then_ns is None else max(0.0, (self.at_ns - then_ns) / _NS)


def read(reader: SharedMemoryFrameReader, newest: FrameMetadata | None = None) -> Reading:
    """Reads what there is beside the frames; `newest` is what the caller knows of the newest one. Waits for nothing.

    Raises `OSError` or `RuntimeError` where the stream went away meanwhile.
    """
    at_ns = time.monotonic_ns()
    try:
        readers = tuple(reader.readers())
    except PermissionError:
        readers = None
    try:
        told = StatusText(reader.status_text())
    except (OSError, UnicodeDecodeError):
        told = StatusText("")  # it is gone with its stream, or a writer has written what it likes
    state, reason = reader.state
    return Reading(
        at_ns=at_ns,
        name=reader.name,
        path=reader.path,
        pid=reader.writer_pid,
        alive=reader.writer_alive,
        state=state,
        reason=reason,
        width=reader.width,
        height=reader.height,
        format=reader.frame_format.name,
        frame_bytes=reader.bytes_per_frame,
        counters=reader.counters,
        readers=readers,
        told=told,
        newest=newest,
    )

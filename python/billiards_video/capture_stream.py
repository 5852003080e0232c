"""The stream that is captured into: its name, its writer, its state. It outlives whatever fills it.

The capture thread publishes through it, the main thread says in it what is going on. A lock here is never held across a
call to the source.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from billiards_video.capture_statistics import Statistics
from billiards_video.ipc import Reservation, State
from billiards_video.stage_times import StageTimes

if TYPE_CHECKING:
    from collections.abc import Callable

    from billiards_video.config import VideoConfig
    from billiards_video.ipc import FrameFormat, SharedMemoryFrameWriter

logger = logging.getLogger(__name__)

CANNOT_BE_OPENED = "the source cannot be opened"
GONE = "the source is gone"
INTERNAL = "an error in the capture process"


class StreamError(Exception):
    """The shared memory cannot be had: its name is in use, there is no room; in the words of the bus."""


class CaptureStream:
    """One name, and one writer once there is a frame. `changed` is called, in any thread, when the state is another."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.changed = changed
        self.statistics = Statistics()
        """What there was, whichever thread and source it came from."""
        self.times = StageTimes()
        """How long it took, likewise."""
        self.writer: SharedMemoryFrameWriter | None = None
        """None until the source has given a frame."""
        self.state = State.LIVE
        self.reason = ""
        self.since_ns = time.monotonic_ns()
        """When it came into that state (`CLOCK_MONOTONIC`, ns)."""
        self._reservation: Reservation | None = None
        self._state_lock = threading.Lock()  # held for no longer than it takes to set a state
        self._lock = threading.RLock()  # reentrant: the signal handler ends the stream too
        self._ended = False

    def take_name(self, video: VideoConfig) -> None:
        """Takes the right to publish under the configured name, before the source is touched. Raises `StreamError`.

        A second process would otherwise find the camera of the first one busy, and wait for it for ever.
        """
        try:
            self._reservation = Reservation(
                video.shared_memory_name, max_buffers=video.max_buffers, access=video.access
            )
        except (OSError, ValueError) as error:
            raise StreamError(str(error)) from None

    def begin(self, width: int, height: int, frame_format: FrameFormat) -> SharedMemoryFrameWriter | None:
        """The writer; made, for frames of that size, where there is none yet. None once the stream has ended.

        Raises `StreamError`.
        """
        if self.writer is not None:
            return self.writer
        with self._lock:
            if self._ended or self._reservation is None:
                return None
            try:
                self.writer = writer = self._reservation.publish(width, height, frame_format)
            except (OSError, ValueError) as error:
                raise StreamError(str(error)) from None
        self._tell_where(writer)
        return writer

    def reshape(self, writer: SharedMemoryFrameWriter, width: int, height: int, frame_format: FrameFormat) -> None:
        """Goes on with frames of another size or format. Raises `StreamError`."""
        logger.info("Frames are %dx%d %s now: new shared memory under the same name", width, height, frame_format.name)
        try:
            writer.reshape(width, height, frame_format)
        except (OSError, ValueError) as error:
            raise StreamError(str(error)) from None
        self._tell_where(writer)

    def problem(self) -> str | None:
        """Why the writer cannot go on, in its own words, if that is so: another one has taken its name."""
        try:
            if self.writer is not None:
                self.writer.tend()
        except (OSError, RuntimeError) as error:
            return str(error)
        return None

    def set_state(self, state: State, reason: str) -> None:
        """Makes a state known, in the header and to the main thread. From any thread."""
        with self._state_lock:
            self._set_state(state, reason)

    def judge(self, state: State, reason: str) -> bool:
        """Says LIVE or STALLED from outside, while the source is open; gives whether that is news."""
        with self._state_lock:
            if self.state not in (State.LIVE, State.STALLED) or (self.state, self.reason) == (state, reason):
                return False
            if state is State.STALLED:
                self.statistics.stalled(reason)
            self._set_state(state, reason)
            return True

    def end(self, state: State, reason: str) -> None:
        """Removes the shared memory, and sees to it that no thread makes another."""
        with self._lock:
            self._ended = True
            if self.writer is not None:
                self.writer.cleanup(state, reason)
            elif self._reservation is not None:
                self._reservation.cancel()

    def _set_state(self, state: State, reason: str) -> None:
        if state is not self.state:
            self.since_ns = time.monotonic_ns()
        self.state, self.reason = state, reason
        if self.writer is not None:
            self.writer.set_state(state, reason)
        self.changed()

    def _tell_where(self, writer: SharedMemoryFrameWriter) -> None:
        size = writer.get_stats()["total_size_mb"]
        form = writer.frame_format.name
        logger.info("Shared memory: %s, %dx%d %s, %.1f MB", writer.path, writer.width, writer.height, form, size)
        self.changed()

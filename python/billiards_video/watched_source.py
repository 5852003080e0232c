"""The calls that the capture thread makes to its source: timed, and given up from outside where one does not come back.

A thread that hangs in a device cannot be ended. It can be left behind: once a call is given up, the thread that made it
hears of that the moment it comes back, before it can touch anything that others go on with.
"""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from billiards_video.capture import Grabbed, Source, SourceFacts
    from billiards_video.capture.source import Pixels
    from billiards_video.config import CameraConfig
    from billiards_video.stage_times import StageTimes

_NS = 1_000_000_000
_SLACK_SECONDS = 0.25  # a call that ends with its limit needs a moment to come back, on a busy machine


class GivenUpError(Exception):
    """Nobody waits for this call any more: whatever it gave must have no effect."""


class Call(NamedTuple):
    """A call that is under way."""

    method: str
    """`open`, `grab`, `retrieve` or `close`."""
    began_ns: int
    """When it began (`CLOCK_MONOTONIC`, ns)."""


def overdue_ns(camera: CameraConfig) -> dict[str, int]:
    """For each method, how long a call of it may take, in nanoseconds: twice what its own time limit is."""
    # OpenCV's own backends wait for whole seconds.
    read = camera.read_timeout if camera.backend == "auto" else math.ceil(camera.read_timeout)
    # To open a stream is to connect and then to read a frame, each within its limit.
    opening = (camera.open_timeout or 2 * camera.read_timeout) + read
    limits = {"open": opening, "grab": read, "retrieve": read, "close": read}
    return {method: round((2 * seconds + _SLACK_SECONDS) * _NS) for method, seconds in limits.items()}


class WatchedSource:
    """A source, as one capture thread calls it. Each call raises `GivenUpError` if it was given up meanwhile."""

    def __init__(self, source: Source, times: StageTimes) -> None:
        self.source = source
        """For its attributes, and for `cancel`."""
        self.call: Call | None = None
        """The call that is under way."""
        self.retrieve_ns = 0
        """How long the last `retrieve` took."""
        self._times = times
        self._given_up = False
        self._lock = threading.Lock()  # held for no longer than it takes to compare two numbers

    def open(self) -> SourceFacts:
        """As `Source.open`."""
        began_ns = self._begin("open")
        try:
            return self.source.open()
        finally:
            self._end(began_ns)

    def grab(self) -> Grabbed:
        """As `Source.grab`."""
        began_ns = self._begin("grab")
        try:
            grabbed = self.source.grab()
        finally:
            took_ns = self._end(began_ns)
        self._times.grab.record(took_ns)
        return grabbed

    def retrieve(self, out: Pixels) -> Pixels | None:
        """As `Source.retrieve`."""
        began_ns = self._begin("retrieve")
        try:
            picture = self.source.retrieve(out)
        finally:
            self.retrieve_ns = self._end(began_ns)
        self._times.retrieve.record(self.retrieve_ns)
        return picture

    def close(self) -> None:
        """As `Source.close`."""
        began_ns = self._begin("close")
        try:
            self.source.close()
        finally:
            self._end(began_ns)

    def give_up(self, call: Call) -> bool:
        """Waits for that call no longer; False if it has just come back. From another thread; does not block."""
        with self._lock:
            if self.call is not call:
                return False
            self._given_up = True
            return True

    def _begin(self, method: str) -> int:
        began_ns = time.monotonic_ns()
        self.call = Call(method, began_ns)
        return began_ns

    def _end(self, began_ns: int) -> int:
        with self._lock:
            self.call = None
            if self._given_up:
                raise GivenUpError
        return time.monotonic_ns() - began_ns

"""Whether a live stream is kept up with: what is old already when it comes, and whether one decoder is enough.

Nothing says how old a network stream's frame is. But a frame that had to be waited for is new, and one that was there
at once may have been there for long.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_LEAST_WAIT_SECONDS = 0.002
_WAITS = 3  # in a row are an end of what was waiting; a single one may be another process's doing
_PAUSE_SECONDS = 0.25
_PAUSE_PERIODS = 3
_WINDOW_SECONDS = 3.0
_BUSY = 0.9
_BEHIND = 0.95


class Grab(NamedTuple):
    """One call for a frame."""

    done: bool
    seconds: float
    """How long it took."""
    waited: bool
    """Whether it waited for something, rather than work all the time."""


class Stopwatch:
    """Tells calls that wait from calls that work. `period` is the seconds from frame to frame."""

    def __init__(self, period: float) -> None:
        self._wait = max(_LEAST_WAIT_SECONDS, period / 4)

    def time(self, grab: Callable[[], bool]) -> Grab:
        """Makes the call."""
        began, worked = time.monotonic(), time.thread_time()
        done = grab()
        seconds = time.monotonic() - began
        return Grab(done, seconds, seconds - (time.thread_time() - worked) > self._wait)


class Backlog:
    """How much of what comes is to be passed over: after a pause, what had been waiting, and no more than that.

    A pause is a quarter of a second, or three frames, without a frame: of this process, or of the network.
    """

    def __init__(self, period: float, waiting: float = 0.0) -> None:
        """`waiting` is how many seconds of the stream may be waiting already."""
        self._pause = max(_PAUSE_SECONDS, _PAUSE_PERIODS * period)
        self._last = time.monotonic()
        self._waiting = waiting
        self._waits = 0

    def is_old(self, *, waited: bool, lasts: float) -> bool:
        """Whether the frame that came now was waiting; `lasts` is how much of the stream it is, in seconds."""
        now = time.monotonic()
        gap, self._last = now - self._last, now
        self._waits = self._waits + 1 if waited else 0
        if gap > self._pause:
            self._waiting, self._waits = max(self._waiting, gap), 0
        elif self._waits == _WAITS:
            self._waiting = 0.0
        old = self._waiting > 0 and not waited
        if old:
            self._waiting -= lasts
        return old


class Load:
    """Whether this thread, which decodes, has more to do than there is time."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._worked = time.thread_time()
        self._position = 0.0

    def is_too_much(self, position: float) -> bool:
        """To be asked after each frame: true after three seconds without rest, in which the stream ran away.

        `position` is the frame's, in seconds of the stream.
        """
        lasted = time.monotonic() - self._began
        if lasted < _WINDOW_SECONDS:
            return False
        share = (time.thread_time() - self._worked) / lasted
        behind = position - self._position < _BEHIND * lasted
        self._began, self._worked, self._position = time.monotonic(), time.thread_time(), position
        return share > _BUSY and behind

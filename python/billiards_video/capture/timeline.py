"""When each frame of a file is due: presentation time laid over the monotonic clock, without drift.

Due times are sums of whole nanoseconds from one anchor, never from the moment the last frame happened to be handed
over, so lateness of one frame does not move the next.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_STEP_NS = 10_000_000_000
_LATEST_NS = 1_000_000_000


class Moment(NamedTuple):
    """Both in nanoseconds of `CLOCK_MONOTONIC`."""

    presented_ns: int
    """When the film has the frame shown."""
    due_ns: int
    """When to show it: the same, unless time has to be made up."""


class Timeline:
    """Turns the positions that a file states for its frames into times at which they are due.

    A step back, no step, or a step of more than 10 s is a fault of the timestamps (wrapped, restarted, missing), and
    counts as one nominal frame period. Frames that are late are made up for at twice the pace and not in a burst, of
    which a reader would miss half. Where they are more than 1 s late, the machine stood still or is too slow: the
    anchor is moved, and nothing is made up for.
    """

    def __init__(self, period_ns: int, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._period_ns = period_ns
        self._clock = clock
        self._position_ns: int | None = None
        self._presented_ns: int | None = None
        self._shown_ns = 0
        self.late_ns = 0
        """By how much the frame that was placed last was ready after it should have been shown."""
        self.leapt = False
        """Whether its position is one that cannot follow the one before: back, or far ahead."""

    def restart(self) -> None:
        """The next frame starts a new pass over the file: one period after the last."""
        self._position_ns = None

    def place(self, position_ns: int) -> Moment:
        """Says when to show the frame at `position_ns` of the file, which is ready now."""
        now = self._clock()
        if self._presented_ns is None:
            presented, soonest = now, now
        else:
            step = self._period_ns if self._position_ns is None else position_ns - self._position_ns
            self.leapt = not 0 <= step <= _LONGEST_STEP_NS
            if self.leapt or step == 0:
                step = self._period_ns
            presented, soonest = self._presented_ns + step, self._shown_ns + step // 2
            self.late_ns = max(0, now - presented)
            if self.late_ns > _LATEST_NS:
                presented = now
        due = max(presented, soonest)
        self._position_ns, self._presented_ns, self._shown_ns = position_ns, presented, max(due, now)
        return Moment(presented, due)

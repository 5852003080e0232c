"""When each frame of a file is due: presentation time laid over the monotonic clock, without drift.

Due times are sums of whole nanoseconds from one anchor, never from the moment the last frame happened to be handed
over, so lateness of one frame does not move the next.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_STEP_NS = 10_000_000_000
_LATEST_NS = 1_000_000_000


class Timeline:
    """Turns the positions that a file states for its frames into times at which they are due.

    A step back, no step, or a step of more than 10 s is a fault of the timestamps (wrapped, restarted, missing), and
    counts as one nominal frame period. Where frames are more than 1 s late, the machine stood still or is too slow: the
    anchor is moved, rather than the lost time played back in a rush.
    """

    def __init__(self, period_ns: int, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._period_ns = period_ns
        self._clock = clock
        self._position_ns: int | None = None
        self._due_ns: int | None = None

    def restart(self) -> None:
        """The next frame starts a new pass over the file: one period after the last."""
        self._position_ns = None

    def due(self, position_ns: int) -> int:
        """The time (`CLOCK_MONOTONIC`, ns) at which the frame at `position_ns` of the file is to be shown."""
        now = self._clock()
        if self._due_ns is None:
            due = now
        else:
            step = self._period_ns if self._position_ns is None else position_ns - self._position_ns
            due = self._due_ns + (step if 0 < step <= _LONGEST_STEP_NS else self._period_ns)
            if now - due > _LATEST_NS:
                due = now
        self._position_ns, self._due_ns = position_ns, due
        return due

"""When a frame is published: at absolute deadlines, so that a late frame does not shift those after it."""

from __future__ import annotations

import os
import time

NANOSECONDS = 1_000_000_000
LATE_NS = 1_000_000


class Pace:
    """Deadlines at a steady rate from its construction on, on the monotonic clock."""

    def __init__(self, per_second: float) -> None:
        self._period_ns = NANOSECONDS / per_second
        self._start_ns = time.monotonic_ns()
        self._ticks = 0
        self.late = 0

    def wait(self) -> int:
        """Sleep until the next deadline and return by how many ns it was passed; over a millisecond counts as late."""
        self._ticks += 1
        deadline = self._start_ns + round(self._ticks * self._period_ns)
        remaining = deadline - time.monotonic_ns()
        if remaining > 0:
            time.sleep(remaining / NANOSECONDS)  # CPython sleeps with clock_nanosleep to an absolute monotonic time
        passed = time.monotonic_ns() - deadline
        self.late += passed > LATE_NS
        return passed


def pin_to(position: int, process: int = 0) -> int | None:
    """Pin a process (0: this one) to a processor that this one may use; return which, None where there is but one.

    The writer takes the first and the reader the second, for the floor and ours alike. Left to the scheduler, a waking
    reader is sometimes placed beside the writer and sometimes on the other core, which are two different latencies:
    the mixture differs from block to block and widens the interval without saying anything about either side.
    """
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) <= 1:
        return None
    chosen = allowed[position % len(allowed)]
    os.sched_setaffinity(process, {chosen})
    return chosen

"""How many threads decode a file: one, as long as that keeps the film's pace.

A second one costs CPU time, up to a fifth, for locks and for caches that are shared; it is worth it only where frames
would be late.
"""

from __future__ import annotations

import math
import os
from collections import deque

_PIXELS_PER_SECOND = 150e6
"""What one thread is trusted with before it was seen at work: 1080p at 60 frames a second is 124 million. It decodes
250 to 300 million of H.264; films of twice the effort exist, and machines of half the speed."""
_MOST = 16  # FFmpeg's own limit for what it calls automatic


class DecoderThreads:
    """Begins with few threads, and takes twice as many each time half the frames of a second were late."""

    def __init__(self, most: int | None = None) -> None:
        self._most = min(most or len(os.sched_getaffinity(0)), _MOST)
        self._late: deque[bool] = deque(maxlen=30)
        self.count = 1
        """How many threads the next decoder is to have."""

    def expect(self, pixels_per_second: float) -> bool:
        """Takes note of what the film demands, as far as that is announced. True: more threads are wanted for it."""
        before = self.count
        self.count = max(before, min(math.ceil(pixels_per_second / _PIXELS_PER_SECOND), self._most))
        return self.count > before

    def hurry(self) -> None:
        """Takes all that there are: nobody waits for the film's pace."""
        self.count = self._most

    def begin(self, fps: float) -> None:
        """Counts late frames anew, with another decoder; `fps` of them are a second."""
        self._late = deque(maxlen=max(10, math.ceil(fps)))

    def note(self, *, late: bool) -> bool:
        """Takes note of one frame: whether it was ready only after it should have been shown.

        True: more threads are wanted. A moment in which the machine was busy elsewhere does not lead to it.
        """
        self._late.append(late)
        if self.count == self._most or 2 * sum(self._late) <= (self._late.maxlen or 0):
            return False
        self.count = min(2 * self.count, self._most)
        self._late.clear()
        return True

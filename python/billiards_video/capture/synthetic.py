"""A camera that is not there: an animated billiard table, for demonstrations, tests and a first try without hardware.

A person sees the frame number, the time and motion; a program checks each frame's number and that it is whole with
`billiards_video.frame_code.check`, as long as the picture arrives bit for bit. How it is drawn: `capture.picture`.
"""

from __future__ import annotations

import time
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from billiards_video.capture.picture import Picture
from billiards_video.capture.source import Grabbed, Source, SourceError, SourceFacts

if TYPE_CHECKING:
    from collections.abc import Callable

    from billiards_video.capture.source import Pixels

SMALLEST = (160, 120)
LARGEST = 16384
_SLOWEST = 0.001
_BACKLOG = 4  # frames that wait for a program that is late, as a camera's driver keeps a few; older ones are lost
_NS = 1_000_000_000


class SyntheticSource(Source):
    """Draws frames of the given size at the given rate, as a camera with a perfect clock would take them.

    Frame `n` is taken exactly `n / fps` seconds after the first grab: deadlines are counted from the start, in whole
    nanoseconds, and do not drift. Whoever comes up to four frames late gets the frames that waited; later than that
    some are lost as with a camera: the number jumps, `skipped` counts them, and the frame is a discontinuity.

    Width and height from 160x120 to 16384, otherwise a ValueError, as is a rate below 0.001. `clock` stands in
    for `time.monotonic_ns` in tests. Pictures take 1 to 3 ms each at 1080p, on one core, as the machine
    is idle or busy, and are the same for the same number, time of day and `seed`.
    """

    def __init__(
        self,
        width: int = 1920,
        height: int = 1080,
        fps: float = 30.0,
        *,
        seed: int = 0,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        if not (
            SMALLEST[0] <= width <= LARGEST and SMALLEST[1] <= height <= LARGEST and _SLOWEST <= fps < float("inf")
        ):
            raise ValueError(
                f"A synthetic source of {width}x{height} at {fps:g} frames a second: the size may be from "
                f"{SMALLEST[0]}x{SMALLEST[1]} to {LARGEST}x{LARGEST}, the rate from {_SLOWEST} up."
            )
        self._width, self._height, self._fps, self._seed = width, height, fps, seed
        self._clock = clock
        self._rate = Fraction(fps).limit_denominator(1_000_000)  # 29.97002997 becomes 30000/1001
        self._picture: Picture | None = None
        self._start: int | None = None
        self._number = -1

    @property
    def text(self) -> str:  # noqa: D102 - as in the interface
        return "synthetic billiard table"

    def examine(self) -> tuple[int, int]:  # noqa: D102 - as in the interface
        return self._width, self._height

    def open(self) -> SourceFacts:
        """Draws the still parts of the picture, which takes 0.2 s at 1080p. Numbers start again at 0."""
        picture = Picture(self._width, self._height, self._fps, self._seed)
        # Everything that is slow only the first time is over before the clock starts: some of it takes 100 ms.
        picture.draw(np.empty((self._height, self._width, 3), np.uint8), 0, 0, 0)
        self._picture = picture
        self._start, self._number, self.skipped = None, -1, 0
        return SourceFacts(self._width, self._height, self._fps)

    def grab(self) -> Grabbed:
        """Moves on to the next frame and tells when it is due. Never blocks."""
        now = self._clock()
        if self._start is None:
            self._start = now
        number = self._number + 1
        newest = self._newest(now - self._start)
        lost = newest - number if newest - number > _BACKLOG else 0
        self._number = number + lost
        self.skipped += lost
        due = self._start + self._taken(self._number)
        return Grabbed(captured_ns=due, due_ns=due, discontinuity=lost > 0)

    def retrieve(self, out: Pixels) -> Pixels:
        """Draws the frame into `out`, or where that has another shape into a new array."""
        if self._picture is None or self._start is None:
            raise SourceError("The synthetic source is not open, or no frame of it was grabbed yet.")
        if out.shape != (self._height, self._width, 3):
            out = np.empty((self._height, self._width, 3), np.uint8)
        elapsed = self._taken(self._number)
        wall = time.time_ns() - self._clock() + self._start + elapsed
        self._picture.draw(out, self._number, elapsed, wall)
        return out

    def close(self) -> None:  # noqa: D102 - as in the interface
        self._picture = None

    def _taken(self, number: int) -> int:
        """When frame `number` is taken, in nanoseconds from the first."""
        return int(number * _NS / self._rate)

    def _newest(self, elapsed: int) -> int:
        """The number of the newest frame taken by then."""
        return int(elapsed * self._rate / _NS)

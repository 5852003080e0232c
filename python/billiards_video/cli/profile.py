"""Where a frame's time went: the durations of its stages, summed up, and in bins that suit a picture of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from billiards_video.stage_times import Bin, Histogram, StageTimes

_SERIES: tuple[tuple[float, ...], ...] = (  # the steps in a factor of ten, from fine to coarse
    (1, 1.1, 1.2, 1.3, 1.5, 1.6, 1.8, 2, 2.2, 2.4, 2.7, 3, 3.3, 3.6, 3.9, 4.3, 4.7, 5.1, 5.6, 6.2, 6.8, 7.5, 8.2, 9.1),
    (1, 1.2, 1.5, 1.8, 2.2, 2.7, 3.3, 3.9, 4.7, 5.6, 6.8, 8.2),
    (1, 1.5, 2.2, 3.3, 4.7, 6.8),
    (1, 2, 5),
    (1,),
)
WORDS = {
    "grab": "waiting for the frame, and taking it",
    "retrieve": "converting it into the shared buffer",
    "preprocess": "lens, rotation, crop, size",
    "publish": "finding the buffer, making it the newest frame",
}


class Row(NamedTuple):
    """Durations of one bin, in seconds, and how many there were."""

    low: float
    high: float
    frames: int


class Stage(NamedTuple):
    """One stage. Durations are in seconds."""

    name: str
    frames: int
    total: float
    p50: float
    p90: float
    p99: float
    longest: float
    bins: tuple[Bin, ...]

    @property
    def mean(self) -> float:
        """The mean duration."""
        return self.total / self.frames


class Profile(NamedTuple):
    """All stages, and how many seconds the process ran."""

    stages: tuple[Stage, ...]
    lasted: float


def profile_of(times: StageTimes, lasted: float) -> Profile:
    """Sums the times up; stages that did not happen are not there."""
    return Profile(tuple(_stage(name, histogram) for name, histogram in times.items()), lasted)


def _stage(name: str, histogram: Histogram) -> Stage:
    bins = tuple(histogram.bins())
    p50, p90, p99 = (histogram.quantile(share) or 0.0 for share in (0.5, 0.9, 0.99))
    return Stage(name, sum(each.count for each in bins), histogram.sum, p50, p90, p99, bins[-1].high, bins)


def rows(bins: Sequence[Bin], most: int) -> list[Row]:
    """The bins joined into at most `most` rows with round bounds, as fine as that allows; empty ones between stay."""
    for steps in _SERIES:
        joined = _joined(bins, steps)
        if len(joined) <= most:
            return joined
    return _joined(bins, _SERIES[-1])


def _joined(bins: Iterable[Bin], steps: Sequence[float]) -> list[Row]:
    counts: dict[int, int] = {}
    for each in bins:
        place = _place((each.low + each.high) / 2, steps)
        counts[place] = counts.get(place, 0) + each.count
    first, last = min(counts), max(counts)
    return [Row(_bound(at, steps), _bound(at + 1, steps), counts.get(at, 0)) for at in range(first, last + 1)]


def _place(duration: float, steps: Sequence[float]) -> int:
    """The last bound that is not above the duration, counted from the one at a second."""
    power = math.floor(math.log10(max(duration, 1e-9)) + 1e-9)
    within = sum(step <= duration / 10**power * (1 + 1e-9) for step in steps) - 1
    return int(power * len(steps) + within)


def _bound(place: int, steps: Sequence[float]) -> float:
    power, within = divmod(place, len(steps))
    return float(f"{steps[within]}e{power}")

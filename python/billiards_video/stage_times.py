"""Where a frame's time goes: how long each stage took, for every frame since the start.

Durations are counted in buckets, sixteen to each doubling, so that any quantile is right within 3 %, in 8 KB a stage,
however long the process runs. A stage is recorded by one thread and may be read by others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_NS = 1_000_000_000
_FINE_BITS = 4
_FINE = 1 << _FINE_BITS
_BUCKETS = (63 - _FINE_BITS) * _FINE  # up to 2**62 ns, 146 years
BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds: the bounds of the buckets in `Histogram.as_json`, the same for every stage and for all time."""


@dataclass(frozen=True, slots=True)
class Bin:
    """How many durations were from `low` up to, not including, `high`; in seconds."""

    low: float
    high: float
    count: int


class Histogram:
    """The durations of one stage."""

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self._sum_ns = 0

    def record(self, duration_ns: int) -> None:
        """Counts a duration, in nanoseconds. Takes some tenths of a microsecond."""
        exponent = duration_ns.bit_length() - _FINE_BITS - 1
        if exponent > 0:
            self._counts[(exponent << _FINE_BITS) + (duration_ns >> exponent)] += 1
        else:  # so short that each nanosecond has its own
            self._counts[duration_ns] += 1
        self._sum_ns += duration_ns

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self._counts)

    @property
    def sum(self) -> float:
        """All together, in seconds."""
        return self._sum_ns / _NS

    def quantile(self, share: float) -> float | None:
        """The duration, in seconds, that `share` (0 to 1) of all stayed within; None where there is none."""
        bins = list(self.bins())
        rest = share * sum(each.count for each in bins)
        for each in bins:
            rest -= each.count
            if rest <= 0:
                return (each.low + each.high) / 2
        return None

    def bins(self) -> Iterator[Bin]:
        """The buckets that are not empty, from short to long."""
        for index, count in enumerate(list(self._counts)):  # a copy: it goes on counting meanwhile
            if count:
                yield Bin(_begin_of(index) / _NS, _begin_of(index + 1) / _NS, count)

    def as_json(self) -> dict[str, object]:
        """`count`, `sum_s`, and `buckets`: pairs of a bound in seconds and how many stayed within it.

        The last bound has no bucket of its own for what was longer: that is `count`.
        """
        within = [0] * len(BOUNDS)
        count = 0
        for each in self.bins():
            count += each.count
            middle = (each.low + each.high) / 2
            for place, bound in enumerate(BOUNDS):
                if middle <= bound:
                    within[place] += each.count
        return {
            "count": count,
            "sum_s": round(self.sum, 6),
            "buckets": [list(pair) for pair in zip(BOUNDS, within, strict=True)],
        }


def _begin_of(index: int) -> int:
    """The shortest duration of a bucket, in nanoseconds."""
    exponent = max(0, (index >> _FINE_BITS) - 1)
    return (index - (exponent << _FINE_BITS)) << exponent


class StageTimes:
    """A frame's stages, in the order in which it passes through them."""

    def __init__(self) -> None:
        self.grab = Histogram()
        """Waiting for a frame, and taking it."""
        self.retrieve = Histogram()
        """Converting it into the array that it is given."""
        self.preprocess = Histogram()
        """What else is done to it before it is published, where anything is."""
        self.publish = Histogram()
        """Finding a buffer for it, and making that the newest frame."""

    def items(self) -> Iterator[tuple[str, Histogram]]:
        """The stages that there were, by name."""
        for name, stage in vars(self).items():
            if stage.count:
                yield name, stage

    def as_json(self) -> dict[str, object]:
        """Each stage that there was, as `Histogram.as_json`."""
        return {name: stage.as_json() for name, stage in self.items()}

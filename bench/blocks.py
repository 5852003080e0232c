"""From alternating blocks to one ratio with its interval.

The machine's mood (clock, other tenants, idle depth) changes over seconds and hits both sides alike when their blocks
are short and next to each other. So each pair of neighbouring blocks gives one ratio, and the median of the ratios is
the figure. Its interval comes from order statistics: the number of ratios below the true median is binomial(n, 1/2)
whatever their distribution, so the k-th smallest and the k-th largest ratio enclose it with a known probability.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CONFIDENCE = 0.95
FEWEST_RATIOS = 7

T = TypeVar("T")


@dataclass(frozen=True)
class Interval:
    """An interval for a median, and the probability with which it encloses it."""

    low: float
    high: float
    coverage: float


def coverage_of(count: int, rank: int) -> float:
    """How probably the `rank`-th smallest and the `rank`-th largest of `count` values enclose the true median."""
    outside = sum(math.comb(count, below) for below in range(rank))
    return 1.0 - 2.0 * outside / 2.0**count


def median_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Return the narrowest interval of order statistics that holds the median with at least `confidence`.

    Fewer than six values cannot reach 95 %: the whole range is returned then, with the coverage that it really has.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("an interval needs at least one value")
    rank = 1
    while 2 * (rank + 1) <= len(ordered) and coverage_of(len(ordered), rank + 1) >= confidence:
        rank += 1
    return Interval(ordered[rank - 1], ordered[-rank], coverage_of(len(ordered), rank))


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile: a value that was measured, never one between two."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("a percentile needs at least one value")
    return ordered[max(0, math.ceil(percent / 100.0 * len(ordered)) - 1)]


def alternate(sides: Sequence[Callable[[], T]], rounds: int) -> list[tuple[T, ...]]:
    """Run one block of each side per round, and return the blocks by round in the order of `sides`.

    Every second round runs backwards (floor ours, ours floor, ...): a drift that lasts over a round then favours
    neither, and no side always follows the same one.
    """
    results: list[tuple[T, ...]] = []
    for number in range(rounds):
        order = range(len(sides)) if number % 2 == 0 else range(len(sides) - 1, -1, -1)
        block = {position: sides[position]() for position in order}
        results.append(tuple(block[position] for position in range(len(sides))))
    return results


@dataclass(frozen=True)
class Figure:
    """One line of the report: a value per block of the floor and of ours, and the ratio asked for, if one is."""

    name: str
    case: str
    unit: str
    floor: tuple[float, ...]
    ours: tuple[float, ...]
    target: float | None = None

    @property
    def ratios(self) -> list[float]:
        """Ours divided by the floor, block by block; a floor of nothing has no ratio and gives infinity."""
        return [ours / floor if floor else math.inf for floor, ours in zip(self.floor, self.ours, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the ratios."""
        return statistics.median(self.ratios)

    @property
    def interval(self) -> Interval:
        """The interval of that median."""
        return median_interval(self.ratios)

    @property
    def conclusive(self) -> bool:
        """Whether there are enough ratios for a verdict."""
        return len(self.ratios) >= FEWEST_RATIOS

    @property
    def verdict(self) -> str:
        """`met` where the interval's lower end is at or below the target; blank where nothing is asked."""
        if self.target is None:
            return ""
        if not self.conclusive:
            return "too few blocks"
        if self.interval.low > self.target:
            return "NOT MET"
        return "met" if self.ratio <= self.target else "met (within the interval)"

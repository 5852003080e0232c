"""The benchmark's statistics: a wrong interval would make every verdict worthless, and nobody would see it."""

import itertools
import math

import pytest
from bench.blocks import Figure, alternate, coverage_of, median_interval, percentile
from bench.memory import Course, Sample
from bench.page.bends import bend_of
from bench.page.curves import Point


@pytest.mark.parametrize(
    ("count", "low", "high"), [(6, 1, 6), (7, 1, 7), (9, 2, 8), (11, 2, 10), (15, 4, 12), (20, 6, 15)]
)
def test_the_interval_is_that_of_the_tables(count: int, low: int, high: int) -> None:
    """The 95 % interval of a median lies at the ranks that published tables of the sign test give."""
    values = [float(value) for value in range(count, 0, -1)]
    interval = median_interval(values)
    assert (interval.low, interval.high) == (low, high)
    assert interval.coverage >= 0.95


def test_the_coverage_is_that_of_every_possible_outcome() -> None:
    """Counted over all ways in which nine values can fall below or above the true median, it is the stated share."""
    rank = 2
    enclosed = sum(rank <= sum(below) <= 9 - rank for below in itertools.product((0, 1), repeat=9))
    assert coverage_of(9, rank) == enclosed / 2**9


def test_too_few_values_say_so() -> None:
    """Four values cannot hold the median with 95 %: the whole range is given, with the coverage that it has."""
    interval = median_interval([3.0, 1.0, 2.0, 9.0])
    assert (interval.low, interval.high, interval.coverage) == (1.0, 9.0, 0.875)


def test_percentiles_are_measured_values() -> None:
    """The nearest rank: of 200 values the 99th percentile is the 198th, and the 100th is the largest."""
    values = [float(value) for value in range(1, 201)]
    assert (percentile(values, 50), percentile(values, 99), percentile(values, 100)) == (100.0, 198.0, 200.0)
    assert percentile([7.0], 99) == 7.0


def test_sides_take_turns_in_both_orders() -> None:
    """Each round runs every side once, every second round backwards; results keep the order of the sides."""
    ran: list[str] = []

    def side(name: str) -> str:
        ran.append(name)
        return name

    rows = alternate([lambda: side("floor"), lambda: side("ours")], 3)
    assert ran == ["floor", "ours", "ours", "floor", "floor", "ours"]
    assert rows == [("floor", "ours")] * 3


def test_a_ratio_is_taken_block_by_block() -> None:
    """A machine that turns twice as slow in the middle changes both sides and no ratio."""
    floor = (10.0, 10.0, 10.0, 20.0, 20.0, 20.0, 20.0)
    figure = Figure("x", "", "us", floor, tuple(0.5 * value for value in floor), target=0.6)
    assert figure.ratio == 0.5
    assert (figure.interval.low, figure.interval.high) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("ours", "target", "verdict"),
    [
        ((1.0,) * 7, 1.0, "met"),
        ((0.9, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1), 1.0, "met (within the interval)"),
        ((1.1,) * 7, 1.0, "NOT MET"),
        ((1.0,) * 6, 1.0, "too few blocks"),
        ((1.1,) * 7, None, ""),
    ],
)
def test_the_verdict(ours: tuple[float, ...], target: float | None, verdict: str) -> None:
    """A target is met where the interval's lower end is at or below it, and never on fewer than seven blocks."""
    assert Figure("x", "", "us", (1.0,) * len(ours), ours, target).verdict == verdict


def test_a_leak_is_seen_and_breathing_is_not() -> None:
    """Memory that gains 400 KiB from sample to sample grows; memory that swings by as much does not."""
    leak = Course("leak", tuple(Sample(20_000 + 400 * at, 0) for at in range(10)))
    swing = Course("swing", tuple(Sample(20_000 + 400 * (at % 2), 0) for at in range(10)))
    assert (leak.flat, swing.flat) == (False, True)
    assert leak.growth == 400 * 7
    assert "GROWS" in str(leak)


def _curve(*values: float) -> list[Point]:
    return [Point(2.0**at, f"{2**at}", value, value, value) for at, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ((5, 5, 5, 5, 5, 5, 5), "flat"),
        ((5.2, 4.9, 5.1, 5, 4.9, 5.1, 5), "flat"),  # noise is no bend
        ((1, 2, 4, 8, 16, 32, 64), "^1.0"),
        ((3, 3, 3, 3, 6, 12, 24), "flat up to 8, then ^1.0"),
        ((64, 32, 16, 8, 8, 8, 8), "^-1.0 up to 8, then flat"),
        ((7, 14), "^1.0"),
    ],
)
def test_a_curve_says_where_it_bends(values: tuple[float, ...], told: str) -> None:
    """A power is one exponent, a bend is two and the place between them; what only trembles does not bend."""
    assert str(bend_of(_curve(*values))) == told


def test_a_single_point_has_no_shape() -> None:
    """With one point nothing can be said about growth."""
    assert bend_of(_curve(5.0)) is None


def test_a_floor_of_nothing_is_no_success() -> None:
    """Where the floor measured zero there is no ratio: it counts as infinite, not as met."""
    figure = Figure("x", "", "us", (0.0,) * 7, (1.0,) * 7, target=1.0)
    assert figure.ratio == math.inf
    assert figure.verdict == "NOT MET"

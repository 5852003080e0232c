"""Where the curves bend: each is a power of what grows, or two of them, joined at the point that fits best."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bench.page.curves import CURVES, FIGURES, Curve, Point, Record, points
from bench.report import table

if TYPE_CHECKING:
    from bench.page.measured import Measured

Values = npt.NDArray[np.float64]

TURN = 0.3  # exponents that differ by less are one
GAIN = 0.5  # a bend explains at least so much of what one power leaves unexplained,
CLEAR = 9.0  # and this much of it in squared deviations: three of them
TREMBLE = 0.05  # the least deviation of a point: a twentieth of its value
FLAT = 0.1  # an exponent below this is none: ten times the work is a quarter more
FEWEST = 4  # points: three can always be joined by two powers


@dataclass(frozen=True)
class Bend:
    """Exponents of a curve: one, or one up to a point and another from there on."""

    before: float
    at: Point | None = None
    after: float = 0.0

    def __str__(self) -> str:
        if self.at is None:
            return _power(self.before)
        return f"{_power(self.before)} up to {self.at.called}, then {_power(self.after)}"


def _power(exponent: float) -> str:
    return "flat" if abs(exponent) < FLAT else f"^{exponent:.1f}"


def bend_of(found: list[Point]) -> Bend | None:
    """Fit powers to a curve; None where it has fewer than two points. A point whose blocks disagree weighs less."""
    if len(found) < len(("first", "last")):
        return None
    x, y = (np.log([getattr(point, what) for point in found]) for what in ("at", "value"))
    weights = np.array([1 / math.hypot(TREMBLE, math.log(point.highest / point.lowest) / 2) for point in found])
    (_, slope), straight = _fit(y, weights, np.ones_like(x), x)
    best, best_left = Bend(slope), min((1 - GAIN) * straight, straight - CLEAR)
    if len(found) < FEWEST:
        return best
    for place in range(1, len(found) - 1):
        (_, before, turn), left = _fit(y, weights, np.ones_like(x), x, np.maximum(0.0, x - x[place]))
        if abs(turn) >= TURN and left < best_left:
            best, best_left = Bend(before, found[place], before + turn), left
    return best


def _fit(y: Values, weights: Values, *columns: Values) -> tuple[list[float], float]:
    """Return the least squares of y by these columns, and the squared deviations that they leave unexplained."""
    basis = np.stack(columns, axis=1)
    factors = np.linalg.lstsq(basis * weights[:, None], y * weights, rcond=None)[0]
    return [float(factor) for factor in factors], float(np.square((y - basis @ factors) * weights).sum())


def bends(measured: Measured, name: str) -> str:
    """Return the table of one curve's bends: a row for each way."""
    records: list[Record] = measured.stage("curves").get(name, [])
    ways = list(dict.fromkeys(way for record in records for way in record["ways"]))
    if not ways:
        return "Not measured."
    curve: Curve = CURVES[name]
    rows = [[way, *(str(bend_of(points(curve, records, way, figure)) or "-") for figure in FIGURES)] for way in ways]
    return table([f"as a power of: {curve.label}", *(title for title, _ in FIGURES.values())], rows)

"""The four curves, as both their plots and the table of their bends take them from the results."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Record = dict[str, Any]

MEGAPIXELS = {"VGA": 0.3072, "720p": 0.9216, "1080p": 2.0736, "2160p": 8.2944, "4320p": 33.1776}


@dataclass(frozen=True)
class Curve:
    """What is varied: what its axis is called, where a record lies on it, and what a record is called."""

    label: str
    where: Callable[[Record], float]
    called: Callable[[Record], str]


CURVES = {
    "by size": Curve(
        "frame size, megapixels", lambda record: MEGAPIXELS[record["size"]], lambda record: record["size"]
    ),
    "by readers": Curve("readers", lambda record: record["readers"], lambda record: f"{record['readers']} readers"),
    "by rate": Curve(
        "frames a second",
        lambda record: float(record["pace"].removesuffix("/s")),
        lambda record: record["pace"],
    ),
    "by sources": Curve(
        "sources, each with a writer and a reader",
        lambda record: record["sources"],
        lambda record: f"{record['sources']} sources",
    ),
}
# What is looked at, what it is called, and what it is multiplied by.
FIGURES = {
    "p50": ("latency, p50, us", 1.0),
    "writer_cpu": ("writer's CPU, us a frame", 1.0),
    "reader_share": ("reader's CPU, % of a core", 100.0),
}


@dataclass(frozen=True)
class Point:
    """One record of a way on a curve."""

    at: float
    called: str
    value: float
    lowest: float
    highest: float


def points(curve: Curve, records: list[Record], way: str, figure: str) -> list[Point]:
    """Return the median and the range of the blocks of a way, for each record in which it has any."""
    scale = FIGURES[figure][1]
    found = []
    for record in records:
        result = record["ways"].get(way)
        if not result or result["failed"]:
            continue
        there = [scale * value for value in result[figure] if value and math.isfinite(value)]
        if there:
            place = (curve.where(record), curve.called(record))
            found.append(Point(*place, statistics.median(there), min(there), max(there)))
    return found

"""The figures of the system that this one replaces, beside what the capture process comes to."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from bench.blocks import median_interval
from bench.capture_cpu import DECODING_NAME
from bench.page.measured import Measured, rounded
from bench.report import table

if TYPE_CHECKING:
    from collections.abc import Sequence

RATE, AGE, PROCESSOR, SEGMENT = (
    "frames a second",
    "age at the reader, p50, ms",
    "processor, % of one",
    "shared memory, MB",
)
STOPPING = "SIGTERM to gone"
PROCESSOR_SAID = (10.0, 5.0)  # for the two films: 1080p, and 4K
SAID = {
    RATE: "30",
    AGE: "under 5",
    PROCESSOR: "under 10; 4K under 5",
    SEGMENT: "about 20",
}


def spread(values: Sequence[float | None]) -> str:
    """Return the median of what there is, with its interval where there is more than one value."""
    there = [value for value in values if value is not None]
    if not there:
        return "-"
    middle = rounded(statistics.median(there))
    if len(there) == 1:
        return middle
    interval = median_interval(there)
    return f"{middle} ({rounded(interval.low)} - {rounded(interval.high)})"


def films(measured: Measured) -> str:
    """Return the table of the capture process on files."""
    found = measured.stage("headline").get("films", [])
    if not found:
        return "Not measured."
    rows = [
        [what, SAID.get(what, ""), *(spread(film["figures"][what]) for film in found)] for what in found[0]["figures"]
    ]
    decoding = {figure.case: figure for figure in measured.figures(DECODING_NAME)}
    shares = [decoding.get(film["case"]) for film in found]
    rows.append(
        [
            "of the processor's time, % for decoding alone",
            "",
            *(spread([100 * each for each in figure.ratios]) if figure else "-" for figure in shares),
        ]
    )
    alone = [
        [each / 1e3 * 100 * rate_of(film) for each in figure.ours] if figure else []
        for film, figure in zip(found, shares, strict=True)
    ]
    rows.append(["decoding alone, processor, % of one", "", *(spread(values) for values in alone)])
    stopping = measured.stage("headline").get("spans", {}).get(STOPPING)
    if stopping:
        rows.append(["from SIGTERM to its end, ms", "under 100", spread(stopping), *["-"] * (len(found) - 1)])
    return table(["", "what the replaced system says", *(film["case"] for film in found)], rows)


def rate_of(film: dict[str, dict[str, list[float]]]) -> float:
    """Return a film's frames a second."""
    return statistics.median(film["figures"][RATE])


def spans(measured: Measured) -> str:
    """Return the table of starting and stopping."""
    found = measured.stage("headline").get("spans", {})
    rows = [
        [what, spread(values), f"{rounded(min(values))} - {rounded(max(values))}"] for what, values in found.items()
    ]
    return table(["ms", "median, 95 % interval", "range"], rows)

"""The tables of readers that ask for low latency: at a publisher as steady as the bench's, and at real sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.measures import PER_SECOND
from bench.page.measured import Measured, rounded
from bench.page.replaced import spread
from bench.report import table
from bench.rhythm_reader import LOW_LATENCY

if TYPE_CHECKING:
    from bench.page.measured import Record

PER_CENT = 1e-4 * PER_SECOND  # of a core, for a us a frame


def steady(measured: Measured) -> str:
    """Return the table beside the wake floor, with the publisher's jitter."""
    names = ("p50", "p99")
    by_name = {
        name: {figure.case: figure for figure in measured.figures(f"low-latency lease {name}")} for name in names
    }
    costs = {figure.case: figure for figure in measured.figures("low-latency reader's CPU per frame")}
    jitters = {figure.case: figure for figure in measured.figures("the publisher's jitter")}
    rows: list[list[str]] = []
    for case, p50 in by_name["p50"].items():
        p99, cost, jitter = by_name["p99"][case], costs[case], jitters[case]
        rows.append(
            [
                case,
                spread(p50.floor),
                spread(p50.ours),
                spread(p50.ratios),
                spread(p99.ours),
                spread([PER_CENT * each for each in cost.floor]),
                spread([PER_CENT * each for each in cost.ours]),
                spread(jitter.ours),
            ]
        )
    if not rows:
        return "Not measured."
    headings = [
        "",
        "wake floor, p50, us",
        "low latency, p50, us",
        "ratio",
        "p99, us",
        "floor's reader, % of a core",
        "this reader, % of a core",
        "the publisher's jitter, us",
    ]
    return table(headings, rows)


def real(measured: Measured) -> str:
    """Return the table of the capture process's sources, with both ways to wait."""
    found = measured.stage("rhythms").get("sources", [])
    rows = [row for source in found for row in _rows(source)]
    if not rows:
        return "Not measured."
    headings = [
        "source",
        "reader",
        "p50, us",
        "p99, us",
        "% of a core",
        "frames that could be timed, %",
        "taken without a wake-up, %",
        "polling, % of the time",
        "the source's jitter, us",
    ]
    return table(headings, rows)


def _rows(source: Record) -> list[list[str]]:
    rows: list[list[str]] = []
    for manner, course in source["manners"].items():
        counted = [spread(course[what]) if manner == LOW_LATENCY else "" for what in ("timed", "met", "polled")]
        rows.append(
            [
                "" if rows else source["case"],
                f"**{manner}**" if manner == LOW_LATENCY else manner,
                spread(course["p50"]),
                rounded(course["p99"]),
                spread(course["processor"]),
                *counted,
                spread(course["jitter"]),
            ]
        )
    return rows

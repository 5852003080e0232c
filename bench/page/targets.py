"""What is to be reached, and whether it was: every target with the figure that answers it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.capture_cpu import CAPTURE_NAME, CAPTURE_TARGET, DEFAULT_TARGET
from bench.measures import (
    FRESH,
    LOAN_TARGET,
    LOW_LATENCY_TARGET,
    PER_SECOND,
    READ_INTO_TARGET,
    READER_CPU_TARGET,
    WAKE_LATENCY_TARGET,
    WAKE_P99_TARGET,
    WRITE_LATENCY_TARGET,
    WRITE_TARGET,
)
from bench.page.measured import Measured, Record, ratio, rounded
from bench.rivals.registry import OURS, WAKE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.blocks import Figure

REACHED, WITHIN, MISSED, UNKNOWN = "reached", "within the spread", "**not reached**", "not measured"
LOW_LATENCY_SHARE = 3.0  # % of a core
RATE = 29.9  # frames a second: 30 but for where the window was cut


@dataclass(frozen=True)
class Target:
    """One line of the table."""

    what: str
    case: str
    asked: str
    measured: str
    spread: str
    verdict: str


def of_figure(what: str, figure: Figure, target: float) -> Target:
    """Return the line of a ratio: the verdict is the median's, the interval says how far to believe it."""
    interval = figure.interval
    verdict = MISSED
    if not figure.conclusive:
        verdict = "too few blocks"
    elif figure.ratio <= target:
        verdict = REACHED
    elif interval.low <= target:
        verdict = WITHIN
    spread = f"{interval.low:.2f} - {interval.high:.2f}"
    return Target(what, figure.case, f"<= {target:g}", f"{figure.ratio:.2f}", spread, verdict)


def at_most(what: str, case: str, value: float | None, limit: float, unit: str) -> Target:
    """Return the line of an absolute figure."""
    if value is None:
        return Target(what, case, f"<= {limit:g} {unit}", "-", "", UNKNOWN)
    verdict = REACHED if value <= limit else MISSED
    return Target(what, case, f"<= {limit:g} {unit}", f"{rounded(value)} {unit}", "", verdict)


RATIOS = (
    ("lease latency p50, to the wake floor", "lease latency p50", WAKE_LATENCY_TARGET),
    (
        "the same, to a floor that makes its array per frame too",
        f"lease latency p50{FRESH}",
        WAKE_LATENCY_TARGET,
    ),
    ("lease latency p99, to the wake floor", "lease latency p99", WAKE_P99_TARGET),
    ("publishing a loan, to the wake floor", "publishing: loan + publish", LOAN_TARGET),
    ("`write_frame()`, to the copy floor", "write_frame() call", WRITE_TARGET),
    ("`write_frame()` to lease, p50, to the copy floor", "write_frame() to lease, p50", WRITE_LATENCY_TARGET),
    ("`read_frame(out=)`, to a plain copy", "read_frame(out=) call", READ_INTO_TARGET),
    ("a waiting reader's CPU, to the wake floor", "waiting reader's CPU per frame", READER_CPU_TARGET),
    ("capturing a file, to `cap.read()` with as many threads", CAPTURE_NAME, CAPTURE_TARGET),
    (
        "capturing a file, to `cap.read()` with OpenCV's threads",
        f"{CAPTURE_NAME}, to OpenCV's default threads",
        DEFAULT_TARGET,
    ),
    ("low-latency lease p50, to the wake floor", "low-latency lease p50", LOW_LATENCY_TARGET),
)


def targets(measured: Measured) -> Iterator[Target]:
    """Go through all of them."""
    for what, name, target in RATIOS:
        figures = measured.figures(name)
        if not figures:
            yield Target(what, "", f"<= {target:g}", "-", "", UNKNOWN)
        for figure in figures:
            yield of_figure(what, figure, target)
    for figure in measured.figures("low-latency reader's CPU per frame"):
        share = statistics.median(figure.ours) * PER_SECOND / 1e4
        yield at_most("low-latency reader's CPU", figure.case, share, LOW_LATENCY_SHARE, "% of a core")
    yield from by_readers(measured)
    yield no_torn_frame(measured)
    yield from survivals(measured)
    yield from headline(measured)
    yield Target("in Rust, both sides: latency, to a bare futex wake in Rust", "", "<= 1.1", "-", "", UNKNOWN)


def by_readers(measured: Measured) -> Iterator[Target]:
    """Latency at every size and number of readers, from the matrix."""
    for cell in measured.cells("60/s"):
        figure = ratio(cell, OURS[0], WAKE, target=WAKE_LATENCY_TARGET)
        if figure:
            yield of_figure("lease latency p50, to the wake floor, unpinned", figure, WAKE_LATENCY_TARGET)
    for cell in measured.cells("60/s"):
        ours, floor = (cell["ways"].get(name, {}).get("p99") for name in (OURS[0], WAKE))
        if ours and floor:
            case = f"{cell['size']}, {cell['readers']} readers, {cell['pace']}"
            verdict = REACHED if ours / floor <= WAKE_P99_TARGET else MISSED
            asked = f"<= {WAKE_P99_TARGET:g}"
            yield Target("lease latency p99 of all blocks, unpinned", case, asked, f"{ours / floor:.2f}", "", verdict)


def no_torn_frame(measured: Measured) -> Target:
    """Torn frames of ours in the whole run."""
    what = "torn frames of ours, in the whole run"
    counts = measured.stage("floors").get("counts", [])
    cells: list[Record] = measured.stage("matrix").get("cells", [])
    if not counts and not cells:
        return Target(what, "", "0", "-", "", UNKNOWN)
    torn = sum(count["ours_torn"] for count in counts)
    torn += sum(cell["ways"][name]["torn"] for cell in cells for name in OURS if name in cell["ways"])
    return Target(what, "", "0", str(torn), "", MISSED if torn else REACHED)


def survivals(measured: Measured) -> Iterator[Target]:
    """The same reader going on after the writer was killed."""
    found = measured.stage("kills").get("ways", {})
    for name in OURS:
        if name in found:
            went_on, trials = found[name]["writer"]["went on"], found[name]["writer"]["trials"]
            verdict = REACHED if went_on == trials else MISSED
            yield Target(
                "the same reader goes on after a writer's kill", name, "all", f"{went_on} of {trials}", "", verdict
            )


def headline(measured: Measured) -> Iterator[Target]:
    """What the system that this one replaces promises."""
    found = measured.stage("headline")
    films: list[Record] = found.get("films", [])
    for film, share in zip(films, (10.0, 5.0), strict=False):
        case = film["case"]
        rate = film["frames a second"]
        yield Target(
            "frames a second, sustained",
            case,
            "30",
            rounded(rate),
            f"{film['missed by the reader']:g} missed",
            REACHED if rate >= RATE else MISSED,
        )
        yield at_most("a frame's age when the reader has it, p50", case, film["age at the reader, p50, ms"], 5.0, "ms")
        yield at_most("the capture process", case, film["processor, % of one"], share, "% of a core")
    if films:
        yield at_most("shared memory", films[0]["case"], films[0]["shared memory, MB"], 20.0, "MB")
        stopping = statistics.median(found["spans"]["SIGTERM to gone"])
        yield at_most("SIGTERM to gone, median", films[0]["case"], stopping, 100.0, "ms")

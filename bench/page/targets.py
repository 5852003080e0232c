"""What is to be reached, and whether it was: every target with the figure that answers it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.blocks import median_interval
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
from bench.page.replaced import AGE, PROCESSOR, PROCESSOR_SAID, RATE, SAID, SEGMENT, STOPPING
from bench.rivals.registry import OURS, WAKE
from bench.rust_sides import LATENCY as RUST_LATENCY
from bench.rust_sides import LATENCY_TARGET as RUST_LATENCY_TARGET

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.blocks import Figure

REACHED, WITHIN, MISSED, UNKNOWN = "reached", "within the spread", "**not reached**", "not measured"
LOW_LATENCY_SHARE = 3.0  # % of a core
SUSTAINED = 29.9  # frames a second: 30 but for where the window was cut


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


def at_most(what: str, case: str, values: Sequence[float], limit: float, unit: str) -> Target:
    """Return the line of an absolute figure: a value for each block, or the one that there is."""
    asked = f"<= {limit:g} {unit}"
    middle = statistics.median(values)
    interval = median_interval(values)
    verdict = REACHED if middle <= limit else WITHIN if interval.low <= limit else MISSED
    spread = f"{rounded(interval.low)} - {rounded(interval.high)}" if len(values) > 1 else ""
    return Target(what, case, asked, f"{rounded(middle)} {unit}", spread, verdict)


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
    ("in Rust, both sides: latency p50, to a bare futex wake in Rust", RUST_LATENCY, RUST_LATENCY_TARGET),
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
        shares = [each * PER_SECOND / 1e4 for each in figure.ours]
        yield at_most("low-latency reader's CPU", figure.case, shares, LOW_LATENCY_SHARE, "% of a core")
    yield from by_readers(measured)
    yield no_torn_frame(measured)
    yield from survivals(measured)
    yield from headline(measured)


def by_readers(measured: Measured) -> Iterator[Target]:
    """Latency at every size and number of readers."""
    cells: list[Record] = measured.stage("duels").get("cells", [])
    for name, what, target in (("p50", "p50", WAKE_LATENCY_TARGET), ("p99", "tail", WAKE_P99_TARGET)):
        for cell in cells:
            figure = ratio(cell, OURS[0], WAKE, what, target)
            if figure:
                yield of_figure(f"lease latency {name}, to the wake floor, unpinned", figure, target)


def no_torn_frame(measured: Measured) -> Target:
    """Torn frames of ours in the whole run."""
    what = "torn frames of ours, in the whole run"
    counts = [count for stage in ("floors", "rust") for count in measured.stage(stage).get("counts", [])]
    curves = [records for records in measured.stage("curves").values() if isinstance(records, list)]
    cells: list[Record] = [
        *measured.stage("matrix").get("cells", []),
        *measured.stage("duels").get("cells", []),
        *(record for records in curves for record in records),
    ]
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
    for film, share in zip(films, PROCESSOR_SAID, strict=False):
        case, figures = film["case"], film["figures"]
        rate, missed = statistics.median(figures[RATE]), sum(figures["missed by the reader"])
        sustained = REACHED if rate >= SUSTAINED else MISSED
        yield Target("frames a second, sustained", case, SAID[RATE], rounded(rate), f"{missed:g} missed", sustained)
        yield at_most("the capture process", case, figures[PROCESSOR], share, "% of a core")
    if films:
        case, figures = films[0]["case"], films[0]["figures"]
        yield at_most("a frame's age when the reader has it, p50", case, figures[AGE], 5.0, "ms")
        yield at_most("shared memory", case, figures[SEGMENT], 20.0, "MB")
        yield at_most("SIGTERM to gone", case, found["spans"][STOPPING], 100.0, "ms")

"""`python -m bench`: every comparison of the frame bus with its floors, in one run of about a quarter of an hour."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import measures
from bench.capture_cpu import CaptureEffort, capture_cpu
from bench.child import ROOT
from bench.machine import describe
from bench.measures import Comparison, Effort
from bench.pacing import pin_to
from bench.reader_link import ReaderLink
from bench.report import Report

OUT = ROOT / "target" / "bench"
SIZES = ("1080p", "2160p")
Measure = Callable[[ReaderLink, Effort], Iterator[Comparison]]
# What is measured, and how many frames one block of it has. Those whose 99th percentile counts have the most.
BUS: dict[str, tuple[Measure, int]] = {
    "control": (measures.control, 60),
    "lease": (measures.lease_latency, 120),
    "cpu": (measures.slow_reader_cpu, 45),
    "low latency": (measures.low_latency, 120),
    "write": (measures.write_cost, 80),
    "read": (measures.read_into, 60),
    "size": (measures.lease_by_size, 120),
}
CAPTURE = "capture"
CAPTURE_FRAMES = 120
CAPTURE_ROUNDS = 7  # each takes seconds, and needs few: processor time is steadier than latency


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke run: two tiny blocks of everything, no verdicts")
    parser.add_argument(
        "--rounds", type=int, default=9, help="blocks of each side (default 9; fewer than 7 say nothing)"
    )
    parser.add_argument(
        "--only", choices=[*BUS, CAPTURE], action="append", help="measure this alone; may be given again"
    )
    parser.add_argument("--no-pin", action="store_true", help="leave writer and reader to the scheduler")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for report.md and report.json")
    return parser.parse_args()


def progress(text: str) -> None:
    """Say on standard error what is going on."""
    print(text, file=sys.stderr, flush=True)


def measure_bus(report: Report, chosen: list[str], given: argparse.Namespace) -> None:
    """Run the comparisons between this process, which publishes, and the reader process."""
    with ReaderLink(pinned=not given.no_pin) as link:
        if not given.no_pin:
            pin_to(0)  # after the reader's start: it would inherit it
        for name in chosen:
            measure, frames = BUS[name]
            effort = Effort(2, 10, ("thumbnail",)) if given.quick else Effort(given.rounds, frames, SIZES)
            for comparison in measure(link, effort):
                report.figures += comparison.figures
                report.counts.append(comparison.count(name))
                progress(f"{name}: {comparison.figures[0].case} done")


def main() -> int:
    """Measure, print the page and write it; the exit code is 1 where a frame of ours was torn, however fast it was."""
    given = arguments()
    began = time.monotonic()
    chosen = given.only or [*BUS, CAPTURE]
    report = Report(
        machine=describe(),
        settings={
            "blocks of each side": "2 (smoke run)" if given.quick else str(given.rounds),
            "frames per block": ", ".join(f"{name} {frames}" for name, (_, frames) in BUS.items())
            + f", {CAPTURE} {CAPTURE_FRAMES}",
            "pinned": "no" if given.no_pin else "writer and reader to one processor each, floor and ours alike",
            "source of copied frames": "four frames in turn, as from a decoder's pool, on both sides",
        },
    )
    if CAPTURE in chosen:  # first, and not pinned: its processes may use every processor
        effort = (
            CaptureEffort(1, 10, ("VGA",), given.out)
            if given.quick
            else CaptureEffort(min(given.rounds, CAPTURE_ROUNDS), CAPTURE_FRAMES, SIZES, given.out)
        )
        for figure in capture_cpu(effort):
            report.figures.append(figure)
            progress(f"{CAPTURE}: {figure.case} done")
    chosen_of_bus = [name for name in BUS if name in chosen]
    if chosen_of_bus:
        measure_bus(report, chosen_of_bus, given)
    report.settings["duration"] = f"{time.monotonic() - began:.0f} s"
    print(report.markdown())
    progress(f"\nwritten to {report.write(given.out)}")
    if report.torn:
        progress(f"{report.torn} torn frames: what was published and what was read differ, which must never be")
    return 1 if report.torn else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        progress("interrupted: nothing was written")
        sys.exit(130)

"""`python -m bench.rust_sides`: the frame bus beside its wake floor, with Rust as writer and as reader.

The floor is that of `bench.floor` without Python: three rotating warm slots in plain shared memory, one bare futex
wake, no pixel copied. Ours is a loan that is stamped and published, and a reader that waits for it and looks at its
slice; once more with a reader that asks for low latency. Writer and reader are two processes of `rust/bench`, which
take orders from this one; blocks and ratios are those of all other comparisons.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.blocks import Figure, alternate
from bench.child import ROOT
from bench.contest.results import write_results
from bench.machine import describe
from bench.measures import PER_SECOND, Comparison
from bench.report import Report
from bench.rust_link import RustError, RustProcess, RustReaderEnd, RustWriterEnd, built
from bench.session import WARM_FRAMES, Block, Side, fresh_name
from bench.sides import SIZES

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.sides import Size

LATENCY = "Rust: latency p50"
LOW_LATENCY = "Rust: low-latency reader, p50"
LATENCY_TARGET = 1.1
SIZES_MEASURED = ("1080p", "2160p")
ROUNDS = 9
FRAMES = 100  # in a block: the 99th percentile is the second slowest
LEARNING = 25  # frames until a reader that asks for low latency knows the publisher's rhythm

# What is published, who takes it, and how many frames of a block come before those that count.
FLOOR, OURS, OURS_LOW_LATENCY = range(3)
SIDES = (("floor", "floor", WARM_FRAMES), ("ours", "ours", WARM_FRAMES), ("ours", "ours,low-latency", LEARNING))


class Asked(NamedTuple):
    """A figure to take from every block, and the side to take it of beside the floor."""

    name: str
    side: int
    of: Callable[[Block], float]
    target: float | None = None


ASKED = (
    Asked(LATENCY, OURS, lambda block: block.latency_p50, LATENCY_TARGET),
    Asked("Rust: latency p99", OURS, lambda block: block.latency_p99),
    Asked("Rust: publishing, loan + publish", OURS, lambda block: block.cost),
    Asked("Rust: waiting reader's CPU per frame", OURS, lambda block: block.reader_cpu),
    Asked(LOW_LATENCY, OURS_LOW_LATENCY, lambda block: block.latency_p50),
    Asked("Rust: low-latency reader, p99", OURS_LOW_LATENCY, lambda block: block.latency_p99),
    Asked("Rust: low-latency reader's CPU per frame", OURS_LOW_LATENCY, lambda block: block.reader_cpu),
)


def compare(program: Path, size: Size, *, pinned: bool, rounds: int, frames: int) -> Comparison:
    """Let the sides take turns at one size."""
    with ExitStack() as stack:
        writer, reader = (
            stack.enter_context(RustProcess(program, role, position if pinned else None))
            for position, role in enumerate(("writer", "reader"))
        )
        blocks = []
        for publisher, receiver, run_in in SIDES:
            name = fresh_name()
            end = RustWriterEnd(writer, publisher, name, size)
            side = stack.enter_context(Side(RustReaderEnd(reader), name, end, receiver, size))
            blocks.append(partial(side.block, frames, PER_SECOND, run_in))
        rows = alternate(blocks, rounds)
    figures = tuple(
        Figure(
            name=asked.name,
            case=f"{size.name}, {PER_SECOND:g}/s, {'' if pinned else 'un'}pinned",
            unit="us",
            floor=tuple(asked.of(row[FLOOR]) for row in rows),
            ours=tuple(asked.of(row[asked.side]) for row in rows),
            target=asked.target,
        )
        for asked in ASKED
    )
    return Comparison(figures, tuple(rows), floors=1)


def compiler() -> str:
    """Return the compiler's version."""
    return subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=False).stdout.strip()


def main() -> int:
    """Measure, print the page and write rust.json; 1 where a frame of ours was torn or nothing could be built."""
    parser = argparse.ArgumentParser(prog="python -m bench.rust_sides", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smoke run: two tiny blocks of everything, no verdicts")
    parser.add_argument("--out", type=Path, default=ROOT / "target" / "bench", help="folder for rust.json")
    given = parser.parse_args()
    began = time.monotonic()
    rounds, frames = (2, 5) if given.quick else (ROUNDS, FRAMES)
    settings = {"blocks of each side": str(rounds), "frames per block": str(frames)}
    try:
        program = built()
        report = Report(machine=describe() | {"Rust": compiler()}, settings=settings)
        for pinned in (False, True):
            for name in ("thumbnail",) if given.quick else SIZES_MEASURED:
                comparison = compare(program, SIZES[name], pinned=pinned, rounds=rounds, frames=frames)
                report.figures += comparison.figures
                report.counts.append(comparison.count("rust"))
                print(f"rust: {comparison.figures[0].case} done", file=sys.stderr, flush=True)
    except RustError as error:
        print(error, file=sys.stderr)
        return 1
    report.settings["duration"] = f"{time.monotonic() - began:.0f} s"
    print(report.markdown())
    print(f"written to {write_results(given.out, 'rust', json.loads(report.as_json()))}", file=sys.stderr)
    if report.torn:
        print(f"{report.torn} torn frames, which must never be", file=sys.stderr)
    return 1 if report.torn else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("interrupted: nothing was written", file=sys.stderr)
        sys.exit(130)

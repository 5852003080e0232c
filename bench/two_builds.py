"""`python -m bench.two_builds BASE`: whether the working tree's build is slower than that of a revision.

Both builds are measured in one run, in short blocks by turns, each with a writer and a reader process of its own; a
figure measured yesterday, or on another machine, would say nothing. It is slower where the whole interval of a ratio
lies above the limit: then the exit code is 1. The working tree is measured as `make build` has left it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from bench.blocks import FEWEST_RATIOS, Figure, alternate
from bench.build_of import WORKING_TREE, NoBuildError, build_of
from bench.reader_link import ReaderLink
from bench.report import table
from bench.session import WARM_FRAMES, Block, Side, fresh_name
from bench.sides import SIZES
from bench.writer_link import Elsewhere, WriterLink

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.sides import Size

LIMIT = 1.1
SLOWER, FASTER = "SLOWER", "faster"
HEADINGS = ("us", "base", "changed", "ratio", "95 % interval", "")


class Question(NamedTuple):
    """What is published and how it is taken, how often, in blocks of how many frames; and the figures of that."""

    publisher: str
    receiver: str
    per_second: float
    frames: int
    figures: dict[str, Callable[[Block], float]]


QUESTIONS = {
    "lease": Question(
        "loaned",
        "leased",
        60.0,
        120,
        {
            "lease latency p50": lambda block: block.latency_p50,
            "lease latency p99": lambda block: block.latency_p99,
            "loan and publish": lambda block: block.cost,
            "waiting reader's CPU per frame": lambda block: block.reader_cpu,
        },
    ),
    "write": Question("written", "leased copy", 60.0, 60, {"write_frame()": lambda block: block.cost}),
    "read": Question("filled and signalled", "read into", 60.0, 60, {"read_frame(out=)": lambda block: block.work}),
    "release": Question(
        "signalled", "lease and release", 240.0, 120, {"lease() and release": lambda block: block.work}
    ),
}


class Effort(NamedTuple):
    """How much is measured: a smoke run goes faster than any camera, with frames of a thumbnail's size."""

    size: Size
    rounds: int
    frames: int | None = None  # the question's own
    per_second: float | None = None  # likewise
    run_in: int = WARM_FRAMES


class Build(NamedTuple):
    """The processes of one build, pinned to a processor each."""

    writer: WriterLink
    reader: ReaderLink


def started(packages: Path, stack: ExitStack) -> Build:
    """Start the processes of the build in this folder; they end with the stack."""
    return Build(
        stack.enter_context(WriterLink(pinned=True, packages=packages)),
        stack.enter_context(ReaderLink(pinned=True, packages=packages)),
    )


def compare(builds: Sequence[Build], question: Question, effort: Effort) -> tuple[list[Figure], int]:
    """Let both builds take turns; return the figures, the base in the floor's place, and the torn frames of both."""
    frames, per_second = effort.frames or question.frames, effort.per_second or question.per_second
    with ExitStack() as stack:
        blocks = []
        for build in builds:
            name = fresh_name()
            end = Elsewhere(build.writer, name, question.publisher, effort.size)
            side = stack.enter_context(Side(build.reader, name, end, question.receiver, effort.size))
            blocks.append(partial(side.block, frames, per_second, effort.run_in))
        rows = alternate(blocks, effort.rounds)
    figures = [
        Figure(name, effort.size.name, "us", tuple(of(base) for base, _ in rows), tuple(of(new) for _, new in rows))
        for name, of in question.figures.items()
    ]
    return figures, sum(block.torn for row in rows for block in row)


def verdict(figure: Figure, limit: float) -> str:
    """Say whether the changed build is slower, or faster, by more than the limit: with its whole interval."""
    if figure.interval.low > limit:
        return SLOWER
    return FASTER if figure.interval.high < 1 / limit else ""


def row(figure: Figure, limit: float) -> tuple[str, ...]:
    """Return a figure's line of the table."""
    interval = figure.interval
    return (
        figure.name,
        f"{statistics.median(figure.floor):.1f}",
        f"{statistics.median(figure.ours):.1f}",
        f"{figure.ratio:.3f}",
        f"{interval.low:.3f} - {interval.high:.3f}",
        verdict(figure, limit),
    )


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.two_builds", description=__doc__.splitlines()[0])
    parser.add_argument("base", help="a revision, or a folder with a package billiards_video")
    parser.add_argument("changed", nargs="?", default=str(WORKING_TREE), help="likewise (default: the working tree)")
    parser.add_argument("--rounds", type=int, default=9, help=f"blocks of each build, {FEWEST_RATIOS} at least")
    parser.add_argument("--limit", type=float, default=LIMIT, help=f"ratio from which on it is slower ({LIMIT:g})")
    parser.add_argument("--size", choices=SIZES, default="1080p", help="size of the frames (1080p)")
    parser.add_argument("--only", choices=QUESTIONS, action="append", help="measure this alone; may be given again")
    parser.add_argument("--quick", action="store_true", help="a smoke run, with tiny blocks of tiny frames")
    given = parser.parse_args()
    if given.rounds < FEWEST_RATIOS:
        parser.error(f"--rounds {given.rounds}: fewer than {FEWEST_RATIOS} ratios say nothing")
    return given


def main() -> int:
    """Measure and print; 1 where the changed build is slower or a frame was torn, 2 where there is no such build."""
    given = arguments()
    effort = Effort(SIZES[given.size], given.rounds)
    if given.quick:
        effort = Effort(SIZES["thumbnail"], FEWEST_RATIOS, frames=6, per_second=240.0, run_in=2)
    try:
        folders = build_of(given.base), build_of(given.changed)
    except NoBuildError as error:
        print(error, file=sys.stderr)
        return 2
    figures, torn = [], 0
    with ExitStack() as stack:
        builds = [started(folder, stack) for folder in folders]
        for name in given.only or QUESTIONS:
            found, torn_here = compare(builds, QUESTIONS[name], effort)
            figures += found
            torn += torn_here
            print(f"{name} done", file=sys.stderr, flush=True)
    print(table(HEADINGS, [row(figure, given.limit) for figure in figures]))
    slower = [figure.name for figure in figures if verdict(figure, given.limit) == SLOWER]
    if slower:
        print(f"slower than {given.limit:g} times the base: {', '.join(slower)}", file=sys.stderr)
    if torn:
        print(f"{torn} torn frames, which must never be", file=sys.stderr)
    return 1 if slower or torn else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)

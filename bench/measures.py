"""What is compared with what: a function per question, each a pair of sides and the figures of their blocks."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from bench.blocks import Figure, alternate
from bench.floor import CopyFloor, WakeFloor
from bench.ours import Loaned, Written
from bench.report import Count
from bench.session import WARM_FRAMES, Block, Here, Side, fresh_name
from bench.sides import SIZES, Publisher, Size
from bench.signalled import SignalledLoan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.reader_link import ReaderLink

PER_SECOND = 60.0
SLOW_PER_SECOND = 30.0
CALLS_PER_SECOND = 240.0  # where a call is timed and not a wake-up, there is no need to go slowly

FRESH = " (floor makes its array per frame)"
WAKE_LATENCY_TARGET = 0.65
WAKE_P99_TARGET = 1.0
LOW_LATENCY_TARGET = 0.2
LOAN_TARGET = 1.0
WRITE_TARGET = 0.75
WRITE_LATENCY_TARGET = 0.7
READ_INTO_TARGET = 1.1
READER_CPU_TARGET = 1.0
LEARNING = 40  # frames until a reader that asks for low latency knows the publisher's rhythm


@dataclass(frozen=True)
class Effort:
    """How many blocks per side, and how many frames in one."""

    rounds: int
    frames: int
    sizes: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """The blocks of one comparison, the floor's first, and which of their figures are reported."""

    figures: tuple[Figure, ...]
    blocks: tuple[tuple[Block, ...], ...]
    floors: int  # so many sides of each row are floors

    def count(self, name: str) -> Count:
        """Return what was counted over all blocks."""
        floors = [block for row in self.blocks for block in row[: self.floors]]
        ours = [block for row in self.blocks for block in row[self.floors :]]
        return Count(
            measure=name,
            case=self.figures[0].case,
            floor_torn=sum(block.torn for block in floors),
            ours_torn=sum(block.torn for block in ours),
            floor_missed=sum(block.missed for block in floors),
            ours_missed=sum(block.missed for block in ours),
            late=sum(block.late for block in (*floors, *ours)),
        )


class Asked(NamedTuple):
    """A figure to take from every block; ours is the last side, its floor the first unless another is named."""

    name: str
    of: Callable[[Block], float]
    target: float | None = None
    floor: int = 0


def _compare(
    link: ReaderLink,
    size: Size,
    effort: Effort,
    *,
    per_second: float,
    sides: Sequence[tuple[Callable[[str, Size], Publisher], str]],
    asked: Sequence[Asked],
    run_in: int = WARM_FRAMES,
) -> Comparison:
    with ExitStack() as stack:
        opened = []
        for publisher, receiver in sides:
            name = fresh_name()
            opened.append(stack.enter_context(Side(link, name, Here(publisher(name, size)), receiver, size)))
        blocks = [partial(side.block, effort.frames, per_second, run_in) for side in opened]
        rows = alternate(blocks, effort.rounds)
    figures = tuple(
        Figure(
            name=figure.name,
            case=f"{size.name}, {per_second:g}/s",
            unit="us",
            floor=tuple(figure.of(row[figure.floor]) for row in rows),
            ours=tuple(figure.of(row[-1]) for row in rows),
            target=figure.target,
        )
        for figure in asked
    )
    floors = sum(publisher in {CopyFloor, WakeFloor} for publisher, _ in sides)
    return Comparison(figures, tuple(rows), floors)


def control(link: ReaderLink, effort: Effort) -> Iterator[Comparison]:
    """Compare the wake floor with itself: how far from 1 a ratio of equals comes out on this machine today."""
    yield _compare(
        link,
        SIZES[effort.sizes[0]],
        effort,
        per_second=PER_SECOND,
        sides=[(WakeFloor, "floor view"), (WakeFloor, "floor view")],
        asked=[
            Asked("control: wake floor against itself, p50", lambda block: block.latency_p50),
            Asked("control: reader's CPU per frame", lambda block: block.reader_cpu),
        ],
    )


def lease_latency(link: ReaderLink, effort: Effort) -> Iterator[Comparison]:
    """Loan and lease against the wake floor: no pixel is copied on either side.

    Against the strictest floor, whose reader has all its arrays beforehand, and against one whose reader makes an array
    per frame, which a lease has to: its array's life is the hold.
    """
    for name in effort.sizes:
        yield _compare(
            link,
            SIZES[name],
            effort,
            per_second=PER_SECOND,
            sides=[(WakeFloor, "floor view"), (WakeFloor, "floor fresh view"), (Loaned, "leased")],
            asked=[
                Asked("lease latency p50", lambda block: block.latency_p50, WAKE_LATENCY_TARGET),
                Asked("lease latency p99", lambda block: block.latency_p99, WAKE_P99_TARGET),
                Asked(f"lease latency p50{FRESH}", lambda block: block.latency_p50, WAKE_LATENCY_TARGET, floor=1),
                Asked(f"lease latency p99{FRESH}", lambda block: block.latency_p99, floor=1),
                Asked("publishing: loan + publish", lambda block: block.cost, LOAN_TARGET),
                Asked("waiting reader's CPU per frame", lambda block: block.reader_cpu, READER_CPU_TARGET),
                Asked(f"waiting reader's CPU per frame{FRESH}", lambda block: block.reader_cpu, floor=1),
            ],
        )


def low_latency(link: ReaderLink, effort: Effort) -> Iterator[Comparison]:
    """Compare a reader that expects the next frame with the wake floor: latency, and what the polling costs."""
    for name in effort.sizes:
        yield _compare(
            link,
            SIZES[name],
            effort,
            per_second=PER_SECOND,
            sides=[(WakeFloor, "floor view"), (Loaned, "leased, low latency")],
            asked=[
                Asked("low-latency lease p50", lambda block: block.latency_p50, LOW_LATENCY_TARGET),
                Asked("low-latency lease p99", lambda block: block.latency_p99),
                Asked("low-latency reader's CPU per frame", lambda block: block.reader_cpu),
                Asked("the publisher's jitter", lambda block: block.jitter),
            ],
            run_in=LEARNING,
        )


def slow_reader_cpu(link: ReaderLink, effort: Effort) -> Iterator[Comparison]:
    """Compare the waiting reader's processor time at 30 frames a second."""
    yield _compare(
        link,
        SIZES[effort.sizes[0]],
        effort,
        per_second=SLOW_PER_SECOND,
        sides=[(WakeFloor, "floor view"), (Loaned, "leased")],
        asked=[
            Asked("waiting reader's CPU per frame", lambda block: block.reader_cpu, READER_CPU_TARGET),
            Asked("lease latency p50", lambda block: block.latency_p50),
        ],
    )


def write_cost(link: ReaderLink, effort: Effort) -> Iterator[Comparison]:
    """`write_frame` against the copy floor; the readers then copy the frame out, so that its lines really move."""
    for name in effort.sizes:
        yield _compare(
            link,
            SIZES[name],
            effort,
            per_second=PER_SECOND,
            sides=[(CopyFloor, "floor copy"), (Written, "leased copy")],
            asked=[
                Asked("write_frame() call", lambda block: block.cost, WRITE_TARGET),
                Asked("write_frame() to lease, p50", lambda block: block.latency_p50, WRITE_LATENCY_TARGET),
                Asked("write_frame() to lease, p99", lambda block: block.latency_p99),
                Asked("reader's first pass (np.copyto)", lambda block: block.work),
            ],
        )


def read_into(link: ReaderLink, effort: Effort) -> Iterator[Comparison]:
    """`read_frame(out=)` against `np.copyto` of the same frame, filled by `np.copyto` on both sides."""
    for name in effort.sizes:
        yield _compare(
            link,
            SIZES[name],
            effort,
            per_second=PER_SECOND,
            sides=[(CopyFloor, "floor copy"), (partial(SignalledLoan, fill=True), "read into")],
            asked=[Asked("read_frame(out=) call", lambda block: block.work, READ_INTO_TARGET)],
        )


def lease_by_size(link: ReaderLink, effort: Effort) -> Iterator[Comparison]:
    """`lease()` and its release from VGA to 2160p: the first size stands in the floor's place."""
    names = ("VGA", "720p", "1080p", "2160p")
    with ExitStack() as stack:
        opened = []
        for name in names:
            key = fresh_name()
            publisher = SignalledLoan(key, SIZES[name], fill=False)
            opened.append(stack.enter_context(Side(link, key, Here(publisher), "lease and release", SIZES[name])))
        rows = alternate([partial(side.block, effort.frames, CALLS_PER_SECOND) for side in opened], effort.rounds)
    figures = tuple(
        Figure(
            name=f"lease() and release, {name} against {names[0]}",
            case=f"{CALLS_PER_SECOND:g}/s",
            unit="us",
            floor=tuple(row[0].work for row in rows),
            ours=tuple(row[position].work for row in rows),
            target=1.1,  # independent of the size, but for the noise of calls of a few microseconds
        )
        for position, name in enumerate(names)
        if position
    )
    yield Comparison(figures, tuple(rows), floors=0)

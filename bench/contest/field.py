"""All ways at once: a crew each, opened for the same size and number of readers, and their blocks by turns."""

from __future__ import annotations

import os
import sys
import time
from array import array
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Self

from bench.blocks import percentile
from bench.contest.leftovers import Leftovers
from bench.contest.link import CrewError, CrewLink
from bench.contest.orders import Block, Opened, Run

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from bench.rivals.registry import Way
    from bench.sides import Size

ENOUGH = 3.0  # so many times the time of its blocks a way may take at one pace: then it has no more of them
MOST_LATENCIES = 4000  # kept of each block for the percentiles over all blocks; an unpaced one has many more


def progress(text: str) -> None:
    """Say on standard error what is going on."""
    print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Pace:
    """How blocks are run: so many frames that count at a rate, or what goes into a time."""

    name: str
    per_second: float | None
    frames: int
    seconds: float
    look: bool
    warm: int = 3

    def lasts(self, way: Way) -> float:
        """Return how long a block of this way is meant to last, in seconds."""
        if self.per_second is None:
            return self.seconds
        return (self.warm + way.run_in + self.frames) / self.per_second

    def run(self, block: int, way: Way) -> Run:
        """Return the order for a block of this way."""
        warm = self.warm + (way.run_in if self.per_second else 0)
        frames = warm + self.frames
        slack = self.seconds if self.per_second is None else frames / self.per_second + self.seconds
        return Run(block, warm, frames, self.per_second, slack, self.look)


def at(per_second: float, frames: int) -> Pace:
    """Return a steady pace; a way that cannot hold it is cut off a tenth of a second after its time."""
    return Pace(f"{per_second:g}/s", per_second, frames, 0.1, look=False)


def unpaced(seconds: float) -> Pace:
    """Return the pace of a writer that publishes as fast as it goes, and readers that look at what they get."""
    return Pace("unpaced", None, 10_000_000, seconds, look=True)


@dataclass
class Results:
    """What one way did at one pace: a value for each block, and counts over all of them."""

    p50: list[float | None] = field(default_factory=list)  # us; as the next three
    tail: list[float | None] = field(default_factory=list)  # the 99th percentile, which needs long blocks
    writer_cpu: list[float] = field(default_factory=list)
    reader_cpu: list[float | None] = field(default_factory=list)
    reader_share: list[float | None] = field(default_factory=list)  # of one processor
    published: list[float] = field(default_factory=list)  # per second
    taken: list[float] = field(default_factory=list)  # per second, by one reader
    p99: float | None = None  # us, of the frames of all blocks
    frames: int = 0
    dropped: int = 0
    missed: int = 0
    torn: int = 0
    late: int = 0
    failed: str = ""

    def add(self, block: Block, readers: int) -> None:
        """Add a block; one in which no frame arrived has no latency."""
        self.p50.append(percentile(block.latency_ns, 50) / 1e3 if block.latency_ns else None)
        self.tail.append(percentile(block.latency_ns, 99) / 1e3 if block.latency_ns else None)
        self.writer_cpu.append(block.writer_cpu_us)
        self.reader_cpu.append(block.reader_cpu_us)
        self.reader_share.append(block.reader_share)
        self.published.append(block.published / max(block.elapsed_s, 1e-9))
        self.taken.append(block.taken / readers / max(block.elapsed_s, 1e-9))
        self.frames += block.published
        self.dropped += block.dropped
        self.missed += block.missed
        self.torn += block.torn
        self.late += block.late


class Field:
    """The crews, for as long as the context lasts."""

    def __init__(self, ways: Iterable[Way]) -> None:
        self._ways = list(ways)
        self._stack = ExitStack()
        self._blocks = count(1)
        self._names = count()
        self.missing: dict[str, str] = {}
        self.versions: dict[str, str] = {}

    def __enter__(self) -> Self:
        self._stack.enter_context(Leftovers())
        self.crews = [self._stack.enter_context(CrewLink(way)) for way in self._ways]
        self._note_missing()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def _note_missing(self) -> None:
        for crew in list(self.crews):
            self.versions[crew.way.name] = crew.version
            if crew.missing:
                progress(f"{crew.way.name}: not measured: {crew.missing}")
                self.missing[crew.way.name] = crew.missing
                self.crews.remove(crew)

    def fresh_name(self) -> str:
        """Return a name that no other run has."""
        return f"bench-{os.getpid()}-{next(self._names)}"

    def open(self, crew: CrewLink, size: Size, readers: int) -> Opened | str:
        """Let a crew open under a new name; returns what memory it took, or why it could not."""
        try:
            opened = crew.open(self.fresh_name(), size, readers)
        except CrewError as error:
            crew.restart()
            return str(error)
        if opened is None:
            self._note_missing()
            return crew.missing
        return opened

    def cell(self, size: Size, readers: int, paces: Iterable[Pace], rounds: int) -> list[dict[str, object]]:
        """Run all paces at one size and number of readers; return a record for each pace."""
        memory: dict[str, dict[str, int]] = {}
        unable: dict[str, str] = {}
        for crew in list(self.crews):
            opened = self.open(crew, size, readers)
            if isinstance(opened, Opened):
                memory[crew.way.name] = asdict(opened)
            else:
                unable[crew.way.name] = opened
        records = []
        for pace in paces:
            began = time.monotonic()
            results = self._rounds(size, readers, pace, rounds, unable)
            records.append(
                {
                    "size": size.name,
                    "readers": readers,
                    "pace": pace.name,
                    "ways": {name: asdict(result) for name, result in results.items()},
                    "memory": memory,
                }
            )
            progress(
                f"{size.name}, {readers} readers, {pace.name}: {rounds} blocks of each way in"
                f" {time.monotonic() - began:.0f} s"
            )
        for crew in self.crews:
            crew.close()
        return records

    def _rounds(self, size: Size, readers: int, pace: Pace, rounds: int, unable: dict[str, str]) -> dict[str, Results]:
        results = {crew.way.name: Results(failed=unable.get(crew.way.name, "")) for crew in self.crews}
        latencies = {name: array("q") for name in results}
        left = {crew.way.name: ENOUGH * rounds * pace.lasts(crew.way) for crew in self.crews}
        for number in range(rounds):
            # Every second round backwards: a drift favours neither side then, and nobody always follows the same one.
            for crew in self.crews if number % 2 == 0 else reversed(self.crews):
                result = results[crew.way.name]
                if result.failed or left[crew.way.name] < 0:
                    continue
                began = time.monotonic()
                try:
                    crew.begin(pace.run(next(self._blocks), crew.way))
                    block = crew.block()
                except CrewError as error:
                    result.failed = str(error)
                    opened = self.open(crew, size, readers)  # for the paces to come
                    if not isinstance(opened, Opened):
                        unable[crew.way.name] = opened
                    continue
                result.add(block, readers)
                left[crew.way.name] -= time.monotonic() - began
                latencies[crew.way.name].extend(thinned(block.latency_ns))
        for name, values in latencies.items():
            if values:
                results[name].p99 = percentile(values, 99) / 1e3
        return results


def thinned(values: array[int]) -> array[int]:
    """Return every n-th value, so that few enough are left."""
    return values[:: len(values) // MOST_LATENCIES + 1]

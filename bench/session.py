"""A publisher, its receiver in the reader process, and blocks of frames between them."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Protocol, Self

from bench.blocks import percentile
from bench.publication import Frames, Published, publish_block

if TYPE_CHECKING:
    from types import TracebackType

    from bench.requests import Reading
    from bench.sides import Publisher, Size

WARM_FRAMES = 10
SETTLE = 0.02  # seconds between the reader's word that it begins to wait, and the first frame
_serial = count()


@dataclass(frozen=True)
class Block:
    """One block's figures: latencies and works by frame, in nanoseconds."""

    latency_ns: tuple[int, ...]
    cost_ns: tuple[int, ...]
    work_ns: tuple[int, ...]
    reader_cpu_ns: float
    missed: int
    torn: int
    late: int
    lateness_ns: tuple[int, ...]  # of the publisher, frame by frame: how long after its time it woke

    @property
    def latency_p50(self) -> float:
        """Median latency in us."""
        return statistics.median(self.latency_ns) / 1e3

    @property
    def latency_p99(self) -> float:
        """99th percentile of the latency in us, nearest rank."""
        return percentile(self.latency_ns, 99) / 1e3

    @property
    def jitter(self) -> float:
        """How far, in us, the publisher's lateness is from its median, half of the time: its unsteadiness."""
        middle = statistics.median(self.lateness_ns)
        return statistics.median(abs(lateness - middle) for lateness in self.lateness_ns) / 1e3

    @property
    def cost(self) -> float:
        """Median cost of publishing in us."""
        return statistics.median(self.cost_ns) / 1e3

    @property
    def work(self) -> float:
        """Median of the reader's timed work in us."""
        return statistics.median(self.work_ns) / 1e3

    @property
    def reader_cpu(self) -> float:
        """The reader process's processor time per frame in us."""
        return self.reader_cpu_ns / 1e3


def block_of(published: Published, reading: Reading) -> Block:
    """Put together what both ends of a block have measured."""
    return Block(
        latency_ns=tuple(ready - published.began_ns[number] for number, ready in reading.ready_ns.items()),
        cost_ns=tuple(published.cost_ns),
        work_ns=tuple(reading.work_ns),
        reader_cpu_ns=reading.cpu_ns_per_frame,
        missed=len(published.began_ns) - len(reading.ready_ns),
        torn=reading.torn,
        late=published.late,
        lateness_ns=tuple(published.lateness_ns),
    )


def fresh_name() -> str:
    """Return a name in shared memory that no other run has."""
    return f"bench-{os.getpid()}-{next(_serial)}"


class WriterEnd(Protocol):
    """Who publishes a side's blocks."""

    def publish(self, frames: Frames, per_second: float) -> Published:
        """Publish these frames at the given rate; returns when all are."""

    def close(self) -> None:
        """Remove what was created."""


class ReaderEnd(Protocol):
    """The process that reads the sides' blocks."""

    def attach(self, name: str, kind: str, size: Size) -> None:
        """Let it attach; returns when it has."""

    def detach(self, name: str) -> None:
        """Let it detach; returns when it has."""

    def begin(self, name: str, first: int, last: int) -> None:
        """Let it read until `last`, of which those from `first` on count; returns when it is about to wait."""

    def reading(self) -> Reading:
        """Return what it read in the block begun before."""


class Here:
    """A publisher in this process."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def publish(self, frames: Frames, per_second: float) -> Published:
        """Publish these frames at the given rate; returns when all are."""
        return publish_block(self._publisher, frames, per_second)

    def close(self) -> None:
        """Remove what was created."""
        self._publisher.close()


class Side:
    """A publisher and its receiver under one name, for as long as the context lasts."""

    def __init__(self, reader: ReaderEnd, name: str, writer: WriterEnd, receiver: str, size: Size) -> None:
        self._reader = reader
        self._name = name
        self._writer = writer
        self._receiver = receiver
        self._size = size
        self._published = 0

    def __enter__(self) -> Self:
        try:
            self._reader.attach(self._name, self._receiver, self._size)
        except BaseException:
            self._writer.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._reader.detach(self._name)
        finally:
            self._writer.close()

    def block(self, frames: int, per_second: float, run_in: int = WARM_FRAMES) -> Block:
        """Publish `run_in` frames and `frames` that count, at the given rate, and return what both ends measured."""
        first = self._published + 1
        these = Frames(first, first + run_in, first + run_in + frames - 1)
        self._reader.begin(self._name, these.counted, these.last)
        time.sleep(SETTLE)
        published = self._writer.publish(these, per_second)
        self._published = these.last
        return block_of(published, self._reader.reading())

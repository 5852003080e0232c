"""A publisher here, its receiver in the reader process, and blocks of frames between them."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Self

from bench.blocks import percentile
from bench.pacing import Pace

if TYPE_CHECKING:
    from types import TracebackType

    from bench.reader_link import ReaderLink
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


def fresh_name() -> str:
    """Return a name in shared memory that no other run has."""
    return f"bench-{os.getpid()}-{next(_serial)}"


class Side:
    """A publisher and its receiver under one name, for as long as the context lasts."""

    def __init__(self, link: ReaderLink, name: str, publisher: Publisher, receiver: str, size: Size) -> None:
        self._link = link
        self._name = name
        self._publisher = publisher
        self._receiver = receiver
        self._size = size
        self._published = 0

    def __enter__(self) -> Self:
        try:
            self._link.attach(self._name, self._receiver, self._size)
        except BaseException:
            self._publisher.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._link.detach(self._name)
        finally:
            self._publisher.close()

    def block(self, frames: int, per_second: float, run_in: int = WARM_FRAMES) -> Block:
        """Publish `run_in` frames and `frames` that count, at the given rate, and return what both ends measured."""
        first = self._published + 1 + run_in
        last = first + frames - 1
        self._link.begin(self._name, first, last)
        time.sleep(SETTLE)
        pace = Pace(per_second)
        began: dict[int, int] = {}
        costs: list[int] = []
        lateness: list[int] = []
        for number in range(self._published + 1, last + 1):
            late_by = pace.wait()
            before, cost = self._publisher.publish(number)
            if number >= first:
                began[number] = before
                costs.append(cost)
                lateness.append(late_by)
        self._published = last
        reading = self._link.reading()
        return Block(
            latency_ns=tuple(ready - began[number] for number, ready in reading.ready_ns.items()),
            cost_ns=tuple(costs),
            work_ns=tuple(reading.work_ns),
            reader_cpu_ns=reading.cpu_ns_per_frame,
            missed=frames - len(reading.ready_ns),
            torn=reading.torn,
            late=pace.late,
            lateness_ns=tuple(lateness),
        )

"""Writer and readers of one way: made by forking, so that sixty-four readers take a moment to start."""

from __future__ import annotations

import gc
import os
import signal
import time
from contextlib import suppress
from dataclasses import replace

import numpy as np

from bench.contest.orders import Block, Close, Kill, Open, Opened, Run, Survived, Taken
from bench.contest.summary import summary
from bench.contest.worker import PATIENCE, Worker, memory_of
from bench.contest.workers import reader, writer
from bench.rivals.transport import Pool, Transport

SETTLE = 0.01  # seconds between the readers' word that they begin to wait, and the first frame
WARM_UP = Run(block=0, warm=3, frames=8, per_second=50.0, seconds=1.0, look=True)
LOOKED_AT_ONCE = 1 << 20  # bytes


class Crew:
    """Writer and readers of one way, of one size."""

    def __init__(self, kind: type[Transport], order: Open) -> None:
        self._readers: list[Worker] = []
        self._writer: Worker | None = None
        self._patience = 3.0
        self._pool = Pool(order.size)
        self._out = np.ones(min(LOOKED_AT_ONCE, order.size.frame_bytes), np.uint8)
        gc.freeze()  # a collection in a fork would copy every page that it looks at
        self.transport = kind(order.name, order.size, order.readers)
        try:
            before, _ = memory_of([os.getpid()])
            self._writer = self._new_writer()
            for index in range(order.readers):
                self._readers.append(self._new_reader(index))
            for worker in self._readers:
                worker.answer()
            self.transport.forked()
            self.run(WARM_UP)
            everybody = [os.getpid(), self._writer.pid, *(worker.pid for worker in self._readers)]
            own, shared = memory_of(everybody)
            # What readers copy into is theirs, not the way's: each has written to its own by now.
            self.memory = Opened(own - before - order.readers * self._out.nbytes, shared)
        except BaseException:
            self.close(patience=0.0)
            raise

    def _others(self) -> list[Worker]:
        return [*self._readers, *([self._writer] if self._writer else [])]

    def _new_writer(self) -> Worker:
        made = Worker(lambda link: writer(self.transport, self._pool, link), self._others())
        made.answer()
        return made

    def _new_reader(self, index: int) -> Worker:
        return Worker(lambda link: reader(self.transport, index, self._out, link), self._others())

    def run(self, run: Run) -> Block:
        """Let the readers wait and the writer publish; return what they saw."""
        assert self._writer  # noqa: S101 - there from the construction on
        for worker in self._readers:
            worker.link.send(run)
        for worker in self._readers:
            worker.answer()
        time.sleep(SETTLE)
        self._writer.link.send(run)
        patience = run.seconds + PATIENCE
        taken = [worker.answer(patience) for worker in self._readers]
        self._writer.link.send("enough")
        written = self._writer.answer()
        return summary(run, written, taken)

    def kill(self, order: Kill) -> Survived:
        """Kill one of them, and see whether the others go on."""
        assert self._writer  # noqa: S101 - there from the construction on
        victim = self._writer if order.writer else self._readers[0]
        living = self._readers if order.writer else self._readers[1:]
        next_run = replace(order.run, block=order.run.block + 1)
        for worker in self._readers:
            worker.link.send(next_run if order.writer else order.run)
        for worker in self._readers:
            worker.answer()
        self._writer.link.send(order.run)
        time.sleep(order.after)
        os.kill(victim.pid, signal.SIGKILL)
        os.waitpid(victim.pid, 0)
        killed = time.monotonic_ns()
        try:
            if order.writer:
                self._writer = self._new_writer()
                self._writer.link.send(next_run)
            first = [self._first_after(worker, killed, order.patience) for worker in living]
            self._writer.link.send("enough")
            self._writer.answer(order.patience)
        except (RuntimeError, TimeoutError) as error:
            self._patience = 0.0  # somebody is stuck: there is no end to wait for
            return Survived(went_on=False, seconds=order.patience, why=str(error))
        return Survived(went_on=True, seconds=max(first))

    @staticmethod
    def _first_after(worker: Worker, killed: int, patience: float) -> float:
        taken = worker.answer(patience)
        if not isinstance(taken, Taken):
            raise TypeError(f"a reader answered {taken!r}")
        later = [ready for ready in taken.ready if ready > killed]
        if not later:
            raise RuntimeError("no frame after the kill")
        return (later[0] - killed) / 1e9

    def close(self, patience: float | None = None) -> None:
        """End everybody, readers first."""
        limit = time.monotonic() + (self._patience if patience is None else patience)
        workers = self._others()
        for worker in workers:
            with suppress(OSError):
                worker.link.send(Close())
        for worker in workers:
            worker.end(limit)
        with suppress(OSError):
            self.transport.close()
        gc.unfreeze()

"""What Python brings along: `multiprocessing` with shared memory and a condition, with pipes, with queues."""

from __future__ import annotations

import multiprocessing
import queue
import time
from multiprocessing.shared_memory import SharedMemory
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.rivals.transport import Pixels, Pool, Publisher, Receiver, Transport

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from bench.sides import Size

SLOTS = 3
FORK = multiprocessing.get_context("fork")


class Condition(Transport):
    """Three slots in a `SharedMemory`; a `Condition` guards which is newest, and wakes the readers."""

    def __init__(self, name: str, size: Size, readers: int) -> None:
        super().__init__(name, size, readers)
        self._memory = SharedMemory(create=True, size=SLOTS * size.frame_bytes, name=name)
        self.slots: Pixels = np.ndarray((SLOTS, *size.shape), np.uint8, buffer=self._memory.buf)
        self.slots[...] = 0
        self.condition = FORK.Condition()
        self.number: Any = FORK.RawValue("Q", 0)

    def publisher(self, pool: Pool) -> Publisher:
        """Return the writer's half."""
        return ConditionPublisher(self, pool)

    def receiver(self, index: int) -> Receiver:  # noqa: ARG002 - all readers are alike
        """Return a reader's half."""
        return ConditionReceiver(self)

    def close(self) -> None:
        """Remove the memory."""
        del self.slots
        self._memory.close()
        self._memory.unlink()


class ConditionPublisher(Publisher):
    """Copies outside the lock, and tells which slot is newest under it."""

    def __init__(self, shared: Condition, pool: Pool) -> None:
        self._shared = shared
        self._pool = pool

    def publish(self, mark: int) -> int:
        """Copy, notify all."""
        frame = self._pool.arrays[self._pool.next(mark)]
        number = self._shared.number.value + 1
        before = time.monotonic_ns()
        np.copyto(self._shared.slots[number % SLOTS], frame)
        with self._shared.condition:
            self._shared.number.value = number
            self._shared.condition.notify_all()
        return before


class ConditionReceiver(Receiver):
    """Waits for a newer number; the frame is its slot, which nothing keeps from being overwritten."""

    def __init__(self, shared: Condition) -> None:
        self._shared = shared
        self._seen = shared.number.value
        shared.slots.max()  # read every page once, as the floors' readers do

    def take(self) -> Pixels:
        """Wait for the next number."""
        with self._shared.condition:
            while self._shared.number.value == self._seen:
                self._shared.condition.wait()
            self._seen = self._shared.number.value
        taken: Pixels = self._shared.slots[self._seen % SLOTS]
        return taken


class Pipe(Transport):
    """A pipe per reader: `send_bytes` of the frame's memory, `recv_bytes_into` an array made once."""

    def __init__(self, name: str, size: Size, readers: int) -> None:
        super().__init__(name, size, readers)
        ends: list[tuple[Connection, Connection]] = [FORK.Pipe(duplex=False) for _ in range(readers)]
        self.receiving = [end[0] for end in ends]
        self.sending = [end[1] for end in ends]

    def publisher(self, pool: Pool) -> Publisher:
        """Return the writer's half."""
        for end in self.receiving:
            end.close()
        return PipePublisher(self.sending, pool)

    def receiver(self, index: int) -> Receiver:
        """Return the half of this reader; only its own end stays open, else nobody would see it close."""
        for position, end in enumerate(self.receiving):
            if position != index:
                end.close()
        for end in self.sending:
            end.close()
        return PipeReceiver(self.receiving[index], self.size)

    def forked(self) -> None:
        """Close the readers' ends here."""
        for end in self.receiving:
            end.close()

    def close(self) -> None:
        """Close the writer's ends."""
        for end in self.sending:
            end.close()


class PipePublisher(Publisher):
    """Sends to one reader after another; waits for each, since a pipe holds a hundredth of a frame."""

    waits_for_readers = True

    def __init__(self, ends: list[Connection], pool: Pool) -> None:
        self._ends = list(ends)
        self._pool = pool

    def publish(self, mark: int) -> int:
        """Send; a reader that has gone is left out from then on."""
        frame = self._pool.buffers[self._pool.next(mark)]
        before = time.monotonic_ns()
        for end in tuple(self._ends):
            try:
                end.send_bytes(frame)
            except BrokenPipeError:
                self._ends.remove(end)
        return before


class PipeReceiver(Receiver):
    """Receives into one array for ever."""

    def __init__(self, end: Connection, size: Size) -> None:
        self._end = end
        self._frame: Pixels = np.zeros(size.shape, np.uint8)
        self._bytes = self._frame.data.cast("B")

    def take(self) -> Pixels:
        """Wait for the next frame."""
        self._end.recv_bytes_into(self._bytes)
        return self._frame


class Queue(Transport):
    """A queue of one per reader: the array is pickled by the queue's thread, and dropped where it is full."""

    def __init__(self, name: str, size: Size, readers: int) -> None:
        super().__init__(name, size, readers)
        self.queues: list[multiprocessing.Queue[Pixels]] = [FORK.Queue(maxsize=1) for _ in range(readers)]

    def publisher(self, pool: Pool) -> Publisher:
        """Return the writer's half."""
        return QueuePublisher(self.queues, pool)

    def receiver(self, index: int) -> Receiver:
        """Return the half of this reader."""
        return QueueReceiver(self.queues[index])


class QueuePublisher(Publisher):
    """Puts the array into each queue that has room."""

    def __init__(self, queues: list[multiprocessing.Queue[Pixels]], pool: Pool) -> None:
        self._queues = queues
        self._pool = pool
        for each in queues:
            each.cancel_join_thread()  # what is still in it at the end nobody wants

    def publish(self, mark: int) -> int:
        """Put; a frame for which no queue has room is dropped."""
        frame = self._pool.arrays[self._pool.next(mark)]
        before, put = time.monotonic_ns(), False
        for each in self._queues:
            try:
                each.put_nowait(frame)
                put = True
            except queue.Full:
                continue
        return before if put else 0


class QueueReceiver(Receiver):
    """Takes from its queue; the array is the one that was unpickled."""

    def __init__(self, own: multiprocessing.Queue[Pixels]) -> None:
        self._queue = own

    def take(self) -> Pixels:
        """Wait for the next array."""
        return self._queue.get()

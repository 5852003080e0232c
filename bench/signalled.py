"""Sides whose reader is woken by the floor's futex, so that a call that does not wait can be timed alone.

`read_frame(out=)` and `lease()` return at once when a frame is there; timed after their own wait they would show the
scheduler. The publisher therefore raises a futex of the bench's after it has published, on the floor and on ours alike,
and fills its slot with the same `np.copyto`, so that both sides read memory in the same state.
"""

from __future__ import annotations

import mmap
import os
import time
from typing import TYPE_CHECKING

import numpy as np

from bench.floor import HEADER_BYTES, floor_path
from bench.futex import Futex
from bench.ours import PATIENCE, opened_writer
from bench.sides import Pixels, Size, Source, Taken, is_whole, stamp
from billiards_video import SharedMemoryFrameReader

if TYPE_CHECKING:
    from pathlib import Path


class Signal:
    """One futex word in a file of its own."""

    def __init__(self, name: str, *, create: bool) -> None:
        self._path: Path = floor_path(f"{name}.signal")
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if create else 0)
        descriptor = os.open(self._path, flags, 0o600)
        try:
            if create:
                os.ftruncate(descriptor, HEADER_BYTES)
            self._mapping = mmap.mmap(descriptor, HEADER_BYTES)
        finally:
            os.close(descriptor)
        self.futex = Futex(self._mapping)

    def remove(self) -> None:
        """Unlink the file and unmap it."""
        self._path.unlink()
        self.close()

    def close(self) -> None:
        """Unmap."""
        self.futex.close()
        self._mapping.close()


def past_what_was_taken(futex: Futex, seen: int, taken: int) -> int:
    """Wait for a signal whose frame is not taken yet.

    A reader that was late has taken a newer frame than its signal named. The signal of that one must be passed over: a
    call that then found nothing would wait for the next frame, and be timed waiting, from there on for ever.
    """
    seen = futex.wait_past(seen)
    while seen <= taken:
        seen = futex.wait_past(seen)
    return seen


class SignalledLoan:
    """Publishes through a loan and then raises the signal; fills the slot where its reader reads all of it."""

    def __init__(self, name: str, size: Size, *, fill: bool) -> None:
        self._signal = Signal(name, create=True)
        self._writer = opened_writer(name, size)
        self._source = Source(size) if fill else None

    def publish(self, number: int) -> tuple[int, int]:
        """Publish frame `number`, then signal."""
        with self._writer.loan() as slot:
            if slot is None:
                raise RuntimeError(f"no buffer was free for frame {number}")
            if self._source is None:
                stamp(slot.array, number)
            else:
                np.copyto(slot.array, self._source.frame(number))
            before = time.monotonic_ns()
            slot.publish(number)
        cost = time.monotonic_ns() - before
        self._signal.futex.raise_to(number)
        return before, cost

    def close(self) -> None:
        """Remove what was created."""
        self._writer.cleanup()
        self._signal.remove()


class ReadInto:
    """Times `read_frame(out=)` on a frame that is there."""

    def __init__(self, name: str, size: Size) -> None:
        self._signal = Signal(name, create=False)
        self._seen = self._taken = self._signal.futex.word.value
        self._reader = SharedMemoryFrameReader(name)
        self._reader.attach(timeout=PATIENCE)
        self._out: Pixels = np.zeros(size.shape, dtype=np.uint8)

    def take(self) -> Taken:
        """Wait for the signal, then read the frame into the array."""
        self._seen = past_what_was_taken(self._signal.futex, self._seen, self._taken)
        before = time.monotonic_ns()
        _, metadata = self._reader.read_frame(out=self._out)
        ready = time.monotonic_ns()
        if metadata is None:
            raise RuntimeError("a frame was published and read_frame() found none")
        self._taken = metadata.frame_number
        return metadata.frame_number, ready, ready - before, is_whole(self._out, metadata.frame_number)

    def close(self) -> None:
        """Detach and unmap."""
        self._reader.detach()
        self._signal.close()


class LeaseAndRelease:
    """Times `lease()`, its array, and letting go of both, on a frame that is there."""

    def __init__(self, name: str, _size: Size) -> None:
        self._signal = Signal(name, create=False)
        self._seen = self._taken = self._signal.futex.word.value
        self._reader = SharedMemoryFrameReader(name)
        self._reader.attach(timeout=PATIENCE)

    def take(self) -> Taken:
        """Wait for the signal, then lease and release."""
        self._seen = past_what_was_taken(self._signal.futex, self._seen, self._taken)
        before = time.monotonic_ns()
        frame = self._reader.lease(PATIENCE)
        pixels = frame.array
        ready = time.monotonic_ns()
        number = self._taken = frame.metadata.frame_number
        whole = is_whole(pixels, number)
        letting_go = time.monotonic_ns()
        del pixels, frame
        return number, ready, (ready - before) + (time.monotonic_ns() - letting_go), whole

    def close(self) -> None:
        """Detach and unmap."""
        self._reader.detach()
        self._signal.close()

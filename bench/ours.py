"""Our side of each comparison, through the public Python classes and nothing else."""

from __future__ import annotations

import time

import numpy as np

from bench.sides import Pixels, Size, Source, Taken, is_whole, stamp
from billiards_video import SharedMemoryFrameReader, SharedMemoryFrameWriter

START_UP = 30.0  # seconds; importing OpenCV from a cold disk takes its time
PATIENCE = 10.0  # seconds; a frame that takes longer is a failure, not a latency


def opened_writer(name: str, size: Size) -> SharedMemoryFrameWriter:
    """Return a writer with its segment created."""
    writer = SharedMemoryFrameWriter(name, size.width, size.height)
    writer.initialize()
    return writer


def opened_reader(name: str) -> SharedMemoryFrameReader:
    """Return a reader of a process that has only just been started; a `with` block detaches it."""
    reader = SharedMemoryFrameReader(name)
    reader.attach(timeout=START_UP)
    return reader


class Loaned:
    """Publishes by loan: the slot is filled in place (here: only stamped), then published."""

    def __init__(self, name: str, size: Size) -> None:
        self._writer = opened_writer(name, size)

    def publish(self, number: int) -> tuple[int, int]:
        """Loan, stamp, publish; the cost is that of loan, publish and the end of the loan, without the stamping."""
        asked = time.monotonic_ns()
        loan = self._writer.loan()
        with loan as slot:
            if slot is None:
                raise RuntimeError(f"no buffer was free for frame {number}")
            pixels = slot.array
            loaned = time.monotonic_ns()
            stamp(pixels, number)
            before = time.monotonic_ns()
            slot.publish(number)
        published = time.monotonic_ns()
        return before, (loaned - asked) + (published - before)

    def close(self) -> None:
        """Remove the segment."""
        self._writer.cleanup()


class Written:
    """Publishes by `write_frame`: a copy into the slot, and the publication."""

    def __init__(self, name: str, size: Size) -> None:
        self._writer = opened_writer(name, size)
        self._source = Source(size)

    def publish(self, number: int) -> tuple[int, int]:
        """Write frame `number`; the cost is that of the whole call."""
        frame = self._source.frame(number)
        before = time.monotonic_ns()
        written = self._writer.write_frame(frame, number)
        cost = time.monotonic_ns() - before
        if not written:
            raise RuntimeError(f"no buffer was free for frame {number}")
        return before, cost

    def close(self) -> None:
        """Remove the segment."""
        self._writer.cleanup()


class Leased:
    """Waits in `lease()`; the frame is usable once its array exists."""

    low_latency = False

    def __init__(self, name: str, _size: Size) -> None:
        self._reader = SharedMemoryFrameReader(name, low_latency=self.low_latency)
        self._reader.attach(timeout=PATIENCE)

    def take(self) -> Taken:
        """Lease the next frame, look at it, let go of it."""
        frame = self._reader.lease(PATIENCE)
        pixels = frame.array
        ready = time.monotonic_ns()
        number = frame.metadata.frame_number
        return number, ready, 0, is_whole(pixels, number)

    def close(self) -> None:
        """Detach."""
        self._reader.detach()


class LeasedLowLatency(Leased):
    """As `Leased`, with a reader that expects the next frame instead of being woken by it."""

    low_latency = True


class LeasedCopy:
    """As `Leased`, and times one `np.copyto` out of the leased array: a reader's first pass over the frame."""

    def __init__(self, name: str, size: Size) -> None:
        self._reader = SharedMemoryFrameReader(name)
        self._reader.attach(timeout=PATIENCE)
        self._out: Pixels = np.zeros(size.shape, dtype=np.uint8)

    def take(self) -> Taken:
        """Lease the next frame and copy it into an array of our own."""
        frame = self._reader.lease(PATIENCE)
        pixels = frame.array
        ready = time.monotonic_ns()
        np.copyto(self._out, pixels)
        work = time.monotonic_ns() - ready
        number = frame.metadata.frame_number
        return number, ready, work, is_whole(self._out, number)

    def close(self) -> None:
        """Detach."""
        self._reader.detach()

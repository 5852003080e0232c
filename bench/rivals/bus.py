"""Ours, through the public Python classes and nothing else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from bench.ours import PATIENCE, opened_writer
from bench.rivals.transport import NotHereError, Pixels, Pool, Publisher, Receiver, Transport, stamp
from billiards_video import SharedMemoryFrameReader

if TYPE_CHECKING:
    from bench.sides import Size
    from billiards_video import Frame, SharedMemoryFrameWriter


class LoanPublisher(Publisher):
    """Fills the loaned buffer in place (here: only stamps it) and publishes it."""

    def __init__(self, writer: SharedMemoryFrameWriter, size: Size) -> None:
        self._writer = writer
        self._length = size.frame_bytes

    def publish(self, mark: int) -> int:
        """Loan, stamp, publish."""
        with self._writer.loan() as slot:
            if slot is None:
                return 0
            stamp(slot.array, self._length, mark)
            before = time.monotonic_ns()
            slot.publish()
        return before

    def close(self) -> None:
        """Remove the segment."""
        self._writer.cleanup()


class CopyPublisher(Publisher):
    """Publishes by `write_frame`."""

    def __init__(self, writer: SharedMemoryFrameWriter, pool: Pool) -> None:
        self._writer = writer
        self._pool = pool

    def publish(self, mark: int) -> int:
        """Write the next frame."""
        frame = self._pool.arrays[self._pool.next(mark)]
        before = time.monotonic_ns()
        return before if self._writer.write_frame(frame) else 0

    def close(self) -> None:
        """Remove the segment."""
        self._writer.cleanup()


class LeaseReceiver(Receiver):
    """Waits in `lease()`."""

    def __init__(self, name: str, **options: Any) -> None:  # noqa: ANN401 - whatever a reader may be asked for
        try:
            self._reader = SharedMemoryFrameReader(name, **options)
        except TypeError as error:
            raise NotHereError(f"this build's reader does not know the option: {error}") from None
        self._reader.attach(timeout=PATIENCE)
        self._frame: Frame | None = None

    def take(self) -> Pixels:
        """Lease the next frame."""
        self._frame = self._reader.lease(PATIENCE)
        return self._frame.array

    def release(self) -> None:
        """Let go of the frame, with which the hold ends: its array has gone before."""
        self._frame = None

    def close(self) -> None:
        """Detach."""
        self._reader.detach()


class Loan(Transport):
    """Published by loan, read by lease: nothing is copied."""

    def publisher(self, pool: Pool) -> Publisher:  # noqa: ARG002 - nothing is copied
        """Return the writer's half."""
        return LoanPublisher(opened_writer(self.name, self.size), self.size)

    def receiver(self, index: int) -> Receiver:  # noqa: ARG002 - all readers are alike
        """Return a reader's half."""
        return LeaseReceiver(self.name)


class Copy(Loan):
    """Published by `write_frame`, read by lease."""

    def publisher(self, pool: Pool) -> Publisher:
        """Return the writer's half."""
        return CopyPublisher(opened_writer(self.name, self.size), pool)


class LowLatency(Loan):
    """As `Loan`, with readers that expect the next frame instead of being woken by it."""

    def receiver(self, index: int) -> Receiver:  # noqa: ARG002 - all readers are alike
        """Return a reader's half."""
        return LeaseReceiver(self.name, low_latency=True)

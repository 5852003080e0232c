"""The floors with any number of readers: plain shared memory, a futex, and nothing that could be left out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from bench.floor import SLOTS, Slots, floor_path
from bench.rivals.transport import Pixels, Pool, Publisher, Receiver, Transport, stamp

if TYPE_CHECKING:
    from bench.sides import Size


class FloorPublisher(Publisher):
    """Stamps the next of three slots, or copies a frame into it, and wakes everybody."""

    def __init__(self, name: str, size: Size, pool: Pool | None) -> None:
        floor_path(name).unlink(missing_ok=True)  # of a writer that was killed
        self._slots = Slots(floor_path(name), size, create=True)
        self._length = size.frame_bytes
        self._flat = [view.reshape(-1) for view in self._slots.views]
        self._pool = pool
        self._number = 0

    def publish(self, mark: int) -> int:
        """Publish; the futex word counts the frames."""
        self._number += 1
        slot = self._number % SLOTS
        if self._pool is None:
            stamp(self._flat[slot], self._length, mark)
            before = time.monotonic_ns()
        else:
            frame = self._pool.arrays[self._pool.next(mark)]
            before = time.monotonic_ns()
            np.copyto(self._slots.views[slot], frame)
        self._slots.futex.raise_to(self._number)
        return before

    def close(self) -> None:
        """Remove the file."""
        self._slots.path.unlink()


class FloorReceiver(Receiver):
    """Waits on the futex; the frame is the prebuilt view of its slot."""

    def __init__(self, name: str, size: Size) -> None:
        self._slots = Slots(floor_path(name), size, create=False)
        self._seen = self._slots.futex.word.value

    def take(self) -> Pixels:
        """Wait for the next number."""
        self._seen = self._slots.futex.wait_past(self._seen)
        return self._slots.views[self._seen % SLOTS]


class WakeFloor(Transport):
    """One futex wake, no pixel moved."""

    def publisher(self, pool: Pool) -> Publisher:  # noqa: ARG002 - nothing is copied
        """Return the writer's half."""
        return FloorPublisher(self.name, self.size, None)

    def receiver(self, index: int) -> Receiver:  # noqa: ARG002 - all readers are alike
        """Return a reader's half."""
        return FloorReceiver(self.name, self.size)

    def close(self) -> None:
        """Remove the file of a writer that was killed."""
        floor_path(self.name).unlink(missing_ok=True)


class CopyFloor(WakeFloor):
    """One plain copy and one futex wake."""

    def publisher(self, pool: Pool) -> Publisher:
        """Return the writer's half."""
        return FloorPublisher(self.name, self.size, pool)

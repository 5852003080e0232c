"""The floors: three rotating warm slots in plain shared memory, and one futex wake.

No header, no sequence, no lease, no liveness, nothing that keeps a slow reader from seeing its slot overwritten: less
than this cannot hand a frame to another process, which is what makes it a floor. All views are made beforehand.
"""

from __future__ import annotations

import mmap
import os
import time
from pathlib import Path

import numpy as np

from bench.futex import Futex
from bench.sides import Pixels, Size, Source, Taken, is_whole, stamp

SLOTS = 3
HEADER_BYTES = 4096
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  the floor is shared memory; the name below is this process's own


class Slots:
    """A file in tmpfs with the futex word and three slots behind it, mapped and touched, with a view of each slot."""

    def __init__(self, path: Path, size: Size, *, create: bool) -> None:
        self.path = path
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if create else 0)
        length = HEADER_BYTES + SLOTS * size.frame_bytes
        descriptor = os.open(path, flags, 0o600)
        try:
            if create:
                os.posix_fallocate(descriptor, 0, length)
            self._mapping = mmap.mmap(descriptor, length, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE)
        finally:
            os.close(descriptor)
        self.futex = Futex(self._mapping)
        self.views = [self.fresh_view(slot, size) for slot in range(SLOTS)]
        for view in self.views:
            if create:
                view[...] = 0
            else:
                view.max()  # read every page once: the reader's side is warm too
        if not create:
            for view in self.views:
                view.flags.writeable = False

    def fresh_view(self, slot: int, size: Size) -> Pixels:
        """Make an array over a slot."""
        flat = np.frombuffer(self._mapping, np.uint8, size.frame_bytes, HEADER_BYTES + slot * size.frame_bytes)
        return flat.reshape(size.shape)

    def close(self) -> None:
        """Unmap."""
        self.futex.close()
        self.views.clear()
        self._mapping.close()


def floor_path(name: str) -> Path:
    """Where the floor called `name` lies."""
    return SHARED_MEMORY / f"{name}.floor"


class WakeFloor:
    """Publishes by one futex wake; no pixel is copied, as none is by ours when the loan has been filled in place."""

    def __init__(self, name: str, size: Size) -> None:
        self._slots = Slots(floor_path(name), size, create=True)

    def publish(self, number: int) -> tuple[int, int]:
        """Raise the futex word to `number`: its slot is the number modulo three."""
        stamp(self._slots.views[number % SLOTS], number)
        before = time.monotonic_ns()
        self._slots.futex.raise_to(number)
        return before, time.monotonic_ns() - before

    def close(self) -> None:
        """Remove the file."""
        self._slots.path.unlink()
        self._slots.close()


class CopyFloor:
    """Publishes by one `np.copyto` into the next slot and one futex wake."""

    def __init__(self, name: str, size: Size) -> None:
        self._slots = Slots(floor_path(name), size, create=True)
        self._source = Source(size)

    def publish(self, number: int) -> tuple[int, int]:
        """Copy frame `number` into its slot and wake."""
        frame = self._source.frame(number)
        before = time.monotonic_ns()
        np.copyto(self._slots.views[number % SLOTS], frame)
        self._slots.futex.raise_to(number)
        return before, time.monotonic_ns() - before

    def close(self) -> None:
        """Remove the file."""
        self._slots.path.unlink()
        self._slots.close()


class FloorView:
    """Waits on the futex; the frame is the prebuilt view of its slot."""

    def __init__(self, name: str, size: Size) -> None:
        self._slots = Slots(floor_path(name), size, create=False)
        self._seen = self._slots.futex.word.value

    def take(self) -> Taken:
        """Wait for the next number and look at its slot."""
        number = self._seen = self._slots.futex.wait_past(self._seen)
        pixels = self._slots.views[number % SLOTS]
        ready = time.monotonic_ns()
        return number, ready, 0, is_whole(pixels, number)

    def close(self) -> None:
        """Unmap."""
        self._slots.close()


class FloorFreshView:
    """As `FloorView`, and makes an array per frame, as a lease has to, instead of having one of three for ever."""

    def __init__(self, name: str, size: Size) -> None:
        self._slots = Slots(floor_path(name), size, create=False)
        self._size = size
        self._seen = self._slots.futex.word.value

    def take(self) -> Taken:
        """Wait for the next number and make an array over its slot."""
        number = self._seen = self._slots.futex.wait_past(self._seen)
        pixels = self._slots.fresh_view(number % SLOTS, self._size)
        ready = time.monotonic_ns()
        return number, ready, 0, is_whole(pixels, number)

    def close(self) -> None:
        """Unmap."""
        self._slots.close()


class FloorCopy:
    """As `FloorView`, and times one `np.copyto` out of the slot: a first pass over a frame, and what a copy costs."""

    def __init__(self, name: str, size: Size) -> None:
        self._slots = Slots(floor_path(name), size, create=False)
        self._seen = self._slots.futex.word.value
        self._out: Pixels = np.zeros(size.shape, dtype=np.uint8)

    def take(self) -> Taken:
        """Wait for the next number and copy its slot into an array of our own."""
        number = self._seen = self._slots.futex.wait_past(self._seen)
        pixels = self._slots.views[number % SLOTS]
        ready = time.monotonic_ns()
        np.copyto(self._out, pixels)
        work = time.monotonic_ns() - ready
        return number, ready, work, is_whole(self._out, number)

    def close(self) -> None:
        """Unmap."""
        self._slots.close()

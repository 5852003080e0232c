"""The buffers that a device fills with frames, shared with the driver."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import mmap
import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from billiards_video.capture.v4l2 import abi

if TYPE_CHECKING:
    from billiards_video.capture.source import Pixels
    from billiards_video.capture.v4l2.node import Node

_OLDEST_NS = 10_000_000_000  # before the stream began; some cameras run all the time


class Frame(NamedTuple):
    """A buffer with a frame in it: ours, until it is given back.

    It does not show the bytes itself (`Queue.data` does): who keeps a frame, or an error with one in its traceback,
    would keep the driver's memory mapped.
    """

    buffer: int
    begin: int
    end: int
    stamp_ns: int | None
    """When it was taken, on the monotonic clock; None where the driver has another clock, or a wrong one."""
    sequence: int
    """The driver's number of it: where it leaps, frames were lost before they came here."""
    damaged: bool
    """The driver says that it did not come in full."""


class Queue:
    """The buffers of one device while it streams. `count` is how many are asked for; a driver may insist on more."""

    def __init__(self, node: Node, kind: int, count: int) -> None:
        self._node = node
        self._kind = kind
        self._plane = abi.Plane()
        self._maps: list[mmap.mmap] = []
        self._memory: list[Pixels] = []
        granted = abi.RequestBuffers(count=count, type=kind, memory=abi.MMAP)
        node.call(abi.REQBUFS, granted)
        self.count = granted.count
        try:
            for index in range(self.count):
                self._map(index)
                node.call(abi.QBUF, self._buffer(index))
            self._oldest_ns = time.monotonic_ns() - _OLDEST_NS
            node.call(abi.STREAMON, abi.Switch(type=kind))
        except OSError:
            self.close()
            raise

    def _buffer(self, index: int = 0) -> abi.Buffer:
        """A buffer's description, which the driver fills in; of one in planes the greater part is in `_plane`."""
        buffer = abi.Buffer(index=index, type=self._kind, memory=abi.MMAP)
        if self._kind == abi.CAPTURE_MPLANE:
            ctypes.memset(ctypes.byref(self._plane), 0, ctypes.sizeof(self._plane))
            buffer.m.planes, buffer.length = ctypes.addressof(self._plane), 1
        return buffer

    def _map(self, index: int) -> None:
        buffer = self._buffer(index)
        self._node.call(abi.QUERYBUF, buffer)
        one = self._plane if self._kind == abi.CAPTURE_MPLANE else buffer
        memory = mmap.mmap(self._node.fileno(), one.length, mmap.MAP_SHARED, mmap.PROT_READ, offset=one.m.offset)
        self._maps.append(memory)
        self._memory.append(np.frombuffer(memory, np.uint8))

    def take(self) -> Frame | None:
        """The oldest frame that is ready, or None. Raises `OSError` where the device has failed."""
        buffer = self._buffer()
        try:
            self._node.call(abi.DQBUF, buffer)
        except OSError as error:
            if error.errno == errno.EAGAIN:
                return None
            raise
        offset, used = 0, buffer.bytesused
        if self._kind == abi.CAPTURE_MPLANE:
            offset, used = self._plane.data_offset, self._plane.bytesused
        return Frame(
            buffer.index,
            offset,
            used,
            self._stamp(buffer),
            buffer.sequence,
            bool(buffer.flags & abi.BUFFER_ERROR),
        )

    def _stamp(self, buffer: abi.Buffer) -> int | None:
        """The driver's time, where it can be: not in the future, and not long before the stream began."""
        if buffer.flags & abi.BUFFER_STAMP_MASK != abi.BUFFER_STAMP_MONOTONIC:
            return None
        stamp: int = buffer.seconds * 1_000_000_000 + buffer.microseconds * 1000
        return stamp if self._oldest_ns <= stamp <= time.monotonic_ns() else None

    def data(self, frame: Frame) -> Pixels:
        """The bytes of a frame, in the driver's buffer: not to be kept."""
        return self._memory[frame.buffer][frame.begin : frame.end]

    def give_back(self, frame: Frame) -> None:
        """Lets the driver fill the buffer again."""
        self._node.call(abi.QBUF, self._buffer(frame.buffer))

    def close(self) -> None:
        """Ends the stream and frees the buffers; a device that is gone has done that itself."""
        self._memory.clear()
        for memory in self._maps:
            with contextlib.suppress(BufferError):  # a frame of it is still looked at; the mapping ends with that
                memory.close()
        self._maps.clear()
        with contextlib.suppress(OSError):
            self._node.call(abi.STREAMOFF, abi.Switch(type=self._kind))
            self._node.call(abi.REQBUFS, abi.RequestBuffers(count=0, type=self._kind, memory=abi.MMAP))

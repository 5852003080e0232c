"""The frames of a device as they are wanted: whole, fresh, and within a given time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from billiards_video.capture.v4l2.node import Node
    from billiards_video.capture.v4l2.pixels import Converter
    from billiards_video.capture.v4l2.queue import Frame, Queue

_SLICE_SECONDS = 0.05  # of a wait, after which it is looked whether it was called off
_PAUSE_SECONDS = 0.01  # where a device says that it is ready, and has nothing
_STALE_PERIODS = 3
_STALE_NS = 100_000_000
_NUMBERS = 1 << 32  # that a driver has: after the last comes 0 again
_LONGEST_GAP = 1_000_000  # of the driver's numbers; more is a count begun anew


class CalledOff(Exception):  # noqa: N818 - somebody wanted it so
    """The wait for a frame was called off."""


class Taken(NamedTuple):
    """A frame, and how many were lost or passed over since the one before it."""

    frame: Frame
    lost: int


class Frames:
    """Takes frames out of a queue.

    Passed over are frames that did not come in full, and those that grew old in the queue while this process stood
    still: more than three periods and a tenth of a second, one queue's length at most. A camera whose frames are always
    that old is simply slow.
    """

    def __init__(self, node: Node, queue: Queue, converter: Converter, period_ns: int) -> None:
        self._node = node
        self._queue = queue
        self._converter = converter
        self._stale_ns = max(_STALE_NS, _STALE_PERIODS * period_ns)
        self._passed_over = 0  # in a row, for their age
        self._sequence: int | None = None

    def next(self, seconds: float, called_off: Callable[[], bool]) -> Taken:
        """Waits for the next frame. Raises `TimeoutError`, `CalledOff`, or `OSError` where the device has failed."""
        deadline = time.monotonic() + seconds
        lost = damaged = 0
        while not called_off():
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"{damaged} damaged frames" if damaged else "no frame")
            if not self._node.ready(min(left, _SLICE_SECONDS)):
                continue
            frame = self._queue.take()
            if frame is None:
                time.sleep(_PAUSE_SECONDS)
                continue
            lost += self._gap(frame)
            broken = frame.damaged or not self._converter.whole(self._queue.data(frame))
            if not broken and not self._stale(frame):
                return Taken(frame, lost)
            damaged += broken
            lost += 1
            self._queue.give_back(frame)
        raise CalledOff

    def _gap(self, frame: Frame) -> int:
        """Frames that the driver could not put into any buffer, or never got whole."""
        last, self._sequence = self._sequence, frame.sequence
        gap = 0 if last is None else (frame.sequence - last - 1) % _NUMBERS
        return gap if gap < _LONGEST_GAP else 0

    def _stale(self, frame: Frame) -> bool:
        age = 0 if frame.stamp_ns is None else time.monotonic_ns() - frame.stamp_ns
        if age <= self._stale_ns:
            self._passed_over = 0
        elif self._passed_over < self._queue.count:
            self._passed_over += 1
            return True
        else:
            self._stale_ns = 2 * age
        return False

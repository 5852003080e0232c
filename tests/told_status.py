"""Waits for what a capture process tells about itself: its main thread does that, shortly after something changed."""

import time
from collections.abc import Callable
from typing import Any

from billiards_video import SharedMemoryFrameReader, State

Status = dict[str, Any]


def status_when(reader: SharedMemoryFrameReader, told: Callable[[Status], object]) -> Status:
    """The first status that is as it should be; one that was never given, or is older than its segment, is empty."""
    deadline = time.monotonic() + 10
    while not ((status := reader.status()) and told(status)):
        assert time.monotonic() < deadline, f"the status is {status}"
        time.sleep(0.005)  # a status wakes nobody
    return status


def status_in(reader: SharedMemoryFrameReader, condition: tuple[State, str]) -> Status:
    """The status, once it is about that state and reason."""
    state, reason = condition
    return status_when(reader, lambda status: (status["state"], status["reason"]) == (state.name, reason))

"""`python -m bench.visitor NAME MANNER SECONDS`: a reader that comes, reads in its manner, and goes.

Pictures are checked by their code; one that is not whole ends the visitor with a traceback and exit code 1. The
figures are one line of JSON at the end: frames read, checked, missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from billiards_video import EndOfStream, SharedMemoryFrameReader
from billiards_video.frame_code import check

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

MANNERS = ("leases", "holds", "copies", "observes", "asynchronously")
CHECK_EVERY = 10  # a whole check of a 1080p picture takes over a millisecond
HELD = 2
LET_GO = 0.1  # how probably a held frame is let go at the next one
PATIENCE = 30.0


@dataclass
class Figures:
    """What a visitor saw."""

    read: int = 0
    checked: int = 0
    missed: int = 0
    ahead: int = 0

    def note(self, picture: npt.ArrayLike, number: int, missed: int) -> None:
        """Count a frame, and check one in ten.

        The drawn number counts the periods since the camera began, the frame's own the frames captured: where the
        machine is late the first runs ahead, and never falls back.
        """
        self.read += 1
        self.missed += missed
        if self.read % CHECK_EVERY == 1:
            ahead = check(np.asarray(picture)) - number
            if ahead < self.ahead:
                raise AssertionError(f"frame {number} shows {number + ahead}, an earlier one was {self.ahead} ahead")
            self.ahead = ahead
            self.checked += 1


def lease_each(reader: SharedMemoryFrameReader, figures: Figures, going: Callable[[], bool], held: int) -> None:
    """Take every frame in place, and keep up to `held` of them for a random while."""
    kept: deque[tuple[npt.NDArray[np.uint8], int]] = deque()
    while going():
        frame = reader.lease(PATIENCE)
        figures.note(frame.array, frame.metadata.frame_number, frame.metadata.missed)
        if held:
            kept.append((frame.array, check(frame.array)))
        del frame  # kept alive by its array alone
        while len(kept) > held or (kept and random.random() < LET_GO):  # noqa: S311 - no secret
            array, shown = kept.popleft()
            if check(array) != shown:
                raise AssertionError(f"a held frame has changed: it showed {shown}")
            del array  # else it is held until the next is taken from the queue


def copy_each(reader: SharedMemoryFrameReader, figures: Figures, going: Callable[[], bool]) -> None:
    """Copy every frame into arrays of its own."""
    for picture, metadata in reader.frames():
        figures.note(picture, metadata.frame_number, metadata.missed)
        if not going():
            return


async def await_each(reader: SharedMemoryFrameReader, figures: Figures, going: Callable[[], bool]) -> None:
    """Wait for frames in an event loop."""
    async for picture, metadata in reader:
        figures.note(picture, metadata.frame_number, metadata.missed)
        if not going():
            return


def main() -> int:
    """Visit."""
    parser = argparse.ArgumentParser(prog="python -m bench.visitor", description=__doc__)
    parser.add_argument("name")
    parser.add_argument("manner", choices=MANNERS)
    parser.add_argument("seconds", type=float)
    given = parser.parse_args()
    asked_to_go = False

    def go(_signal: int, _frame: object) -> None:
        nonlocal asked_to_go
        asked_to_go = True

    signal.signal(signal.SIGTERM, go)
    end = time.monotonic() + given.seconds
    figures = Figures()

    def going() -> bool:
        return not asked_to_go and time.monotonic() < end

    reader = SharedMemoryFrameReader(given.name, observe=given.manner == "observes")
    reader.attach(timeout=PATIENCE)
    with reader:
        try:
            match given.manner:
                case "leases":
                    lease_each(reader, figures, going, held=0)
                case "holds":
                    lease_each(reader, figures, going, held=HELD)
                case "asynchronously":
                    asyncio.run(await_each(reader, figures, going))
                case _:
                    copy_each(reader, figures, going)
        except EndOfStream:
            pass
    print(json.dumps(asdict(figures)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m bench.rhythm_reader NAME MANNER RUN_IN FRAMES`: one reader of a stream, which prints a block as JSON.

A process of its own for each block, so that processor time is the reader's alone and nothing of a block before is left.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass

from bench.ours import PATIENCE
from billiards_video import SharedMemoryFrameReader

LOW_LATENCY = "low latency"


@dataclass(frozen=True)
class Watched:
    """What one reader saw in one block."""

    latency_ns: list[int]  # from publication to the array
    published_ns: list[int]
    missed: int
    processor: float  # share of one
    timed: int  # waits that a known rhythm allowed to time
    met: int  # those that ended while it polled
    polled: float  # share of the time


def watch(name: str, *, low_latency: bool, run_in: int, frames: int) -> Watched:
    """Lease so many frames, after those of the run-in, in which a rhythm can be learnt."""
    with SharedMemoryFrameReader(name, low_latency=low_latency) as reader:
        reader.attach(timeout=PATIENCE)
        for _ in range(run_in):
            reader.lease(PATIENCE)
        before = reader.anticipation
        began, spent = time.monotonic_ns(), time.process_time_ns()
        latency, published, missed = [], [], 0
        for _ in range(frames):
            with reader.lease(PATIENCE) as frame:
                assert frame.array.size  # noqa: S101 - it has been made: the frame is usable
                now, about = time.monotonic_ns(), frame.metadata
            latency.append(now - about.published_ns)
            published.append(about.published_ns)
            missed += about.missed
        elapsed, spent = time.monotonic_ns() - began, time.process_time_ns() - spent
        after = reader.anticipation
    return Watched(
        latency_ns=latency,
        published_ns=published,
        missed=missed,
        processor=spent / elapsed,
        timed=after.timed - before.timed,
        met=after.met - before.met,
        polled=(after.polled_ns - before.polled_ns) / elapsed,
    )


def main() -> None:
    """Watch, print."""
    name, manner, run_in, frames = sys.argv[1:]
    watched = watch(name, low_latency=manner == LOW_LATENCY, run_in=int(run_in), frames=int(frames))
    print(json.dumps(asdict(watched)))


if __name__ == "__main__":
    main()

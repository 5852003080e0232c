"""The capture process's processor time per frame of a file, against plain OpenCV loops at the same pace.

Each block starts the process anew, lets it run in, and takes its processor time between two of its frames, with all
its threads. Decoding is most of it on both sides; what is compared is what capturing, converting into the slot and
publishing add to a read into a fresh array. A loop that only grabs says how much of it decoding is.
"""

from __future__ import annotations

import json
import mmap
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bench.blocks import Figure, alternate
from bench.child import process_clock, running
from bench.ours import PATIENCE, opened_reader
from bench.session import fresh_name
from bench.sides import SIZES, Size
from bench.video_file import video_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FILE_PER_SECOND = 30.0
RUN_IN = 20  # frames after the first: start-up, first-touch page faults
CAPTURE_TARGET = 1.05  # to a loop with as many decoder threads
DEFAULT_TARGET = 0.92  # to a loop with OpenCV's own choice of them
CAPTURE_NAME = "capture process's CPU per frame"
DECODING_NAME = "decoding alone, to the whole capture process"
LOOK_EVERY = 0.0005  # seconds

Words = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class CaptureEffort:
    """How many blocks per side and how many frames between the two readings of the clock, for which sizes."""

    rounds: int
    frames: int
    sizes: tuple[str, ...]
    directory: Path

    def file(self, size: Size) -> Path:
        """Return the file of this size, long enough for the window and the run-in, and make it if it is missing."""
        frames = self.frames + RUN_IN + int(2 * FILE_PER_SECOND)
        return video_file(self.directory.resolve(), size, frames, FILE_PER_SECOND)


def plain_block(path: Path, manner: str, frames: int) -> float:
    """Return the plain loop's processor time per frame in ms."""
    with tempfile.NamedTemporaryFile() as counter:
        counter.truncate(mmap.PAGESIZE)
        word: Words = np.frombuffer(mmap.mmap(counter.fileno(), mmap.PAGESIZE), dtype=np.uint64)
        with running("-m", "bench.plain_loop", str(path), counter.name, manner) as process:

            def number_from(at_least: int) -> int:
                while int(word[0]) < at_least:
                    if process.poll() is not None:
                        raise RuntimeError(f"the plain loop ended at frame {word[0]}, {at_least} was waited for")
                    time.sleep(LOOK_EVERY)
                return int(word[0])

            return cpu_per_frame(process.pid, number_from, frames)


def capture_block(path: Path, frames: int) -> float:
    """Return the capture process's processor time per frame in ms."""
    name = fresh_name()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as config:
        keys = {"video": {"shared_memory_name": name}, "vision": {"camera": {"video_file_path": str(path)}}}
        json.dump(keys, config)
        config.flush()
        with running("-m", "billiards_video", config.name) as process, opened_reader(name) as reader:

            def number_from(at_least: int) -> int:
                while True:
                    with reader.lease(PATIENCE) as frame:
                        number = frame.metadata.frame_number
                    if number >= at_least:
                        return number

            return cpu_per_frame(process.pid, number_from, frames)


def cpu_per_frame(pid: int, number_from: Callable[[int], int], frames: int) -> float:
    """Return a process's processor time per frame in ms, between two of its frames; nobody watches it in between."""
    clock = process_clock(pid)
    start = number_from(number_from(1) + RUN_IN)
    cpu = time.clock_gettime_ns(clock)
    time.sleep((frames - 1) / FILE_PER_SECOND)
    end = number_from(start + frames)
    return (time.clock_gettime_ns(clock) - cpu) / (end - start) / 1e6


def capture_cpu(effort: CaptureEffort) -> Iterator[Figure]:
    """Compare the processes on one file per size."""
    for name in effort.sizes:
        path = effort.file(SIZES[name])
        manners = [partial(plain_block, path, manner, effort.frames) for manner in ("read", "default", "decode")]
        rows = alternate([*manners, partial(capture_block, path, effort.frames)], effort.rounds)
        read, default, decode, ours = (tuple(row[position] for row in rows) for position in range(4))
        case = f"{name} file, {FILE_PER_SECOND:g}/s"
        yield Figure(CAPTURE_NAME, case, "ms", read, ours, CAPTURE_TARGET)
        yield Figure(f"{CAPTURE_NAME}, to OpenCV's default threads", case, "ms", default, ours, DEFAULT_TARGET)
        yield Figure(DECODING_NAME, case, "ms", ours, decode)

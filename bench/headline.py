"""`python -m bench.headline`: the figures that a system of this kind is first asked for.

The capture process on a file, as anybody runs it, and one reader: frames a second, the age of a frame when the reader
has it, processor time, memory; and how long starting and stopping take. Processor time against plain OpenCV, and the
share of decoding in it, are `bench.capture_cpu`'s.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.blocks import percentile
from bench.capture_cpu import FILE_PER_SECOND
from bench.child import ROOT, process_clock, running
from bench.contest.results import write_results
from bench.floor import SHARED_MEMORY
from bench.memory import BLOCK_BYTES, memory_of
from bench.ours import PATIENCE, opened_reader
from bench.session import fresh_name
from bench.sides import SIZES, Size
from bench.video_file import video_file
from billiards_video import SharedMemoryFrameReader

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN_IN = 30  # frames: start-up, first-touch page faults
PARTS = 7  # of the time for which a film is watched: each has figures of its own
SECONDS = 2.0  # of a part
TRIALS = 7
IMPORT = "import time; began = time.perf_counter(); {}; print(time.perf_counter() - began)"
READER = "from billiards_video import SharedMemoryFrameReader"  # the package alone is imported lazily


@contextmanager
def capturing(name: str, path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the capture process on a file, over and over."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as config:
        camera = {"video_file_path": str(path), "loop_video": True}
        json.dump({"video": {"shared_memory_name": name}, "vision": {"camera": camera}}, config)
        config.flush()
        with running("-m", "billiards_video", config.name) as process:
            yield process


@dataclass(frozen=True)
class Moment:
    """Where a film was, at a moment at which a reader had just taken a frame."""

    frame: int
    at_ns: int
    processor_ns: int


def running_film(path: Path, size: Size, parts: int, seconds: float) -> dict[str, object]:
    """Watch the process for a while, from outside and as a reader; a value for each part of that while."""
    name = fresh_name()
    figures: dict[str, list[float]] = {}
    with capturing(name, path) as process, opened_reader(name) as reader:
        clock = process_clock(process.pid)
        moment = Moment(0, 0, 0)
        while moment.frame <= RUN_IN:
            with reader.lease(PATIENCE) as frame:
                moment = Moment(frame.metadata.frame_number, time.monotonic_ns(), time.clock_gettime_ns(clock))
        for _ in range(parts):
            moment, part = film_part(reader, clock, moment, seconds)
            for what, value in part.items():
                figures.setdefault(what, []).append(value)
        files = [path.stat() for path in SHARED_MEMORY.glob(f"{name}*")]
        memory = memory_of(process.pid)
    figures["shared memory, MB"] = [sum(file.st_blocks for file in files) * BLOCK_BYTES / 1e6]
    figures["the process's own memory, MB"] = [memory.own * 1024 / 1e6]
    return {"case": f"{size.name} file, {FILE_PER_SECOND:g}/s", "figures": figures}


def film_part(
    reader: SharedMemoryFrameReader, clock: int, start: Moment, seconds: float
) -> tuple[Moment, dict[str, float]]:
    """Take frames for some seconds; return where the film is then, and what this part of it came to."""
    ages: list[int] = []
    missed, end = 0, start
    while end.at_ns < start.at_ns + seconds * 1e9:
        with reader.lease(PATIENCE) as frame:
            assert frame.array.size  # noqa: S101 - it has been made: the frame is usable
            now, about = time.monotonic_ns(), frame.metadata
        end = Moment(about.frame_number, now, time.clock_gettime_ns(clock))
        ages.append(now - about.captured_ns)
        missed += about.missed
    elapsed = end.at_ns - start.at_ns
    return end, {
        "frames a second": (end.frame - start.frame) / elapsed * 1e9,
        "missed by the reader": missed,
        "age at the reader, p50, ms": percentile(ages, 50) / 1e6,
        "age at the reader, p99, ms": percentile(ages, 99) / 1e6,
        "processor, % of one": 100 * (end.processor_ns - start.processor_ns) / elapsed,
    }


def start_and_stop(path: Path, trials: int) -> dict[str, list[float]]:
    """Start, attach, stop; and kill, start again, and see when the reader that stayed has a frame. In ms."""
    spans: dict[str, list[float]] = {
        what: []
        for what in (
            "importing the reader, NumPy included",
            "importing NumPy alone",
            "process start to first frame",
            "attaching a reader",
            "SIGTERM to gone",
            "writer killed and started again, to the same reader's next frame",
        )
    }
    imported, numpy, to_frame, attaching, stopping, killed_to_frame = spans.values()
    for _ in range(trials):
        imported.append(1e3 * float(printed(IMPORT.format(READER))))
        numpy.append(1e3 * float(printed(IMPORT.format("import numpy"))))
        name = fresh_name()
        began = time.monotonic_ns()
        with capturing(name, path) as process:
            staying = SharedMemoryFrameReader(name)
            staying.attach(timeout=PATIENCE)
            with staying.lease(PATIENCE):
                to_frame.append((time.monotonic_ns() - began) / 1e6)
            attaching.append(attach_time(name))
            process.kill()
            process.wait()
        killed = time.monotonic_ns()
        with capturing(name, path) as process:
            killed_to_frame.append((next_frame(staying, killed) - killed) / 1e6)
            staying.detach()
            began = time.monotonic_ns()
            process.send_signal(signal.SIGTERM)
            process.wait()
            stopping.append((time.monotonic_ns() - began) / 1e6)
    return spans


def next_frame(reader: SharedMemoryFrameReader, after: int) -> int:
    """Return when a reader has a frame that was published after a moment; both in monotonic ns."""
    published = 0
    while published <= after:
        with reader.lease(PATIENCE) as frame:
            published = frame.metadata.published_ns
    return time.monotonic_ns()


def attach_time(name: str) -> float:
    """Return how long a reader of this process takes to attach, in ms."""
    began = time.monotonic_ns()
    with opened_reader(name):
        return (time.monotonic_ns() - began) / 1e6


def printed(code: str) -> str:
    """Return what another Python prints."""
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m bench.headline", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke run: one short film, one start and stop")
    parser.add_argument("--out", type=Path, default=ROOT / "target" / "bench", help="folder for headline.json")
    given = parser.parse_args()
    sizes = ("VGA",) if given.quick else ("1080p", "2160p")
    films = []
    for size in (SIZES[name] for name in sizes):
        path = video_file(given.out.resolve(), size, 60 if given.quick else 300, FILE_PER_SECOND)
        films.append(running_film(path, size, *((1, 0.5) if given.quick else (PARTS, SECONDS))))
        print(films[-1], file=sys.stderr, flush=True)
    small = video_file(given.out.resolve(), SIZES[sizes[0]], 60 if given.quick else 300, FILE_PER_SECOND)
    spans = start_and_stop(small, 1 if given.quick else TRIALS)
    for what, values in spans.items():
        print(f"{what}: {statistics.median(values):.1f} ms", file=sys.stderr, flush=True)
    write_results(given.out, "headline", {"films": films, "spans": spans})
    return 0


if __name__ == "__main__":
    sys.exit(main())

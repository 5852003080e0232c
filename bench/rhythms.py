"""`python -m bench.rhythms`: whether real sources keep time so well that a reader can poll for their frames.

The capture process publishes a drawn picture, a file and a network stream, each as anybody would run it. A reader that
asks for low latency and one that sleeps take turns at it in short blocks: latency from publication to the array, the
reader's processor time, how many frames were taken without a wake-up, and how far the source strays from its rhythm.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from bench.blocks import alternate, percentile
from bench.capture_cpu import FILE_PER_SECOND
from bench.child import ROOT, running
from bench.contest.results import write_results
from bench.measures import LEARNING
from bench.ours import PATIENCE
from bench.rhythm_reader import LOW_LATENCY, Watched
from bench.session import fresh_name
from bench.sides import SIZES, Size
from bench.video_file import video_file
from billiards_video import SharedMemoryFrameReader

if TYPE_CHECKING:
    from collections.abc import Iterator

MANNERS = ("asleep", LOW_LATENCY)
FILM_FRAMES = 300
SYNTHETIC_PER_SECOND = 60.0


@dataclass(frozen=True)
class Effort:
    """How many blocks of each manner, how long one is, how many frames go before it, in which size."""

    rounds: int
    seconds: float
    run_in: int
    size: Size


WHOLE = Effort(7, 2.0, LEARNING, SIZES["1080p"])
QUICK = Effort(1, 0.3, 10, SIZES["VGA"])


@dataclass
class Course:
    """What the readers of one manner saw at one source: a value for each block, and two of all frames."""

    p50: list[float] = field(default_factory=list)  # us
    processor: list[float] = field(default_factory=list)  # % of one
    timed: list[float] = field(default_factory=list)  # % of the frames; as the next
    met: list[float] = field(default_factory=list)
    polled: list[float] = field(default_factory=list)  # % of the time
    jitter: list[float] = field(default_factory=list)  # us
    missed: int = 0
    p99: float = 0.0  # us

    @classmethod
    def of(cls, blocks: list[Watched]) -> Course:
        """Sum up blocks."""
        course = cls(p99=percentile([each for block in blocks for each in block.latency_ns], 99) / 1e3)
        for block in blocks:
            frames = len(block.latency_ns)
            course.p50.append(statistics.median(block.latency_ns) / 1e3)
            course.processor.append(100 * block.processor)
            course.timed.append(100 * block.timed / frames)
            course.met.append(100 * block.met / frames)
            course.polled.append(100 * block.polled)
            course.jitter.append(jitter(block.published_ns) / 1e3)
            course.missed += block.missed
        return course


def jitter(published_ns: list[int]) -> float:
    """Return how far a period is from their median, half of the time, in ns."""
    periods = [later - earlier for earlier, later in pairwise(published_ns)]
    middle = statistics.median(periods)
    return statistics.median(abs(period - middle) for period in periods)


@contextmanager
def network_camera(size: Size, per_second: float) -> Iterator[str]:
    """Run a camera that sends MJPEG over HTTP, and give its URL."""
    numbers = [str(value) for value in (size.width, size.height, per_second)]
    with subprocess.Popen(
        [sys.executable, "-m", "bench.picture_stream", *numbers], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            url = process.stdout.readline().strip() if process.stdout else ""
            if not url:
                raise RuntimeError("the network camera did not start; its own message is above")
            yield url
        finally:
            process.terminate()


@contextmanager
def published(camera: dict[str, object], run_in: int) -> Iterator[str]:
    """Run the capture process on a source, and give the name of its stream when so many frames have come."""
    name = fresh_name()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as config:
        json.dump({"video": {"shared_memory_name": name}, "vision": {"camera": camera}}, config)
        config.flush()
        with running("-m", "billiards_video", config.name):
            reader = SharedMemoryFrameReader(name)
            reader.attach(timeout=PATIENCE)
            for _ in range(run_in):
                reader.lease(PATIENCE)
            reader.detach()
            yield name


def watched(name: str, manner: str, run_in: int, frames: int) -> Watched:
    """Let a reader watch for a block."""
    told = subprocess.run(
        [sys.executable, "-m", "bench.rhythm_reader", name, manner, str(run_in), str(frames)],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
    )
    return Watched(**json.loads(told.stdout))


def rhythm(source: str, camera: dict[str, object], per_second: float, effort: Effort) -> dict[str, object]:
    """Return what both manners of waiting come to at one source."""
    frames = round(effort.seconds * per_second)
    with published(camera, effort.run_in) as name:
        blocks = [partial(watched, name, manner, effort.run_in, frames) for manner in MANNERS]
        rows = alternate(blocks, effort.rounds)
    courses = {manner: Course.of([row[at] for row in rows]) for at, manner in enumerate(MANNERS)}
    case = f"{source}, {effort.size.name}, {per_second:g}/s"
    for manner, course in courses.items():
        p50, met = statistics.median(course.p50), statistics.median(course.met)
        print(f"{case}, {manner}: p50 {p50:.0f} us, {met:.0f} % met", file=sys.stderr, flush=True)
    return {"case": case, "manners": {manner: asdict(course) for manner, course in courses.items()}}


def drawn(effort: Effort, _: Path) -> dict[str, object]:
    """Measure at a drawn picture."""
    picture = f"synthetic:{effort.size.width}x{effort.size.height}@{SYNTHETIC_PER_SECOND:g}"
    return rhythm("drawn picture", {"device_id": picture}, SYNTHETIC_PER_SECOND, effort)


def file(effort: Effort, out: Path) -> dict[str, object]:
    """Measure at a film, over and over."""
    film = video_file(out.resolve(), effort.size, FILM_FRAMES, FILE_PER_SECOND)
    return rhythm("file", {"video_file_path": str(film), "loop_video": True}, FILE_PER_SECOND, effort)


def stream(effort: Effort, _: Path) -> dict[str, object]:
    """Measure at a network camera."""
    with network_camera(effort.size, FILE_PER_SECOND) as url:
        return rhythm("network stream (MJPEG)", {"device_id": url}, FILE_PER_SECOND, effort)


SOURCES = {"drawn": drawn, "file": file, "stream": stream}


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m bench.rhythms", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke run: one short block of each, in VGA")
    parser.add_argument("--only", action="append", choices=SOURCES, help="this source alone; may be given again")
    parser.add_argument("--out", type=Path, default=ROOT / "target" / "bench", help="folder for rhythms.json")
    given = parser.parse_args()
    effort = QUICK if given.quick else WHOLE
    sources = [SOURCES[name](effort, given.out) for name in given.only or SOURCES]
    write_results(given.out, "rhythms", {"sources": sources})
    return 0


if __name__ == "__main__":
    sys.exit(main())

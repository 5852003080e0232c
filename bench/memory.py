"""`python -m bench.memory`: what three 1080p buffers cost, and whether memory stays flat over 100,000 frames.

Three runs: small frames and 1080p frames through the bus (a writer and a reader process, unpaced), and a small file in
a loop through the capture process. Memory is the kernel's word (`/proc/<pid>/status`), taken ten times in a run; the
growth is that from the first third of the samples to the last third. Shared pages are named apart: they are the
segment, and come in once.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.child import ROOT, running
from bench.contest.results import write_results
from bench.floor import SHARED_MEMORY
from bench.ours import PATIENCE, Written, opened_reader, opened_writer
from bench.reader_link import ReaderLink
from bench.session import fresh_name
from bench.sides import SIZES, Size
from bench.video_file import video_file

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLES = 10
BLOCK_BYTES = 512  # the unit of st_blocks
FLAT_KB = 1024  # growth over a whole run that is not the allocator's breathing any more
FILE_PER_SECOND = 1000.0
FILE_FRAMES = 5000


@dataclass(frozen=True)
class Sample:
    """Memory of one process at one moment, in KiB."""

    own: int
    shared: int


@dataclass(frozen=True)
class Course:
    """The samples of one process over one run."""

    name: str
    samples: tuple[Sample, ...]

    @property
    def growth(self) -> float:
        """KiB of its own memory gained from the first third of the samples to the last."""
        third = max(1, len(self.samples) // 3)
        own = [sample.own for sample in self.samples]
        return statistics.median(own[-third:]) - statistics.median(own[:third])

    @property
    def flat(self) -> bool:
        """Whether that is next to nothing."""
        return self.growth <= FLAT_KB

    def __str__(self) -> str:
        first, last = self.samples[0], self.samples[-1]
        return (
            f"| {self.name} | {first.own} | {last.own} | {self.growth:+.0f} | {first.shared} | {last.shared} |"
            f" {'flat' if self.flat else 'GROWS'} |"
        )


def memory_of(pid: int) -> Sample:
    """Return a process's own and shared resident memory."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return Sample(int(fields["RssAnon"].split()[0]), int(fields["RssShmem"].split()[0]))


def segment_bytes(size: Size) -> dict[str, tuple[int, int]]:
    """Return each file of a fresh segment with its length and the memory that it occupies, in bytes."""
    name = fresh_name()
    writer = opened_writer(name, size)
    try:
        found = sorted(SHARED_MEMORY.glob(f"{name}*"))
        looked_at = {path.name.removeprefix(name) or "(frames)": path.stat() for path in found}
        return {file: (stat.st_size, stat.st_blocks * BLOCK_BYTES) for file, stat in looked_at.items()}
    finally:
        writer.cleanup()


def through_the_bus(link: ReaderLink, size: Size, frames: int) -> Iterator[Course]:
    """Write and lease `frames` frames as fast as it goes."""
    name = fresh_name()
    publisher = Written(name, size)
    link.attach(name, "leased copy", size)
    writer, reader = [], []
    step = frames // SAMPLES
    for start in range(0, step * SAMPLES, step):
        last = start + step
        link.begin(name, last + 1, last)  # none counts: nothing is recorded
        for number in range(start + 1, last + 1):
            publisher.publish(number)
        link.reading()
        writer.append(memory_of(os.getpid()))
        reader.append(memory_of(link.pid))
    link.detach(name)
    publisher.close()
    yield Course(f"bus, {size.name}, {frames} frames: writer", tuple(writer))
    yield Course(f"bus, {size.name}, {frames} frames: reader", tuple(reader))


def through_the_process(path: Path, frames: int) -> Course:
    """Let the capture process publish `frames` frames of a file in a loop."""
    name = fresh_name()
    camera = {"video_file_path": str(path), "loop_video": True}
    samples = []
    with tempfile.NamedTemporaryFile("w", suffix=".json") as config:
        json.dump({"video": {"shared_memory_name": name}, "vision": {"camera": camera}}, config)
        config.flush()
        with running("-m", "billiards_video", config.name) as process, opened_reader(name) as reader:
            for goal in range(frames // SAMPLES, frames + 1, frames // SAMPLES):
                number = 0
                while number < goal:
                    with reader.lease(PATIENCE) as frame:
                        number = frame.metadata.frame_number
                samples.append(memory_of(process.pid))
    return Course(f"capture process, {path.stem} in a loop, {frames} frames", tuple(samples))


def main() -> int:
    """Print the figures; the exit code is 1 where something grows."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--frames", type=int, default=100_000, help="frames per run (default 100000)")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "target" / "bench", help="folder for memory.json and the video"
    )
    parser.add_argument("--file", type=Path, help="a video for the capture process instead of the small one made here")
    given = parser.parse_args()
    print("three 1080p buffers, by file:")
    for file, (length, occupied) in segment_bytes(SIZES["1080p"]).items():
        print(f"  {file}: {length:,} bytes, {occupied:,} in whole pages")
    print("\n| run | own KiB, first | last | growth | shared KiB, first | last | |\n|---|---|---|---|---|---|---|")
    courses: list[Course] = []
    with ReaderLink(pinned=False) as link:
        for name in ("thumbnail", "1080p"):
            for course in through_the_bus(link, SIZES[name], given.frames):
                courses.append(course)
                print(course, flush=True)
    path = given.file or video_file(given.out.resolve(), SIZES["thumbnail"], FILE_FRAMES, FILE_PER_SECOND)
    courses.append(through_the_process(path, given.frames))
    print(courses[-1])
    write_results(given.out, "memory", {"frames": given.frames, "courses": [asdict(course) for course in courses]})
    return 0 if all(course.flat for course in courses) else 1


if __name__ == "__main__":
    sys.exit(main())

"""`python -m bench.long_run`: an hour at 1080p60 with readers coming and going, and what grows in it.

The capture process publishes a drawn 1080p picture 60 times a second. One reader stays for the whole run; others come
every few seconds, lease, hold, copy, observe or wait in an event loop for a while, and leave, or are killed with
whatever they hold. Every reader checks pictures. Memory, descriptors, mappings and threads of the two processes that
stay are read from the kernel, and the segment's own size; what grows from the first third of the samples to the last
is said, and makes the exit code 1.
"""
# ruff: noqa: S311 - readers come and go at random, which is no secret

from __future__ import annotations

import argparse
import json
import math
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.child import ROOT, running
from bench.floor import SHARED_MEMORY
from bench.machine import describe
from bench.memory import BLOCK_BYTES, memory_of
from bench.session import fresh_name
from bench.visitor import MANNERS
from billiards_video import SharedMemoryFrameReader

SOURCE = "synthetic:1920x1080@60"
COME_EVERY = (0.5, 8.0)  # seconds
STAY = (2.0, 30.0)
TURN = 0.1
SETTLE = 3.0  # seconds until both have imported what they need
PATIENCE = 30.0
# What must not grow, and by how much it may for all that: an allocator breathes, and takes a region more now and then;
# descriptors and threads do not. Shared pages come with buffers, of which there is a maximum.
LIMITS = {"own_kb": 1024, "shared_kb": math.inf, "descriptors": 0, "mappings": 2, "threads": 0}
Samples = dict[str, list["Sample"]]
Stay = dict[str, "subprocess.Popen[str] | subprocess.Popen[bytes]"]


@dataclass(frozen=True)
class Sample:
    """One process at one moment."""

    own_kb: int
    shared_kb: int
    descriptors: int
    mappings: int
    threads: int
    cpu_seconds: float


class Visitors:
    """Readers that come and go under a name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._staying: dict[subprocess.Popen[str], float] = {}
        self._next = time.monotonic()
        self.left = 0
        self.killed = 0
        self.read = 0
        self.checked = 0

    def start(self, manner: str, seconds: float) -> subprocess.Popen[str]:
        """Start a reader; what goes wrong in it is printed on standard error."""
        words = [sys.executable, "-m", "bench.visitor", self._name, manner, str(seconds)]
        return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)

    def turn(self) -> None:
        """Let one in if it is time, and out whoever has to go."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + random.uniform(*COME_EVERY)
            stay = random.uniform(*STAY)
            dies = random.choice((True, False))
            self._staying[self.start(random.choice(MANNERS), stay)] = now + stay / 2 if dies else math.inf
        for process, killed_at in list(self._staying.items()):
            if process.poll() is None and now >= killed_at:
                process.kill()
                process.wait()
            if process.poll() is not None:
                del self._staying[process]
                self._farewell(process)

    def _farewell(self, process: subprocess.Popen[str]) -> None:
        said, _ = process.communicate()
        if process.returncode == -signal.SIGKILL:
            self.killed += 1
        elif process.returncode == 0:
            figures = json.loads(said)
            self.left += 1
            self.read += figures["read"]
            self.checked += figures["checked"]
        else:
            raise RuntimeError(f"a reader ended with code {process.returncode}; what it met is above")

    def end(self) -> None:
        """Kill whoever is still there."""
        for process in self._staying:
            process.kill()
            process.communicate()


def look_at(pid: int) -> Sample:
    """Read a process's figures from the kernel."""
    proc = Path(f"/proc/{pid}")
    memory = memory_of(pid)
    numbers = (proc / "stat").read_text().rpartition(")")[2].split()
    ticks = int(numbers[11]) + int(numbers[12])
    return Sample(
        memory.own,
        memory.shared,
        len(list((proc / "fd").iterdir())),
        len((proc / "maps").read_text().splitlines()),
        int(numbers[17]),
        ticks / os.sysconf("SC_CLK_TCK"),
    )


def growth(samples: list[float]) -> float:
    """Return what was gained from the first third of the samples to the last, by their medians."""
    third = max(1, len(samples) // 3)
    return statistics.median(samples[-third:]) - statistics.median(samples[:third])


def table(courses: dict[str, list[Sample]]) -> tuple[list[str], bool]:
    """Return rows of Markdown, and whether nothing grew that must not."""
    rows, all_flat = [], True
    for title, samples in courses.items():
        for column, limit in LIMITS.items():
            values = [float(getattr(sample, column)) for sample in samples]
            gained = growth(values)
            flat = gained <= limit
            all_flat &= flat
            rows.append(
                f"| {title} | {column.replace('_', ' ')} | {values[0]:.0f} | {values[-1]:.0f} | {min(values):.0f} |"
                f" {max(values):.0f} | {gained:+.0f} | {'flat' if flat else 'GROWS'} |"
            )
    return rows, all_flat


def watch_for(seconds: float, every: float, visitors: Visitors, stay: Stay) -> Samples:
    """Let readers come and go for so long, and return the samples of the processes that stay."""
    samples: Samples = {title: [] for title in stay}
    began = time.monotonic()
    next_sample = began + max(every, SETTLE)
    while (now := time.monotonic()) < began + seconds:
        visitors.turn()
        if any(process.poll() is not None for process in stay.values()):
            raise RuntimeError("a process that was to stay has ended")
        if now >= next_sample:
            next_sample += every
            for title, process in stay.items():
                samples[title].append(look_at(process.pid))
            newest = {title: course[-1] for title, course in samples.items()}
            print(f"{(now - began) / 60:.1f} minutes: {newest}", file=sys.stderr, flush=True)
        time.sleep(TURN)
    return samples


def await_reader(watch: SharedMemoryFrameReader, pid: int) -> None:
    """Wait until a process is among the readers."""
    deadline = time.monotonic() + PATIENCE
    while all(reader.pid != pid for reader in watch.readers()):
        if time.monotonic() > deadline:
            raise RuntimeError(f"process {pid} has not begun to read")
        time.sleep(TURN)


def run(name: str, seconds: float, every: float) -> int:
    """Run, and print the page."""
    visitors = Visitors(name)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as config:
        json.dump({"video": {"shared_memory_name": name}, "vision": {"camera": {"device_id": SOURCE}}}, config)
        config.flush()
        watch = SharedMemoryFrameReader(name)
        with running("-m", "billiards_video", config.name) as capture:
            watch.attach(timeout=PATIENCE)
            resident = visitors.start("leases", seconds + PATIENCE)
            try:
                await_reader(watch, resident.pid)
                stay: Stay = {"capture process": capture, "reader that stays": resident}
                samples = watch_for(seconds, every, visitors, stay)
                counters = watch.counters
                in_memory = sum(path.stat().st_blocks * BLOCK_BYTES for path in SHARED_MEMORY.glob(f"{name}*"))
                resident.terminate()
                stayed = json.loads(resident.communicate(timeout=PATIENCE)[0])
            finally:
                visitors.end()
                resident.kill()
    left_behind = [path.name for path in SHARED_MEMORY.glob(f"{name}*")]
    rows, flat = table(samples)
    print("\n".join(f"- {fact}: {value}" for fact, value in describe().items()))
    print(f"\n{seconds / 60:.1f} minutes: {counters.published} frames published, {counters.dropped} dropped.")
    print(
        f"Of the readers that came, {visitors.left} left by themselves and {visitors.killed} were killed; the first",
        end=" ",
    )
    print(f"who left read {visitors.read} frames and checked {visitors.checked} pictures.")
    print(f"The one that stayed read {stayed['read']}, missed {stayed['missed']}, checked {stayed['checked']}.")
    for title, course in samples.items():
        print(f"Processor time of the {title}: {100 * course[-1].cpu_seconds / seconds:.1f} % of one core.")
    print(
        f"The segment had {counters.buffers} buffers in the end, {in_memory / 1e6:.1f} MB with all its files;", end=" "
    )
    print(f"afterwards there is {left_behind or 'nothing'} left of it.\n")
    print("| process | what | first | last | least | most | growth | |\n|---|---|---|---|---|---|---|---|")
    print("\n".join(rows))
    return 0 if flat and not left_behind else 1


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m bench.long_run", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--every", type=float, default=30.0, help="seconds between two samples (default 30)")
    given = parser.parse_args()
    return run(fresh_name(), given.minutes * 60, given.every)


if __name__ == "__main__":
    sys.exit(main())

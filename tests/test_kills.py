"""`kill -9` of Python processes at random moments: writers, readers of every kind, capture processes.

Every reader that is not killed goes on by itself, every pixel that any of them sees is checked, and after the next
clean start and stop nothing is left. Thirty kills here, hundreds with `BILLIARDS_VIDEO_SOUNDNESS=full`, which tells how
long it took from a kill to the next writer's first frame in a reader that was attached all along.
"""

import json
import os
import random
import select
import signal
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest

from billiards_video import EndOfStream, SharedMemoryFrameReader, SharedMemoryFrameWriter
from billiards_video.frame_code import check
from capture_process import CaptureProcess, write_config

FULL = os.environ.get("BILLIARDS_VIDEO_SOUNDNESS") == "full"
WRITERS = ["write", "lend"]
READERS = ["lease", "frames", "observe", "async", "consume"]
KILLED = -signal.SIGKILL
CHANCE = random.Random()  # noqa: S311 - moments, not secrets
PATIENCE_S = 20

pytestmark = pytest.mark.timeout(900 if FULL else 60)


def report(what: str, seconds: list[float]) -> None:
    """One line of figures; seen with `-s`."""
    shown = sorted(round(1000 * value) for value in seconds) or [0]
    print(f"{what}: {len(shown)}, median {statistics.median(shown):.0f} ms, maximum {shown[-1]} ms")


class Scene:
    """Processes that play their roles on one stream, and what they have reported."""

    def __init__(self, name: str, config: Path) -> None:
        self.name, self._config = name, config
        self._reports, self._report = os.pipe()
        self._unread = b""
        self.alive: dict[int, subprocess.Popen[bytes]] = {}
        self.reported: dict[int, dict[int, float]] = {}
        """By process: when it had the first frame of each segment."""
        self.kills = 0

    def start(self, role: str) -> int:
        """Starts a process; does not wait for it."""
        process = subprocess.Popen(
            [
                *(sys.executable, "-W", "error", str(Path(__file__).with_name("kill_victim.py"))),
                *(role, self.name, str(self._report), str(self._config)),
            ],
            pass_fds=[self._report],
        )
        self.alive[process.pid] = process
        self.reported[process.pid] = {}
        return process.pid

    def kill(self, pid: int) -> float:
        """Kills a process, and gives the time; it must not have ended before."""
        process = self.alive.pop(pid)
        process.kill()
        when = time.monotonic()
        assert process.wait() == KILLED
        self.kills += 1
        return when

    def listen(self, seconds: float) -> None:
        """Takes in what was reported, waiting for it for at most so long."""
        if not select.select([self._reports], [], [], seconds)[0]:
            return
        *lines, self._unread = (self._unread + os.read(self._reports, 65536)).split(b"\n")
        for line in lines:
            pid, epoch, when_ns = map(int, line.split())
            self.reported[pid][epoch] = when_ns / 1e9

    def wait_for(self, pids: list[int], epoch: int) -> list[float]:
        """When each of the processes had its first frame of a segment."""
        deadline = time.monotonic() + PATIENCE_S
        while not all(epoch in self.reported[pid] for pid in pids):
            assert time.monotonic() < deadline, f"{pids} did not all go on: {self.reported}"
            self.listen(0.1)
            self.check_lives()
        return [self.reported[pid][epoch] for pid in pids]

    def wait_for_new(self, pids: list[int], before: set[int]) -> tuple[int, int]:
        """The first of the processes that has published a new segment, and the segment's epoch."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            for pid in pids:
                if fresh := self.reported[pid].keys() - before:
                    return pid, fresh.pop()
            assert time.monotonic() < deadline, f"none of {pids} has published"
            self.listen(0.1)
            self.check_lives()

    def check_lives(self) -> None:
        """Nobody has ended who was not killed: whoever sees a wrong pixel, or an error, does."""
        ended = {pid: process.poll() for pid, process in self.alive.items() if process.poll() is not None}
        assert ended == {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.alive.values():
            process.kill()
            process.wait()
        os.close(self._reports)
        os.close(self._report)


def counts() -> tuple[int, int]:
    """How many descriptors this process has, and how many mappings of segments."""
    maps = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    return len(list(Path("/proc/self/fd").iterdir())), sum("test-" in line for line in maps)


def test_everybody_goes_on(segment_name: str, tmp_path: Path) -> None:
    """Writers and readers are killed, at work and while they start, alone and together; the others go on."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"video": {"shared_memory_name": segment_name}}), encoding="utf-8")
    before = counts()
    gaps: dict[bool, list[float]] = {False: [], True: []}
    with Scene(segment_name, config) as scene:
        # There is always a writer in waiting, and a witness of each kind that is not killed.
        writers = [scene.start(CHANCE.choice(WRITERS)) for _ in range(2)]
        current, epoch = scene.wait_for_new(writers, set())
        witnesses = [scene.start(role) for role in READERS]
        victims = [scene.start(role) for role in CHANCE.sample(READERS, 3)]
        scene.wait_for(witnesses, epoch)
        known = {epoch}
        while scene.kills < (300 if FULL else 30):
            scene.listen(CHANCE.uniform(0, 0.03))
            killed_at = scene.kill(current)
            writers.remove(current)
            for victim in CHANCE.sample(victims, CHANCE.randrange(len(victims) + 1)):
                scene.listen(CHANCE.uniform(0, 0.01))
                scene.kill(victim)
                victims.remove(victim)
            if double := CHANCE.random() < 0.3:  # the successor too, in the middle of its start
                scene.listen(CHANCE.uniform(0, 0.01))
                scene.kill(writers.pop(0))
            starting = scene.start(CHANCE.choice(WRITERS + READERS))
            scene.listen(CHANCE.uniform(0, 0.15))
            scene.kill(starting)
            writers += [scene.start(CHANCE.choice(WRITERS)) for _ in range(2 - len(writers))]
            victims += [scene.start(CHANCE.choice(READERS)) for _ in range(3 - len(victims))]
            current, epoch = scene.wait_for_new(writers, known)
            known.add(epoch)
            gaps[double] += [seen - killed_at for seen in scene.wait_for(witnesses, epoch)]
        scene.check_lives()
        kills = scene.kills
    assert not FULL or kills >= 250
    report(f"{kills} kills; the waiting writer's first frame, in readers that were attached", gaps[False])
    report("the same where that one was killed as well, and the next had yet to start", gaps[True])
    with SharedMemoryFrameWriter(segment_name, 64, 48):
        pass  # a clean start and stop: the fixture sees that nothing is left
    assert counts() == before


class Watch:
    """A thread that reads what capture processes publish under a name, one after the other, and checks every pixel."""

    def __init__(self, name: str) -> None:
        self._reader = SharedMemoryFrameReader(name, reader_name="watch")
        self._stop, self._news = threading.Event(), threading.Condition()
        self._pool = ThreadPoolExecutor(1)
        self._watching = self._pool.submit(self._watch)
        self.seen: dict[int, float] = {}
        """When the first frame of each segment came."""

    def _watch(self) -> None:
        last: dict[int, int] = {}
        while not self._stop.is_set():
            with suppress(TimeoutError, EndOfStream):
                self._reader.attach(0.05)
                with self._reader.lease(0.05) as frame:
                    number, epoch = check(frame.array), self._reader.epoch
                    assert number > last.get(epoch, -1)
                    last[epoch] = number
                    with self._news:
                        self.seen.setdefault(epoch, time.monotonic())
                        self._news.notify_all()

    def wait_for_new(self, before: int) -> None:
        """Waits until there were more segments than before."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.seen) > before or self._watching.done(), PATIENCE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._pool.shutdown()
        self._reader.detach()
        self._watching.result()


def kill_captures(config: Path, name: str, kills: int) -> list[float]:
    """Kills as many capture processes, the last ones at work; gives how long after a kill the next was read from."""
    killed: list[float] = []
    with Watch(name) as watch:
        for number in range(kills):
            before = len(watch.seen)
            with CaptureProcess(config) as process:
                if number % 2:
                    watch.wait_for_new(before)
                    moment = CHANCE.uniform(0, 0.05)
                else:
                    moment = CHANCE.uniform(0, 1)
                threading.Event().wait(moment)
                process.send(signal.SIGKILL)
                killed.append(time.monotonic())
                assert process.wait() == KILLED
        before = len(watch.seen)
        with CaptureProcess(config) as process:
            watch.wait_for_new(before)
            assert process.stop()[0] == 0
        firsts = [seen for seen in watch.seen.values() if seen > killed[0]]
    return [first - max(when for when in killed if when < first) for first in firsts]


def test_capture_processes_are_killed(segment_name: str, tmp_path: Path) -> None:
    """`python -m billiards_video`, killed while it starts or at work: the same reader reads from the next one."""
    before = counts()
    names = [f"{segment_name}-{index}" for index in range(4 if FULL else 2)]
    kills = 10 if FULL else 2
    folders = [tmp_path / name for name in names]
    for folder in folders:
        folder.mkdir()
    camera = {"device_id": "synthetic:160x120@500"}
    configs = [write_config(folder, folder.name, camera) for folder in folders]
    with ThreadPoolExecutor(len(names)) as pool:
        gaps = [gap for found in pool.map(kill_captures, configs, names, [kills] * len(names)) for gap in found]
    report(f"{kills * len(names)} kills of capture processes; from a kill to the next one's first frame", gaps)
    assert counts() == before

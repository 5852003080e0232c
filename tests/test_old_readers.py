"""The readers of the system that this one replaces go on as they are: another process, with the standard library alone.

Promised to them: the header names a whole frame, and says its number, time and place. Not promised: that it stays there
while they copy it. They hold nothing, and are overtaken as they always were; who looks at the header again afterwards
knows. What Rust sees of the same bytes is in `rust/core/tests/bus/legacy.rs`.
"""

import hashlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from billiards_video import Frame, FrameFormat, SharedMemoryFrameReader, SharedMemoryFrameWriter
from busy_stream import PICTURES
from old_reader import WALL_NS
from small_stream import HEIGHT, WIDTH, picture


class OldReaderProcess:
    """An old reader in a process of its own."""

    def __init__(self, name: str, kind: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-W", "error", str(Path(__file__).with_name("old_reader.py")), kind, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tell(self, line: str) -> None:
        """Has it begin with something."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def has_answered(self, within: float = 0) -> bool:
        """Whether what it was told is done."""
        assert self._process.stdout is not None
        return bool(select.select([self._process.stdout], [], [], within)[0])

    def answer(self) -> Any:  # noqa: ANN401 - JSON
        """Waits for the answer."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the old reader has ended"
        return json.loads(line)

    def ask(self, line: str) -> Any:  # noqa: ANN401 - JSON
        """Both."""
        self.tell(line)
        return self.answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()
            code = self._process.wait(10)
        assert kind is not None or code == 0


@pytest.fixture
def old(writer: SharedMemoryFrameWriter) -> Iterator[OldReaderProcess]:
    """An old reader of the writer."""
    with OldReaderProcess(writer.name, "mmap") as old:
        yield old


def digest(value: int, channels: int = 3) -> str:
    """Of a picture."""
    return hashlib.sha256(picture(value, channels).tobytes()).hexdigest()


def publish(writer: SharedMemoryFrameWriter, number: int) -> bool:
    """Publishes a frame as `poll` expects it."""
    return writer.write_frame(PICTURES[number % 256], number, wall_ns=WALL_NS[0] + number * WALL_NS[1])


@pytest.mark.parametrize("kind", ["mmap", "shared_memory"])
def test_an_old_reader_sees_every_frame_s_header_and_pixels(writer: SharedMemoryFrameWriter, kind: str) -> None:
    """After each frame: its number, time, place and pixels, and a counter one higher; all else stays."""
    constant = {
        "magic": 0x424954414C4C5344,
        "version": 1,
        "buffer_count": 3,
        "width": WIDTH,
        "height": HEIGHT,
        "format": FrameFormat.BGR24,
        "bytes_per_frame": WIDTH * HEIGHT * 3,
        "writer_pid": os.getpid(),
        "reader_count": 0,
        "reserved": "",
    }
    empty = ("write_index", "read_index", "write_counter", "frame_number", "timestamp_sec", "timestamp_nsec")
    with OldReaderProcess(writer.name, kind) as old:
        seen = old.ask("look")
        assert seen == constant | dict.fromkeys(empty, 0) | {
            "frame": hashlib.sha256(bytes(WIDTH * HEIGHT * 3)).hexdigest()
        }
        for count in range(1, 10):
            number = count * 100
            assert publish(writer, number)
            index = writer.get_stats()["current_buffer_index"]
            seconds, nanoseconds = divmod(WALL_NS[0] + number * WALL_NS[1], 10**9)
            assert old.ask("look") == constant | {
                "write_index": (index + 1) % 3,
                "read_index": index,
                "write_counter": count,
                "frame_number": number,
                "timestamp_sec": seconds,
                "timestamp_nsec": nanoseconds,
                "frame": digest(number),
            }


@pytest.mark.parametrize(("pause_s", "wanted"), [(0.0, 300), (0.0002, 1000)], ids=["flat out", "thousands a second"])
def test_an_old_reader_polls_a_busy_stream(
    writer: SharedMemoryFrameWriter, old: OldReaderProcess, pause_s: float, wanted: int
) -> None:
    """Polling a writer that does not wait for it, it gets whole frames with their own numbers and times."""
    old.tell(f"poll {wanted}")
    number = 0
    while not old.has_answered(pause_s):
        number += 1
        assert publish(writer, number)
    polled = old.answer()
    assert (polled["torn"], polled["whole"]) == ([], wanted)
    assert polled["ahead"] <= wanted // 100


def test_an_old_reader_counts_readers(writer: SharedMemoryFrameWriter) -> None:
    """The header says how many readers there are, at most a second late."""
    with OldReaderProcess(writer.name, "mmap") as old, SharedMemoryFrameReader(writer.name) as one:
        assert one.is_attached
        with SharedMemoryFrameReader(writer.name):
            deadline = time.monotonic() + 10
            while old.ask("look")["reader_count"] != 2:
                writer.tend()
                assert time.monotonic() < deadline


@pytest.mark.parametrize(("frame_format", "channels"), [(FrameFormat.GRAY8, 1), (FrameFormat.RGBA32, 4)])
def test_an_old_reader_opens_anew_after_a_restart_or_a_new_size(
    segment_name: str, frame_format: FrameFormat, channels: int
) -> None:
    """What it has attached stays as it was, whatever becomes of name and writer; the name gives what is new."""
    with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT) as writer, OldReaderProcess(segment_name, "mmap") as old:
        publish(writer, 5)
        before = old.ask("look")
        assert before["frame"] == digest(5)
        writer.reshape(WIDTH, HEIGHT, frame_format)
        writer.write_frame(picture(6, channels), 6)
        assert old.ask("look") == before
        old.ask("open")
        reshaped = old.ask("look")
        assert (reshaped["format"], reshaped["bytes_per_frame"]) == (frame_format, WIDTH * HEIGHT * channels)
        assert (reshaped["write_counter"], reshaped["frame_number"]) == (1, 6)
        assert (reshaped["frame"], reshaped["reserved"]) == (digest(6, channels), "")
        writer.cleanup()
        assert old.ask("look") == reshaped
        with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT) as successor:
            publish(successor, 7)
            assert old.ask("look") == reshaped
            old.ask("open")
            restarted = old.ask("look")
            assert (restarted["write_counter"], restarted["frame_number"]) == (1, 7)
            assert (restarted["frame"], restarted["reserved"]) == (digest(7), "")


class Hoarders:
    """Two readers that hold five frames between them, and so have the segment grow beyond an old reader's three."""

    def __init__(self, name: str) -> None:
        self._readers = [SharedMemoryFrameReader(name) for _ in range(2)]
        self._held: list[Frame] = []
        self._turn = 0

    def hold(self) -> None:
        """Lets go of the oldest, and holds the newest."""
        if len(self._held) == 5:
            del self._held[0]
        frame = self._readers[self._turn % 2].try_lease()
        self._turn += 1
        if frame is not None:
            self._held.append(frame)

    def __enter__(self) -> Self:
        for reader in self._readers:
            reader.attach()
        return self

    def __exit__(self, *_: object) -> None:
        self._held.clear()
        for reader in self._readers:
            reader.detach()


def test_an_old_reader_sees_the_frames_in_its_three_buffers(
    writer: SharedMemoryFrameWriter, old: OldReaderProcess
) -> None:
    """With more buffers, what it sees may be older; it is one frame, with the number, time and counter of that one."""
    last, visible = 0, 0
    with Hoarders(writer.name) as hoarders:
        for number in range(1, 60):
            assert publish(writer, number)
            if writer.get_stats()["current_buffer_index"] < 3:
                last, visible = number, visible + 1
            hoarders.hold()
            seen = old.ask("look")
            assert (seen["write_counter"], seen["frame_number"]) == (visible, last)
            assert seen["read_index"] < seen["buffer_count"] == 3
            assert (seen["frame"], seen["reserved"]) == (digest(last), "")
    assert writer.get_stats()["buffers"] > 5
    assert 10 < visible < 59


def test_an_old_reader_polls_a_stream_of_many_buffers(
    writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader, old: OldReaderProcess
) -> None:
    """Polling while others hold two frames, for fifty frames each time, it sees fewer, and those whole."""
    held: list[Frame] = []
    wanted = 500
    old.tell(f"poll {wanted}")
    number = 0
    while not old.has_answered(0.00005):
        number += 1
        assert publish(writer, number)
        if number % 50 == 0:
            held.clear()
        if len(held) < 2:
            held.append(reader.lease())
    polled = old.answer()
    assert (polled["torn"], polled["whole"]) == ([], wanted)
    assert polled["ahead"] <= wanted // 100
    assert writer.get_stats()["buffers"] > 3

"""The capture process at its edges: what is told first and last, an early signal, where frames go."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from billiards_video import Frame, SharedMemoryFrameReader, State
from billiards_video.backoff import Backoff
from billiards_video.capture.fake import FakeSource
from billiards_video.capture_loop import CaptureLoop
from billiards_video.capture_plan import CapturePlan
from billiards_video.capture_stream import CaptureStream
from billiards_video.config import Config
from billiards_video.process import VideoProcess
from billiards_video.watched_source import WatchedSource

PICTURE = np.zeros((48, 64, 3), np.uint8)
SOON = 0.5  # of the second that passes between two regular looks

SIGNALLED_EARLY = """
import os, signal, sys
from billiards_video.capture.fake import FakeSource
from billiards_video.capture_stream import CaptureStream
from billiards_video.config import Config
from billiards_video.process import VideoProcess

take_name = CaptureStream.take_name

def take_name_and_be_told_to_stop(stream, video):
    take_name(stream, video)
    os.kill(os.getpid(), signal.SIGTERM)

CaptureStream.take_name = take_name_and_be_told_to_stop
config = Config.model_validate({"video": {"shared_memory_name": sys.argv[1]}})
os._exit(VideoProcess(config, FakeSource([])).run())
"""


Step = npt.NDArray[np.uint8] | Exception | Callable[[], object]


def config_for(name: str, max_buffers: int = 3) -> Config:
    """A configuration for a stream of that name."""
    return Config.model_validate({"video": {"shared_memory_name": name, "max_buffers": max_buffers}})


def wait_until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Waits for something that wakes nobody."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Elsewhere(FakeSource):
    """Gives its pictures in arrays of its own, though they have the right size; may keep what it was to fill."""

    kept: list[npt.NDArray[np.uint8]] | None = None

    def retrieve(self, out: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Another array than `out`."""
        if self.kept is not None:
            self.kept.append(out)
        return PICTURE


def test_a_signal_right_after_the_name_was_taken_leaves_nothing(segment_name: str) -> None:
    """From the moment that there is a lock file, a signal ends the process as it should, and the file goes."""
    command = [sys.executable, "-W", "error", "-c", SIGNALLED_EARLY, segment_name]
    assert subprocess.run(command, timeout=20, check=False).returncode == 0
    assert list(Path("/dev/shm").glob(f"{segment_name}*")) == []  # noqa: S108 - where it would be


def test_the_first_and_the_last_are_told_at_once(
    segment_name: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first status comes with the segment, the last one and the last notices with its end, not a second later."""
    caplog.set_level("INFO")
    reader = SharedMemoryFrameReader(segment_name)
    held: list[Frame] = []
    last: dict[str, object] = {}
    end = CaptureStream.end

    def look_and_end(stream: CaptureStream, state: State, reason: str) -> None:
        last.update(reader.status())  # its file goes with the stream
        end(stream, state, reason)

    monkeypatch.setattr(CaptureStream, "end", look_and_end)

    def attach() -> None:
        reader.attach()
        wait_until(reader.status, SOON)

    def hold() -> None:
        held.append(reader.lease())

    script: list[Step] = [
        lambda: time.sleep(0.1),
        PICTURE,
        attach,
        hold,
        PICTURE,
        hold,
        PICTURE,
    ]  # two held and the newest: a buffer is added
    assert VideoProcess(config_for(segment_name, 4), FakeSource(script)).run() == 0
    assert "readers hold the other buffers: there are 4 now" in caplog.text
    assert (last["state"], last["reason"], last["frames_written"]) == ("ENDED", "end of the source", 3)


def test_an_array_of_the_sources_own_needs_one_buffer(segment_name: str) -> None:
    """A frame that was not written in place is copied, into the very buffer that was lent, if that is the only one."""
    reader = SharedMemoryFrameReader(segment_name)
    held: list[Frame] = []
    script: list[Step] = [PICTURE, reader.attach, lambda: held.append(reader.lease()), PICTURE, PICTURE]
    assert VideoProcess(config_for(segment_name), Elsewhere(script)).run() == 0
    assert (reader.counters.published, reader.counters.dropped) == (3, 0)


def test_a_copy_that_finds_no_buffer_is_counted(segment_name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Every frame is written or dropped, also one that had a buffer and could not be copied into another."""
    caplog.set_level("INFO")
    source = Elsewhere([PICTURE, PICTURE, PICTURE])
    source.kept = []
    assert VideoProcess(config_for(segment_name), source).run() == 0
    assert "frames_captured=3, frames_written=1" in caplog.text
    assert "frames_dropped=2" in caplog.text


def test_without_a_free_buffer_nothing_is_converted(segment_name: str) -> None:
    """While a reader holds every buffer, frames are taken from the source, and cost no conversion."""
    reader = SharedMemoryFrameReader(segment_name)
    held: list[Frame] = []

    def hold() -> None:
        held.append(reader.lease())

    script: list[Step] = [PICTURE, reader.attach, hold, PICTURE, hold, PICTURE, hold, PICTURE, PICTURE]
    source = FakeSource(script)
    assert VideoProcess(config_for(segment_name), source).run() == 0
    assert (reader.counters.captured, reader.counters.published) == (5, 3)
    assert source.retrieved == 3


def test_no_loan_is_open_while_the_source_blocks(segment_name: str) -> None:
    """A source that hangs in `grab` holds no buffer: another thread can have a loan of the same writer."""
    grabbing, go_on = threading.Event(), threading.Event()

    def hang() -> None:
        grabbing.set()
        go_on.wait(10)

    config = config_for(segment_name)
    stream = CaptureStream(lambda: None)
    source = WatchedSource(FakeSource([PICTURE, hang]), stream.times)
    loop = CaptureLoop(source, CapturePlan(config.vision.camera, None), stream, Backoff(1, 5))
    stream.take_name(config.video)
    loop.start()
    try:
        assert grabbing.wait(10)
        assert stream.writer
        with stream.writer.loan() as slot:
            assert slot is not None
    finally:
        go_on.set()
        assert loop.stop(10)
        stream.end(State.CLOSED, "stopped")

"""The capture process from outside: its frames in another process, its states, its end. Also a plain script."""

import signal
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from billiards_video import EndOfStream, FrameMetadata, SharedMemoryFrameReader, SharedMemoryFrameWriter, State
from billiards_video.capture.fake import FakeSource
from billiards_video.config import Config
from billiards_video.process import VideoProcess
from capture_process import CaptureProcess, reader_of, write_config
from make_video import make_video
from told_status import status_in

SCRIPTED = [sys.executable, "-W", "error", str(Path(__file__).with_name("scripted_source.py"))]
FRAMES = 60


def say(text: str) -> None:
    """Tells what was seen, to whoever runs this as a script."""
    print(f"  {text}")


def plain_loop(path: Path) -> list[int]:
    """A checksum of every frame, as a plain OpenCV loop reads them."""
    capture = cv2.VideoCapture(str(path))
    sums: list[int] = []
    while True:
        done, frame = capture.read()
        if not done:
            capture.release()
            return sums
        sums.append(zlib.crc32(frame.data))


def read_to_the_end(reader: SharedMemoryFrameReader) -> list[tuple[FrameMetadata, int]]:
    """Every frame that a waiting reader gets, with the checksum of its pixels, until the source has ended."""
    seen = []
    try:
        while True:
            with reader.lease(timeout=20) as frame:
                seen.append((frame.metadata, zlib.crc32(frame.array.data)))
    except EndOfStream:
        return seen


def until(reader: SharedMemoryFrameReader, state: State) -> str:
    """Waits for a state and gives its reason."""
    deadline = time.monotonic() + 10
    while reader.state[0] is not state:
        assert time.monotonic() < deadline, f"{state.name} did not come, the state is {reader.state}"
        time.sleep(0.005)  # a state wakes nobody who waits for a frame
    return reader.state[1]


@pytest.fixture(scope="module", params=["MJPG.avi", "mp4v.mp4"])
def video(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 720p video of two seconds."""
    path: Path = tmp_path_factory.mktemp("video") / request.param
    make_video(path, FRAMES, size="1280x720")
    return path


@pytest.fixture(scope="module")
def short_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small video of two seconds."""
    path: Path = tmp_path_factory.mktemp("video") / "mp4v.mp4"
    make_video(path, FRAMES)
    return path


@pytest.fixture
def scripted(tmp_path: Path, segment_name: str) -> Iterator[CaptureProcess]:
    """A capture process whose source does what it is told; impatient, so that tests are quick."""
    camera = {"stop_timeout": 0.5, "reconnect_delay": 0.05, "frame_log_interval": 1}
    config = write_config(tmp_path, segment_name, camera)
    with CaptureProcess(config, command=SCRIPTED) as process:
        process.wait_for("Starting")
        yield process


def test_every_frame_reaches_a_reader_in_another_process(video: Path, tmp_path: Path, segment_name: str) -> None:
    """A waiting reader gets every frame of a 720p file: in order, none missed, with the pixels of a plain OpenCV loop.

    When the file ends, so does the reader's stream, and the process with 0, leaving nothing behind.
    """
    expected = plain_loop(video)
    config = write_config(tmp_path, segment_name, {"video_file_path": str(video)})
    numbers: list[int] = []
    missed = 0
    for _ in range(3):  # on a machine that is too busy to run the reader for a frame's time, nothing could help it
        reader = SharedMemoryFrameReader(segment_name, reader_name="test")
        with CaptureProcess(config) as process:
            reader.attach(20)
            say(f"start-up took {time.monotonic() - process.started:.2f} s; segment {reader.path}")
            say(f"{reader.width}x{reader.height} {reader.frame_format.name}")
            seen = read_to_the_end(reader)
            state, code = reader.state, process.wait()
            reader.detach()
        numbers = [metadata.frame_number for metadata, _ in seen]
        missed = sum(metadata.missed for metadata, _ in seen[1:])
        say(f"frames {numbers[0]} to {numbers[-1]}, missed {missed}; then {state}")
        assert [checksum for _, checksum in seen] == [expected[number] for number in numbers]
        positions = [metadata.position_ns for metadata, _ in seen]
        assert positions == pytest.approx([number * 1e9 / 30 for number in numbers], abs=1e6)
        assert (state, code) == ((State.ENDED, "end of the source"), 0)
        assert list(Path("/dev/shm").glob(f"{segment_name}*")) == []  # noqa: S108 - where it was
        assert "Final statistics: " in process.output
        assert f"frames_captured={FRAMES}, frames_written={FRAMES}" in process.output
        if not missed and numbers[0] < 10:
            break
    assert numbers == list(range(numbers[0], FRAMES))
    assert numbers[0] < 10
    assert missed == 0


def test_what_a_slow_reader_misses_is_told(video: Path, tmp_path: Path, segment_name: str) -> None:
    """A reader that takes its time sees newer frames, and `missed` is the number that it did not see in between."""
    expected = plain_loop(video)
    with CaptureProcess(write_config(tmp_path, segment_name, {"video_file_path": str(video)})) as process:
        seen = []
        with reader_of(segment_name) as slow, reader_of(segment_name) as fast:
            for pause in [1, 2, 5, 3, 1, 7, 4]:
                with slow.lease(timeout=20) as frame:
                    seen.append((frame.metadata, zlib.crc32(frame.array.data)))
                for _ in range(pause):
                    fast.lease(timeout=20)
        process.stop()
    numbers = [metadata.frame_number for metadata, _ in seen]
    gaps = [after - before - 1 for before, after in pairwise(numbers)]
    say(f"frames {numbers}, missed {[metadata.missed for metadata, _ in seen]}")
    assert [metadata.missed for metadata, _ in seen[1:]] == gaps
    assert max(gaps) > 2
    assert [checksum for _, checksum in seen] == [expected[number] for number in numbers]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_at_once(
    short_video: Path, tmp_path: Path, segment_name: str, number: signal.Signals
) -> None:
    """SIGTERM and SIGINT end it with 0 within 100 ms; attached readers see that it was stopped."""
    camera = {"video_file_path": str(short_video), "loop_video": True, "frame_log_interval": 1}
    took = []
    for _ in range(3):  # a busy machine may be late once; a process that waits for something is late every time
        with CaptureProcess(write_config(tmp_path, segment_name, camera)) as process:
            process.wait_for("Frame 20")
            with SharedMemoryFrameReader(segment_name) as reader:
                code, seconds = process.stop(number)
                assert (code, reader.state) == (0, (State.CLOSED, "stopped"))
            assert f"Stopping: {number.name}" in process.output
            assert "Final statistics: uptime=" in process.output
        took.append(seconds)
    say(f"{number.name}: ended after {', '.join(f'{seconds * 1000:.0f}' for seconds in took)} ms")
    assert min(took) < 0.1


def test_a_source_that_hangs_does_not_hold_up_the_end(tmp_path: Path, segment_name: str) -> None:
    """A signal ends the process within its time even if the source never comes back; readers are told at once."""
    with CaptureProcess(write_config(tmp_path, segment_name, {"stop_timeout": 2}), command=SCRIPTED) as process:
        process.say("frame 64x48 1")
        with reader_of(segment_name) as reader:
            process.wait_for("Frame 0")
            began = time.monotonic()
            process.send(signal.SIGTERM)
            until(reader, State.CLOSED)
            told = time.monotonic() - began
        code = process.wait()
        took = time.monotonic() - began
    say(f"readers were told after {told * 1000:.0f} ms, the process ended after {took * 1000:.0f} ms")
    assert code == 0
    assert "is abandoned" in process.output
    assert told < 1
    assert 2 < took < 3


def test_a_source_that_hangs_while_it_is_opened(scripted: CaptureProcess) -> None:
    """The same holds before there is a frame, and thus a segment."""
    code, took = scripted.stop()
    assert code == 0
    assert "is abandoned" in scripted.output
    assert took < 1


def test_an_abandoned_source_that_comes_back_leaves_no_segment(segment_name: str) -> None:
    """A source that gives its first frame after the process has given it up is too late: no shared memory is made."""
    config = Config.model_validate(
        {"video": {"shared_memory_name": segment_name}, "vision": {"camera": {"stop_timeout": 0.1}}}
    )
    opening, late = threading.Event(), threading.Event()

    def hang() -> None:
        opening.set()
        late.wait()

    process = VideoProcess(config, FakeSource([hang, np.zeros((48, 64, 3), np.uint8)]))
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(process.run)
        assert opening.wait(10)
        [source_thread] = [thread for thread in threading.enumerate() if thread.name == "capture"]
        process.stop()
        assert running.result(10) == 0
    assert process.abandoned
    late.set()
    source_thread.join(10)
    assert not source_thread.is_alive()
    assert list(Path("/dev/shm").glob(f"{segment_name}*")) == []  # noqa: S108 - where it would be


def test_a_second_signal_ends_it_at_once(tmp_path: Path, segment_name: str) -> None:
    """Who does not want to wait for a source that hangs asks twice: exit code 1, and still nothing is left."""
    config = write_config(tmp_path, segment_name, {"stop_timeout": 30}, video={"shared_memory_name": segment_name})
    with CaptureProcess(config, command=SCRIPTED) as process:
        process.say("frame 64x48 1")
        process.wait_for("Frame 0")
        process.send(signal.SIGINT)
        process.wait_for("Final statistics")
        code, took = process.stop(signal.SIGINT)
    say(f"ended {took * 1000:.0f} ms after the second signal")
    assert code == 1
    assert took < 1  # and not the nine seconds of shutdown_timeout


def test_shutdown_timeout_limits_the_wait(tmp_path: Path, segment_name: str) -> None:
    """video.process.shutdown_timeout wins over a longer vision.camera.stop_timeout."""
    video = {"shared_memory_name": segment_name, "process": {"shutdown_timeout": 0.5}}
    config = write_config(tmp_path, segment_name, {"stop_timeout": 30}, video=video)
    with CaptureProcess(config, command=SCRIPTED) as process:
        process.say("frame 64x48 1")
        process.wait_for("Frame 0")
        code, took = process.stop()
    assert code == 0
    assert took < 2  # and not the thirty seconds of stop_timeout, or the nine of the default


def test_a_source_that_falls_silent_is_seen_as_stalled(tmp_path: Path, segment_name: str) -> None:
    """After the read time-out without a frame the state is STALLED, though the source says nothing; then LIVE again."""
    config = write_config(tmp_path, segment_name, {"read_timeout": 1.0, "stop_timeout": 0.5})
    with CaptureProcess(config, command=SCRIPTED) as process:
        process.say("frame 64x48 1")
        with reader_of(segment_name) as reader:
            assert until(reader, State.STALLED) == "no frames arrive"
            status = status_in(reader, (State.STALLED, "no frames arrive"))
            assert (status["stalls"], status["stalls_by_reason"]) == (1, {"no frames arrive": 1})
            assert status["state_since_ns"] <= time.monotonic_ns()
            process.say("frame 64x48 2")
            until(reader, State.LIVE)
            assert reader.counters.captured == 2
        process.stop()
    assert "no frames arrive (the last frame is" in process.output


def test_a_source_that_is_lost_comes_back_into_the_same_segment(scripted: CaptureProcess, segment_name: str) -> None:
    """A lost source is opened again: the segment stays, numbers go on, and the first frame after the gap is marked."""
    scripted.say("lose not plugged in", "frame 64x48 1", "frame 64x48 2")
    with SharedMemoryFrameReader(segment_name) as reader:
        scripted.wait_for("Frame 1")
        assert reader.lease(timeout=10).metadata.frame_number == 1  # LIVE is said before its frame is there
        epoch = reader.epoch
        scripted.say("lose unplugged", "lose still unplugged")
        assert until(reader, State.RECONNECTING) == "the source is gone"
        scripted.say("frame 64x48 3")
        until(reader, State.LIVE)
        with reader.lease(timeout=10) as frame:
            assert (frame.metadata.frame_number, frame.metadata.discontinuity) == (2, True)
            assert (frame.array == 3).all()
        scripted.say("frame 64x48 4")
        with reader.lease(timeout=10) as frame:
            assert (frame.metadata.frame_number, frame.metadata.discontinuity) == (3, False)
        assert reader.epoch == epoch
    code, _ = scripted.stop()
    assert code == 0
    assert "WARNING - not plugged in; attempt 1 to open it again" in scripted.output
    assert "reconnects=1" in scripted.output


def test_the_name_is_taken_before_there_is_a_frame(scripted: CaptureProcess, segment_name: str) -> None:
    """While the source gives nothing, readers are told who has the name, and no second process can take it."""
    with pytest.raises(TimeoutError, match=f"pid {scripted.pid} holds the name"):
        SharedMemoryFrameReader(segment_name).attach(0.0)
    with pytest.raises(FileExistsError, match=f"pid {scripted.pid}"):
        SharedMemoryFrameWriter(segment_name, 64, 48).initialize()
    assert scripted.stop()[0] == 0


def test_a_lost_source_is_the_end_without_auto_reconnect(tmp_path: Path, segment_name: str) -> None:
    """Without auto_reconnect, the loss is an error, exit code 1, and FAILED for readers."""
    config = write_config(tmp_path, segment_name, {"auto_reconnect": False})
    with CaptureProcess(config, command=SCRIPTED) as process:
        process.say("frame 64x48 1")
        with reader_of(segment_name) as reader:
            process.say("lose unplugged")
            assert process.wait() == 1
            assert reader.state == (State.FAILED, "the source is gone")
    assert "ERROR - unplugged" in process.output


def test_frames_of_another_size_come_in_a_new_segment(scripted: CaptureProcess, segment_name: str) -> None:
    """A change of size is no interruption: the reader follows, and every frame has its own size and pixels."""
    sizes = [(64, 48), (64, 48), (641, 481), (641, 481), (64, 48)]
    with ExitStack() as stack:
        reader: SharedMemoryFrameReader | None = None
        for number, (width, height) in enumerate(sizes):
            scripted.say(f"frame {width}x{height} {number + 1}")
            if reader is None:
                reader = stack.enter_context(SharedMemoryFrameReader(segment_name))
            with reader.lease(timeout=10) as frame:
                assert frame.array.shape == (height, width, 3)
                assert (frame.array == number + 1).all()
                assert frame.metadata.frame_number == number
                assert frame.metadata.missed == 0
    code, _ = scripted.stop()
    assert code == 0


def test_without_a_free_buffer_frames_are_dropped_and_counted(tmp_path: Path, segment_name: str) -> None:
    """Readers that hold every buffer cost frames, not time: those are counted, a warning names who, and it recovers."""
    video = {"shared_memory_name": segment_name, "max_buffers": 3}
    config = write_config(tmp_path, segment_name, {"frame_log_interval": 1, "stop_timeout": 0.5}, video=video)
    with CaptureProcess(config, command=SCRIPTED) as process:
        process.say("frame 64x48 0")
        with SharedMemoryFrameReader(segment_name, reader_name="hoarder") as reader:
            held = []
            for number in range(3):
                if number:
                    process.say(f"frame 64x48 {number}")
                held.append(reader.lease(timeout=10))
            process.say("frame 64x48 3", "frame 64x48 4")
            process.wait_for("Frame 4")
            assert [int(frame.array[0, 0, 0]) for frame in held] == [0, 1, 2]
            assert reader.counters.dropped == 2
            assert "hoarder" in process.wait_for("buffers are held by readers")
            del held
            process.say("frame 64x48 5")
            with reader.lease(timeout=10) as frame:
                assert (frame.metadata.frame_number, int(frame.array[0, 0, 0])) == (5, 5)
                assert frame.metadata.missed == 0  # what was never published cannot be missed
        process.stop()
    assert "frames_captured=6, frames_written=4" in process.output
    assert "frames_dropped=2" in process.output


def test_an_output_that_nobody_reads_does_not_hold_up_frames(tmp_path: Path, segment_name: str) -> None:
    """A full pipe on standard output costs log lines, not frames, and the process still ends when told to."""
    camera = {"device_id": "synthetic:160x120@500", "frame_log_interval": 1}
    video = {"shared_memory_name": segment_name, "process": {"shutdown_timeout": 1}}
    config = write_config(tmp_path, segment_name, camera, video=video)
    more_lines_than_a_pipe_holds = 65536 // 60
    with CaptureProcess(config, listen=False) as process:
        with reader_of(segment_name) as reader:
            number = 0
            while number < more_lines_than_a_pipe_holds:
                number = reader.lease(timeout=10).metadata.frame_number
        code, took = process.stop()
    assert code == 0
    assert took < 0.4  # a tenth of shutdown_timeout is the log's


def test_the_status_tells_what_the_process_knows(scripted: CaptureProcess, segment_name: str) -> None:
    """The status that readers can show has source, state, counters and settings."""
    scripted.say("frame 64x48 1")
    with SharedMemoryFrameReader(segment_name) as reader:
        status = status_in(reader, (State.LIVE, ""))
    scripted.stop()
    assert status.keys() >= {"source", "state", "reason", "uptime_sec", "fps", "nominal_fps", "settings"}
    assert status.keys() >= {f"frames_{what}" for what in ("captured", "written", "dropped", "skipped")}
    assert status["dropped_by_reason"].keys() == {"no_buffer", "unusable", "skipped"}
    assert (status["errors"], status["last_error"], status["last_error_ns"]) == (0, None, None)
    assert (status["reconnects_by_reason"], status["stalls"], status["stalls_by_reason"]) == ({}, 0, {})
    assert 0 < status["state_since_ns"] < time.monotonic_ns()
    assert (status["source"], status["state"], status["reason"]) == ("fake source", "LIVE", "")


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-q", "-s", *sys.argv[1:]]))

"""A source that fails and comes back: how often it is tried, what it costs meanwhile, and what readers see of it."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from billiards_video import SharedMemoryFrameReader, State
from billiards_video.backoff import Backoff
from billiards_video.capture import Grabbed, SourceError
from billiards_video.capture.fake import FakeSource
from billiards_video.capture.stream import StreamSource
from billiards_video.capture.synthetic import SyntheticSource
from billiards_video.config import Config
from billiards_video.process import VideoProcess
from capture_process import CaptureProcess, reader_of, write_config
from http_camera import HTTPCamera
from live_camera import free_port
from told_status import status_when

Picture = npt.NDArray[np.uint8]
PICTURE = np.zeros((48, 64, 3), np.uint8)


@pytest.mark.parametrize(
    ("remote", "pauses"),
    [(False, [1, 1, 1, 1, 1, 5, 10, 10, 10]), (True, [1, 1, 1, 1, 1, 5, 10, 20, 40, 60, 60, 60])],
)
def test_pauses_become_longer_up_to_a_ceiling(*, remote: bool, pauses: list[float]) -> None:
    """Soon at first; later up to 10 s for what is plugged in here, and 60 s for what others ask for, too; for ever."""
    backoff = Backoff(1.0, 5, remote=remote)
    assert [backoff.failed() for _ in pauses] == pauses
    assert {backoff.failed() for _ in range(10_000)} == {pauses[-1]}
    backoff.reset()
    assert not backoff.persistent
    assert backoff.failed() == 1


def test_a_pause_is_never_shorter_than_configured() -> None:
    """Whoever wants half a minute between attempts gets it, also where that is above the ceiling."""
    backoff = Backoff(30.0, 1)
    assert [backoff.failed() for _ in range(3)] == [30, 30, 30]


def test_streams_are_remote_and_the_rest_is_not() -> None:
    """A source says itself whether it is at the other end of a network."""
    assert StreamSource("http://camera").remote
    assert not SyntheticSource().remote
    assert not FakeSource([]).remote


def config_for(name: str, **camera: object) -> Config:
    """Impatient."""
    settings = {"reconnect_delay": 0.01, "read_timeout": 20} | camera
    return Config.model_validate({"video": {"shared_memory_name": name}, "vision": {"camera": settings}})


def test_it_goes_on_for_ever_and_becomes_louder(segment_name: str, caplog: pytest.LogCaptureFixture) -> None:
    """After max_reconnect_attempts the log says ERROR and no longer WARNING; the attempts do not end."""
    script = [SourceError("unplugged")] * 6 + [PICTURE]
    config = config_for(segment_name, reconnect_delay=0.001, max_reconnect_attempts=3)
    source = FakeSource(script)
    assert VideoProcess(config, source).run() == 0
    assert source.opened == 7
    said = [(record.levelname, record.message) for record in caplog.records if "attempt" in record.message]
    assert [level for level, _ in said] == ["WARNING"] * 3 + ["ERROR"] * 3
    assert said[4][1] == "unplugged; attempt 5 to open it again in 0.01 s"


@pytest.mark.parametrize(("attempts", "opened"), [(2, 3), (0, 1)])
def test_it_ends_after_so_many_attempts_where_that_is_wanted(
    segment_name: str, caplog: pytest.LogCaptureFixture, attempts: int, opened: int
) -> None:
    """With exit_after_reconnect_attempts, the process ends with 1 and the last reason, for a supervisor to know."""
    config = config_for(segment_name, max_reconnect_attempts=attempts, exit_after_reconnect_attempts=True)
    source = FakeSource([SourceError("unplugged")] * 9)
    assert VideoProcess(config, source).run() == 1
    assert source.opened == opened
    [error] = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert error.startswith("unplugged; ")
    assert error.endswith("(vision.camera.max_reconnect_attempts)")


def test_attempts_are_counted_anew_after_each_frame(segment_name: str) -> None:
    """A camera that fails now and then does not use up its attempts."""
    script: list[Picture | Exception] = [PICTURE, SourceError("unplugged"), SourceError("unplugged")] * 5
    config = config_for(segment_name, max_reconnect_attempts=2, exit_after_reconnect_attempts=True)
    source = FakeSource(script)
    assert VideoProcess(config, source).run() == 0
    assert source.opened == 1 + 2 * 5


@pytest.mark.parametrize("device_id", ["/dev/video-that-is-not-there", "http://127.0.0.1:{port}/camera"])
def test_a_source_that_fails_costs_next_to_nothing(tmp_path: Path, segment_name: str, device_id: str) -> None:
    """An attempt costs less than 20 ms of a processor's time, so that one a second, the most there is, is under 2 %.

    What lies between them, some two seconds in all, is part of what is measured.
    """
    camera = {"device_id": device_id.format(port=free_port()), "reconnect_delay": 0.05}
    camera["max_reconnect_attempts"] = 10_000
    with CaptureProcess(write_config(tmp_path, segment_name, camera)) as process:
        process.wait_for("attempt 1 ")
        before, began = cpu_seconds(process.pid), time.monotonic()
        process.wait_for("attempt 41 ")
        spent, took = cpu_seconds(process.pid) - before, time.monotonic() - began
        process.stop()
    print(f"  {spent / 40 * 1e3:.2f} ms of CPU an attempt; {spent:.2f} s in {took:.1f} s")
    assert spent / 40 < 0.02


def cpu_seconds(pid: int) -> float:
    """What a process has used of the processors so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Stamped(FakeSource):
    """Gives a frame at each of the times given (seconds), at a nominal rate, or none."""

    def __init__(self, times: list[float], fps: float | None) -> None:
        super().__init__([PICTURE] * len(times), fps=fps)
        self._times = iter(times)
        self._begin_ns = time.monotonic_ns()

    def grab(self) -> Grabbed:
        """As its script has it, with the times."""
        super().grab()
        return Grabbed(captured_ns=self._begin_ns + round(next(self._times) * 1e9))


def marks(name: str, source: FakeSource, frames: int) -> list[bool]:
    """Which of the frames are marked as discontinuities, as a reader of each sees it."""
    seen: list[bool] = []
    reader = SharedMemoryFrameReader(name)
    process = VideoProcess(config_for(name), source)
    convert = source.retrieve

    def retrieve_when_seen(out: Picture) -> Picture | None:
        while len(seen) < source.retrieved:  # the one before
            if not reader.is_attached:
                reader.attach(10)
            seen.append(reader.lease(timeout=10).metadata.discontinuity)
        return convert(out)

    source.retrieve = retrieve_when_seen  # type: ignore[method-assign]
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(process.run)
        assert running.result(20) == 0
    reader.detach()
    return seen[:frames]


@pytest.mark.parametrize(
    ("fps", "times", "expected"),
    [
        (30.0, [0, 0.03, 0.07, 1.0, 1.03, 1.4, 2.0, 2.1], [False, False, False, True, False, False, True]),
        (2.0, [0, 0.5, 2.5, 5.5, 6.0, 6.1], [False, False, False, True, False]),
        (None, [0, 0.5, 9.0, 30.0], [False, False, False]),
    ],
)
def test_the_first_frame_after_frames_that_are_missing_is_marked(
    segment_name: str, fps: float | None, times: list[float], expected: list[bool]
) -> None:
    """Also where a source stalled and recovered by itself, and says nothing of it.

    Where more than five periods and half a second have passed, some are missing. Without a nominal rate nobody knows.
    """
    assert marks(segment_name, Stamped(times, fps), len(expected)) == expected


def until(reader: SharedMemoryFrameReader, state: State) -> str:
    """Waits for a state and gives its reason."""
    deadline = time.monotonic() + 15
    while reader.state[0] is not state:
        assert time.monotonic() < deadline, f"{state.name} did not come, the state is {reader.state}"
        time.sleep(0.002)  # a state wakes nobody who waits for a frame
    return reader.state[1]


def frames(reader: SharedMemoryFrameReader) -> Iterator[tuple[int, bool, int, int]]:
    """Frame number, mark, width and epoch of each frame that comes."""
    while True:
        with reader.lease(timeout=15) as frame:
            metadata, width = frame.metadata, frame.array.shape[1]
        yield metadata.frame_number, metadata.discontinuity, width, reader.epoch


def test_the_rate_that_was_measured_tells_what_is_missing(segment_name: str) -> None:
    """Where none is announced, as by MJPEG over HTTP."""
    source = Stamped([0, 0.03, 1.0, 1.03, 1.1], None)
    source.measured_fps = 30
    assert marks(segment_name, source, 4) == [False, False, True, False]


def test_a_camera_that_dies_and_comes_back(tmp_path: Path, segment_name: str) -> None:
    """A network camera loses its power, and has another resolution when it comes back the second time.

    Readers stay attached: RECONNECTING, then LIVE; the numbers go on without a hole, the first frame is marked, and
    a new segment is there for another size alone. The status counts it all.
    """
    with HTTPCamera(fps=10) as camera:  # slow enough for a reader to see each frame, also on a busy machine
        settings = {"device_id": camera.url, "reconnect_delay": 0.05, "read_timeout": 2}
        with (
            CaptureProcess(write_config(tmp_path, segment_name, settings)) as process,
            reader_of(segment_name) as reader,
        ):
            seen = frames(reader)
            _, _, _, epoch = next(seen)
            for width in (64, 128):
                died = time.monotonic()
                camera.die()
                assert until(reader, State.RECONNECTING) == "the source is gone"
                print(f"  known to readers {(time.monotonic() - died) * 1000:.0f} ms after its death")
                before = reader.counters.captured
                camera.width = width
                camera.come_back()
                came_back = time.monotonic()
                number, marked, shown, now = next(frame for frame in seen if frame[0] >= before)
                print(f"  first frame {time.monotonic() - came_back:.2f} s after its return")
                assert (number, marked, shown) == (before, True, width)
                assert (now == epoch) == (width == 64)
                until(reader, State.LIVE)
            status = status_when(reader, lambda told: told["reconnects"] == 2 and told["state"] == "LIVE")
            process.stop()
    assert status["reconnects_by_reason"] == {"the source is gone": 2}
    assert status["errors"] >= 2
    assert "gives no more frames" in process.output
    assert status["last_error"] in process.output


def test_a_frozen_stream_does_not_hold_up_the_end(tmp_path: Path, segment_name: str) -> None:
    """A read that waits cannot be called off, but nothing needs its end: not read_timeout, nor stop_timeout."""
    with HTTPCamera() as camera:
        config = write_config(tmp_path, segment_name, {"device_id": camera.url, "read_timeout": 15})
        with CaptureProcess(config) as process:
            process.wait_for("Frame 30")
            camera.freeze()
            time.sleep(0.3)  # what was on its way has come then, and the read waits
            code, took = process.stop()
    assert code == 0
    assert took < 2
    assert "did not come to its end within 0.5 s and is abandoned" in process.output


def test_a_hangup_ends_the_pause(tmp_path: Path, segment_name: str) -> None:
    """Whoever has just mended something does not wait for the next attempt: SIGHUP makes it at once."""
    camera = {"device_id": "/dev/video-that-is-not-there", "reconnect_delay": 60}
    with CaptureProcess(write_config(tmp_path, segment_name, camera)) as process:
        process.wait_for("attempt 1 ")
        process.send(signal.SIGHUP)
        began = time.monotonic()
        assert "video-that-is-not-there" in process.wait_for("attempt 2 to open it again in 60 s", timeout=30)
        assert time.monotonic() - began < 30  # half of the pause that was under way
        assert process.stop()[0] == 0

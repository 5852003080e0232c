"""Health as a reader in another process sees it: each of the three signals, its state and reason, and LIVE again."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from billiards_video import SharedMemoryFrameReader, State
from capture_process import CaptureProcess, reader_of, write_config
from http_camera import HTTPCamera
from told_status import status_in, status_when

MOODY = [sys.executable, "-W", "error", str(Path(__file__).with_name("moody_camera.py"))]
LIVE = (State.LIVE, "")
NO_FRAMES = (State.STALLED, "no frames arrive")
FROZEN = (State.STALLED, "the picture is frozen")
BAD = (State.STALLED, "the picture is bad")
TOO_SLOW = (State.STALLED, "frames arrive too slowly")
GONE = (State.RECONNECTING, "the source is gone")


def wait_for(reader: SharedMemoryFrameReader, condition: tuple[State, str], seconds: float = 15) -> float:
    """Waits for a state with its reason; gives how long that took."""
    began = time.monotonic()
    while reader.state != condition:
        assert time.monotonic() < began + seconds, f"{condition} did not come, the state is {reader.state}"
        time.sleep(0.002)  # a state wakes nobody who waits for a frame
    return time.monotonic() - began


def settings(**camera: object) -> dict[str, object]:
    """Little patience, and a log of what matters."""
    return {
        "read_timeout": 1.0,
        "bad_picture_after": 1.0,
        "reconnect_delay": 0.05,
        "frame_log_interval": 10**6,
    } | camera


@pytest.fixture
def camera(tmp_path: Path, segment_name: str) -> Iterator[CaptureProcess]:
    """A capture process with a camera that has moods, and is well."""
    with CaptureProcess(write_config(tmp_path, segment_name, settings()), "well", command=MOODY) as process:
        process.wait_for("Shared memory: ")
        yield process
        process.stop()


@pytest.mark.parametrize(("mood", "condition"), [("frozen", FROZEN), ("black", BAD)])
def test_a_picture_that_does_not_live(
    camera: CaptureProcess, segment_name: str, mood: str, condition: tuple[State, str]
) -> None:
    """Frames go on coming, so only what is in them tells: STALLED with the reason, and LIVE with the next good one."""
    with SharedMemoryFrameReader(segment_name) as reader:
        wait_for(reader, LIVE)
        camera.say(mood)
        took = wait_for(reader, condition)
        assert took > 0.5
        status = status_in(reader, condition)
        assert (status["stalls"], status["stalls_by_reason"]) == (1, {condition[1]: 1})
        assert 0 <= time.monotonic_ns() - status["state_since_ns"] < 10e9
        number = reader.lease(timeout=10).metadata.frame_number
        assert reader.lease(timeout=10).metadata.frame_number > number
        camera.say("well")
        back = wait_for(reader, LIVE)
        assert status_in(reader, LIVE)["stalls"] == 1
    print(f"  {condition[1]!r} after {took:.2f} s, LIVE after {back:.2f} s")
    assert " - WARNING - " in camera.wait_for(f"moody camera: {condition[1]}")


def test_frames_that_do_not_arrive(camera: CaptureProcess, segment_name: str) -> None:
    """Half a second without a frame of a camera that gives thirty a second; LIVE with the first that comes, marked."""
    with SharedMemoryFrameReader(segment_name) as reader:
        while (reader.lease(timeout=10)).metadata.frame_number < 35:  # it has had its grace by then
            pass
        camera.say("silent")
        took = wait_for(reader, NO_FRAMES)
        last = reader.counters.captured
        camera.say("slow")  # so that a reader sees every one
        back = wait_for(reader, LIVE)
        while (metadata := reader.lease(timeout=10).metadata).frame_number < last:
            pass
        assert (metadata.frame_number, metadata.discontinuity) == (last, True)
        assert not reader.lease(timeout=10).metadata.discontinuity
        assert status_in(reader, LIVE)["stalls_by_reason"] == {NO_FRAMES[1]: 1}
    print(f"  {NO_FRAMES[1]!r} after {took:.2f} s, LIVE after {back:.2f} s")
    assert 0.4 < took < 1.5


def test_a_file_whose_disk_does_not_answer(tmp_path: Path, segment_name: str) -> None:
    """A read of a file that takes longer than a read may is told, and waited for: it goes on where it was."""
    config = write_config(tmp_path, segment_name, settings())
    with CaptureProcess(config, "well", "file", command=MOODY) as process:
        process.wait_for("Shared memory: ")
        with SharedMemoryFrameReader(segment_name) as reader:
            wait_for(reader, LIVE)
            reader.lease(timeout=10)
            process.say("silent")
            took = wait_for(reader, NO_FRAMES)
            captured = reader.counters.captured
            process.say("well")
            wait_for(reader, LIVE)
            while reader.lease(timeout=10).metadata.frame_number < captured:
                pass  # LIVE is said before its frame is there
            assert status_in(reader, LIVE)["reconnects"] == 0
        process.stop()
    assert 0.9 < took < 3


def test_after_its_opening_a_camera_is_given_time(tmp_path: Path, segment_name: str) -> None:
    """A pause after the first frame, to set its exposure say, is no stall before read_timeout is over."""
    config = write_config(tmp_path, segment_name, settings(read_timeout=1.5))
    with CaptureProcess(config, "once", command=MOODY) as process, reader_of(segment_name) as reader:
        first = reader.lease(timeout=10).metadata
        wait_for(reader, NO_FRAMES)
        after = (time.monotonic_ns() - first.captured_ns) / 1e9
        process.say("well")
        wait_for(reader, LIVE)
        process.stop()
    assert 1.4 < after < 2.5


def test_frames_that_arrive_too_slowly(tmp_path: Path, segment_name: str) -> None:
    """Five frames a second of a camera that has promised thirty are seen within six seconds; then more than enough."""
    config = write_config(tmp_path, segment_name, settings())
    with CaptureProcess(config, "slow", command=MOODY) as process, reader_of(segment_name) as reader:
        wait_for(reader, TOO_SLOW)
        assert status_in(reader, TOO_SLOW)["stalls_by_reason"][TOO_SLOW[1]] >= 1
        process.say("fast")
        wait_for(reader, LIVE)
        process.stop()


def test_a_network_camera_that_freezes_and_comes_back(tmp_path: Path, segment_name: str) -> None:
    """STALLED when frames are missing, RECONNECTING when the read was given up, LIVE when it answers again.

    It announces no rate, and ten frames a second are as good as any: they are measured, and then expected.
    """
    with HTTPCamera(fps=10) as server:
        config = write_config(tmp_path, segment_name, settings(device_id=server.url, bad_picture_after=None))
        with CaptureProcess(config) as process, reader_of(segment_name) as reader:
            process.wait_for("Settings: fps")
            assert (reader.state, status_in(reader, LIVE)["nominal_fps"]) == (LIVE, None)
            server.freeze()
            stalled = wait_for(reader, NO_FRAMES)
            gone = wait_for(reader, GONE)
            server.thaw()
            back = wait_for(reader, LIVE)
            status = status_when(reader, lambda told: told["reconnects"])
            assert status["reconnects_by_reason"] == {GONE[1]: 1}
            process.stop()
    print(f"  STALLED after {stalled:.2f} s, RECONNECTING {gone:.2f} s later, LIVE {back:.2f} s after its return")
    assert stalled + gone < 3

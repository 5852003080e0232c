"""Devices that hang, fail, are refused, unplugged and plugged in again: on the imitation of a driver.

Their settings are in test_capture_settings.py, their frames in test_capture_frames.py; what needs no device is in
test_v4l2_cameras.py.
"""

import errno
import os
import re
import shutil
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from billiards_video.capture import SourceError
from billiards_video.capture.device import DeviceSource
from billiards_video.capture.device_settings import DeviceSettings
from capture_process import CaptureProcess, reader_of, write_config
from v4l2_bench import SMALL, Bench, attached, run
from v4l2_camera import ImitationCamera, Mode, preloaded

pytest_plugins = ["imitation_fixtures"]


def one_line(error: SourceError) -> str:
    """The words of an error, of which there is one line."""
    assert "\n" not in str(error)
    return str(error)


def refusal(bench: Bench, device: int | str = 0, settings: DeviceSettings = SMALL) -> str:
    """The words with which a device is refused."""
    source = bench.source(device, settings, open_timeout=0.3)
    try:
        source.open()
    except SourceError as error:
        return one_line(error)
    finally:
        source.close()
    return "not refused"


def time_of_loss(bench: Bench, seconds: float, knobs: dict[str, int]) -> tuple[str, float]:
    """The words with which a source is lost, after knobs were turned, and how long it took."""
    source = bench.source(read_timeout=seconds)
    source.open()
    source.grab()
    camera = attached(bench)
    for name, value in knobs.items():
        setattr(camera, name, value)
    return loss(source)


def loss(source: DeviceSource) -> tuple[str, float]:
    """The words with which a source is lost, and the seconds until then."""
    began = time.monotonic()
    try:
        while time.monotonic() - began < 25:
            source.grab()
    except SourceError as error:
        return one_line(error), time.monotonic() - began
    finally:
        source.close()
    return "not lost", 25.0


def test_a_frozen_camera_is_given_up_in_time(worker: ProcessPoolExecutor, bench: Bench) -> None:
    """A camera that sends nothing more is given up after the read time-out, which need not be a whole second."""
    ImitationCamera(bench.node())
    text, took = run(worker, time_of_loss, bench, 0.4, {"frozen": 1})
    assert "gave no frame within 0.4 s" in text
    assert 0.35 < took < 2


def test_an_unplugged_camera_is_noticed_at_once(worker: ProcessPoolExecutor, bench: Bench) -> None:
    """A camera that is gone is lost at once, whatever the time-out."""
    ImitationCamera(bench.node())
    text, took = run(worker, time_of_loss, bench, 20, {"plugged": 0})
    assert "is gone" in text
    assert took < 5


def test_an_error_of_the_driver_is_named(worker: ProcessPoolExecutor, bench: Bench) -> None:
    """A driver that fails is a loss, at once, with the kernel's words for it."""
    ImitationCamera(bench.node())
    text, took = run(worker, time_of_loss, bench, 20, {"take_error": errno.EIO})
    assert "VIDIOC_DQBUF: Input/output error" in text
    assert took < 5


def test_a_camera_that_only_sends_damaged_frames_is_given_up(worker: ProcessPoolExecutor, bench: Bench) -> None:
    """Frames that the driver calls damaged are none, and the words for the loss say that they came."""
    ImitationCamera(bench.node())
    text, _ = run(worker, time_of_loss, bench, 0.4, {"damaged_every": 1})
    assert "damaged frames within 0.4 s" in text


def called_off(bench: Bench) -> tuple[str, float]:
    """How a wait ends that is called off after 0.2 s."""
    source = bench.source(read_timeout=20)
    source.open()
    source.grab()
    attached(bench).frozen = 1
    threading.Timer(0.2, source.cancel).start()
    return loss(source)


def test_a_wait_can_be_called_off(worker: ProcessPoolExecutor, bench: Bench) -> None:
    """Who waits for a camera that hangs is not made to wait out its time, when the process is to stop."""
    ImitationCamera(bench.node())
    text, took = run(worker, called_off, bench)
    assert "called off" in text
    assert took < 5


def hold(bench: Bench, release: str) -> None:
    """Streams until a file appears."""
    source = bench.source()
    source.open()
    (bench.folder / "held").touch()
    while not Path(release).exists():
        source.grab()
    source.close()


def test_a_busy_camera_names_who_holds_it(worker: ProcessPoolExecutor, library: Path, bench: Bench) -> None:
    """A camera that another process streams from is refused with that process's number and name."""
    ImitationCamera(bench.node())
    release = bench.folder / "release"
    with preloaded(library) as other:
        pid = run(other, os.getpid)
        holding = other.submit(hold, bench, str(release))
        deadline = time.monotonic() + 20
        while not (bench.folder / "held").exists() and time.monotonic() < deadline and not holding.done():
            time.sleep(0.01)
        text = run(worker, refusal, bench)
        release.touch()
        holding.result(10)
    assert f"is in use: {bench.node()} is held by process {pid} (python" in text


@pytest.mark.parametrize(
    ("knob", "error", "words"),
    [
        ("open_error", errno.EBUSY, "is in use"),
        ("open_error", errno.EACCES, "may not be opened: no permission"),
        ("open_error", errno.EPERM, "a container needs '--device'"),
        ("format_error", errno.EIO, "has failed: .*VIDIOC_S_FMT: Input/output error"),
        ("stream_error", errno.ENOSPC, "its bus has no room for this size and rate .*MJPG"),
        ("stream_error", errno.EBUSY, "is held by no process to be found"),
        ("plugged", 0, "is gone"),
        ("frozen", 1, r"gave no frame within 0\.3 s"),
        ("capabilities", 0x0480_0000, "gives no pictures"),
    ],
)
def test_a_device_that_cannot_be_had_says_why(
    worker: ProcessPoolExecutor, bench: Bench, knob: str, error: int, words: str
) -> None:
    """Each way to fail has its own words, in one line; and nothing of it is left open."""
    camera = ImitationCamera(bench.node())
    good = getattr(camera.knobs, knob)
    setattr(camera.knobs, knob, error)
    text = run(worker, refusal, bench)
    assert re.search(words, text), text
    setattr(camera.knobs, knob, good)
    assert run(worker, refusal, bench) == "not refused"
    assert camera.knobs.owner == 0


def test_readers_survive_a_replug(library: Path, bench: Bench, segment_name: str) -> None:
    """The camera is unplugged and comes back under another number: for readers the stream goes on, after a gap."""

    def plug(number: int) -> ImitationCamera:
        camera = ImitationCamera(bench.node(number), modes=[Mode("YUYV", 64, 48, 25)])
        camera.describe(bench.places.sys, "C920", serial="AB12")
        return camera

    first = plug(0)
    camera = {"device_id": 0, "resolution": [64, 48], "fps": 25, "reconnect_delay": 0.2}
    config = write_config(bench.folder, segment_name, camera)
    script = [sys.executable, "-W", "error", str(Path(__file__).with_name("v4l2_process.py"))]
    with (
        CaptureProcess(config, bench.folder, command=script, LD_PRELOAD=str(library)) as process,
        reader_of(segment_name) as reader,
    ):
        before = reader.lease(timeout=10).metadata.frame_number
        first.knobs.plugged = 0
        bench.node(0).unlink()
        shutil.rmtree(bench.places.sys / "video0")
        process.wait_for("is gone")
        next_one = reader.counters.captured  # none is, while it is gone
        plug(3)
        process.wait_for(f"device 0 is {bench.node(3)} (C920) now")
        deadline = time.monotonic() + 20
        while (metadata := reader.lease(timeout=10).metadata).frame_number < next_one:
            assert time.monotonic() < deadline
        assert metadata.discontinuity or metadata.frame_number > next_one  # a busy machine may miss the first one
        assert next_one > before
        assert process.stop()[0] == 0

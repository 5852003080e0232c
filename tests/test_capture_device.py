"""Devices: a real V4L2 interface with an imitation of a driver under it, which obeys, lies, hangs, and is unplugged.

What is under test runs in a process that has the driver (see `v4l2_camera`). Where there is no C compiler these tests
say so; what needs no device is in test_v4l2.py.
"""

import errno
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import pytest

from billiards_video import SharedMemoryFrameReader
from billiards_video.capture import SourceError
from billiards_video.capture.device import DeviceSource
from billiards_video.capture.device_settings import DeviceSettings
from billiards_video.capture.settings import table, with_rate
from billiards_video.capture.source import Setting
from billiards_video.capture.v4l2 import abi
from billiards_video.capture.v4l2.cameras import Places
from capture_process import CaptureProcess, write_config
from v4l2_camera import Camera, ImitationCamera, Knob, Mode, build_driver, gray_jpegs, preloaded

Answer = TypeVar("Answer")

SMALL = DeviceSettings(width=64, height=48, fps=100)
MENU = 3


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The driver."""
    library = build_driver(tmp_path_factory.mktemp("driver"))
    if library is None:
        sys.stderr.write("NOT TESTED (no C compiler, or no linux/videodev2.h): V4L2 devices\n")
        pytest.skip("no C compiler")
    return library


@pytest.fixture(scope="module")
def worker(library: Path) -> Iterator[ProcessPoolExecutor]:
    """A process to which the imitation is a device."""
    with preloaded(library) as worker:
        yield worker


class Bench(NamedTuple):
    """Where the devices of one test are."""

    folder: Path

    @property
    def places(self) -> Places:
        """For the source."""
        return Places(self.folder / "dev", self.folder / "sys" / "video4linux")

    def node(self, number: int = 0) -> Path:
        """A device's node."""
        return self.folder / "dev" / f"video{number}"

    def source(
        self,
        device: int | str = 0,
        settings: DeviceSettings = SMALL,
        *,
        open_timeout: float = 10,
        read_timeout: float = 10,
    ) -> DeviceSource:
        """A source on a device."""
        return DeviceSource(device, settings, open_timeout=open_timeout, read_timeout=read_timeout, places=self.places)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty machine."""
    return Bench(tmp_path)


def run(worker: ProcessPoolExecutor, function: Callable[..., Answer], *arguments: object) -> Answer:
    """What the function gives, over there."""
    return worker.submit(function, *arguments).result(30)


def attached(bench: Bench, number: int = 0) -> Camera:
    """The knobs of a camera, in the process that looks through it."""
    return ImitationCamera.attach(bench.node(number)).knobs


def rows(settings: tuple[Setting, ...]) -> dict[str, Setting]:
    """The settings by their names."""
    return {setting.name: setting for setting in settings}


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


def watch(bench: Bench, settings: DeviceSettings, frames: int) -> tuple[tuple[int, ...], list[float], list[float]]:
    """The shape of the first frame, the mean of each, and its age in milliseconds when it was given out."""
    source = bench.source(settings=settings)
    facts = source.open()
    out = np.zeros((facts.height, facts.width, 3), np.uint8)
    means, ages = [], []
    for _ in range(frames):
        grabbed = source.grab()
        assert grabbed.captured_ns is not None
        ages.append((time.monotonic_ns() - grabbed.captured_ns) / 1e6)
        assert source.retrieve(out) is out
        assert int(out.max()) - int(out.min()) <= 2
        means.append(float(out.mean()))
    source.close()
    return out.shape, means, ages


RAW = ["YUYV", "UYVY", "NV12", "YU12", "BGR3", "GREY"]


@pytest.mark.parametrize("planes", [False, True])
@pytest.mark.parametrize("padding", [0, 32])
@pytest.mark.parametrize("pixels", RAW)
def test_every_raw_format_is_shown(
    worker: ProcessPoolExecutor, bench: Bench, pixels: str, padding: int, *, planes: bool
) -> None:
    """Frames come in order, whole, in the gray that the camera sent, with filling in their rows or without."""
    ImitationCamera(bench.node(), modes=[Mode(pixels, 64, 48, 100, padding)], several_planes=planes)
    shape, means, _ = run(worker, watch, bench, SMALL, 6)
    assert shape == (48, 64, 3)
    assert means == sorted(set(means))


def test_jpegs_are_decoded(worker: ProcessPoolExecutor, bench: Bench) -> None:
    """A camera's JPEGs come into the array given."""
    ImitationCamera(bench.node(), modes=[Mode("MJPG", 64, 48, 100)], jpegs=gray_jpegs(64, 48))
    shape, means, _ = run(worker, watch, bench, SMALL, 6)
    assert shape == (48, 64, 3)
    assert {mean % 20 for mean in means} == {0}
    assert all(a != b for a, b in pairwise(means))


def test_frames_are_dated_by_the_driver(worker: ProcessPoolExecutor, bench: Bench) -> None:
    """A frame's time is that at which it was taken, not that at which it was fetched."""
    camera = ImitationCamera(bench.node())
    camera.knobs.latency_us = 40_000
    _, _, ages = run(worker, watch, bench, SMALL, 6)
    assert min(ages) >= 40


def first_facts(bench: Bench, settings: DeviceSettings, device: int | str = 0) -> tuple[int, int, dict[str, Setting]]:
    """What is known of a source that was opened, and what its first frame is."""
    source = bench.source(device, settings)
    facts = source.open()
    source.close()
    return facts.width, facts.height, rows(facts.settings)


def test_jpeg_is_asked_for_where_it_brings_more(worker: ProcessPoolExecutor, bench: Bench) -> None:
    """A USB camera as they are: 1080p at 5 frames a second raw, at 30 as JPEG."""
    modes = [Mode("YUYV", 64, 48, 30), Mode("YUYV", 192, 108, 5), Mode("MJPG", 64, 48, 30), Mode("MJPG", 192, 108, 30)]
    ImitationCamera(bench.node(), modes=modes, jpegs=gray_jpegs(192, 108))
    width, height, found = run(worker, first_facts, bench, DeviceSettings(width=192, height=108, fps=30))
    assert (width, height) == (192, 108)
    assert found["pixel_format"] == ("pixel_format", "MJPG", "MJPG", None, "")
    assert found["fps"].accepted == "30"
    assert found["resolution"] == ("resolution", "192x108", "192x108", "192x108", "")


def test_raw_is_taken_where_it_brings_as_much(worker: ProcessPoolExecutor, bench: Bench) -> None:
    """Where the raw format has the size and the rate, nothing is compressed and decoded for it."""
    modes = [Mode("MJPG", 64, 48, 100), Mode("YUYV", 64, 48, 100)]
    ImitationCamera(bench.node(), modes=modes, jpegs=gray_jpegs(64, 48))
    _, _, found = run(worker, first_facts, bench, SMALL)
    assert found["pixel_format"].accepted == "YUYV"
    _, _, found = run(worker, first_facts, bench, DeviceSettings(width=64, height=48, fps=100, pixel_format="MJPG"))
    assert found["pixel_format"].accepted == "MJPG"


def test_the_truth_about_size_and_rate_is_told(worker: ProcessPoolExecutor, bench: Bench) -> None:
    """Another size and rate than asked for, and JPEGs of yet another size: the table has all three, facts the last."""
    ImitationCamera(bench.node(), modes=[Mode("MJPG", 64, 48, 50)], jpegs=gray_jpegs(32, 24))
    width, height, found = run(worker, first_facts, bench, DeviceSettings(width=1920, height=1080, fps=30))
    assert (width, height) == (32, 24)
    assert found["resolution"] == ("resolution", "1920x1080", "64x48", "32x24", "")
    assert (found["fps"].asked, found["fps"].accepted) == ("30", "50")
    few, enough = (with_rate(tuple(found.values()), fps) for fps in (24.0, 49.0))
    assert rows(few)["fps"] == ("fps", "30", "50", "24", "fewer come than were agreed to")
    assert rows(enough)["fps"] == ("fps", "30", "50", "49", "")
    lines = table(found.values())
    assert lines[0].split() == ["setting", "asked", "accepted", "measured"]
    assert next(line for line in lines if line.startswith("resolution")).split()[1:] == ["1920x1080", "64x48", "32x24"]


def measured(bench: Bench) -> float | None:
    """The rate found out, after some seconds."""
    source = bench.source()
    source.open()
    deadline = time.monotonic() + 10
    while source.measured_fps is None and time.monotonic() < deadline:
        source.grab()
    source.close()
    return source.measured_fps


def test_the_rate_is_measured(worker: ProcessPoolExecutor, bench: Bench) -> None:
    """A camera that agrees to 100 frames a second, and sends 15: what came is what is told."""
    camera = ImitationCamera(bench.node())
    camera.knobs.real_numerator, camera.knobs.real_denominator = 15, 1
    assert run(worker, measured, bench) == pytest.approx(15, rel=0.05)


WEBCAM = (
    Knob(abi.EXPOSURE_AUTO, 0, 3, 3, MENU, choices=0b1010),
    Knob(abi.EXPOSURE_ABSOLUTE, 3, 2047, 250),
    Knob(abi.GAIN, 0, 255, 64),
    Knob(abi.AUTO_GAIN, 0, 1, 1, 2),
    Knob(abi.BRIGHTNESS, 0, 255, 128, stubborn=True),
    Knob(abi.CONTRAST, 0, 255, 32, error=errno.EIO),
    Knob(abi.FOCUS_AUTO, 0, 1, 1, 2),
    Knob(abi.FOCUS_ABSOLUTE, 0, 250, 0),
    Knob(abi.AUTO_WHITE_BALANCE, 0, 1, 1, 2),
    Knob(abi.WHITE_BALANCE_TEMPERATURE, 2000, 6500, 4000),
    Knob(abi.SENSOR_ROTATION, 0, 360, 180, flags=abi.CONTROL_READ_ONLY),
)


def test_controls_are_set_and_read_back(worker: ProcessPoolExecutor, bench: Bench) -> None:
    """Each control has what was asked, or the table says what it has instead, and why."""
    camera = ImitationCamera(bench.node(), controls=WEBCAM)
    settings = DeviceSettings(
        width=64,
        height=48,
        fps=100,
        exposure_mode="manual",
        exposure_value=100,
        gain=300,
        brightness=10,
        contrast=50,
        saturation=20,
        focus=30,
        white_balance_temperature=5000,
    )
    _, _, found = run(worker, first_facts, bench, settings)
    values = {control.id: control.value for control in camera.knobs.control[: len(WEBCAM)]}
    assert values[abi.EXPOSURE_AUTO] == 1
    assert values[abi.EXPOSURE_ABSOLUTE] == 100
    assert (values[abi.AUTO_GAIN], values[abi.FOCUS_AUTO], values[abi.AUTO_WHITE_BALANCE]) == (0, 0, 0)
    assert (values[abi.FOCUS_ABSOLUTE], values[abi.WHITE_BALANCE_TEMPERATURE]) == (30, 5000)
    assert found["exposure_mode"] == ("exposure_mode", "manual", "manual", None, "")
    assert found["exposure_value"] == ("exposure_value", "100", "100", None, "")
    assert found["gain"] == ("gain", "300", "255", None, "it takes 0 to 255")
    assert found["brightness"] == ("brightness", "10", "128", None, "it takes 0 to 255")
    assert found["contrast"] == ("contrast", "50", "32", None, "Input/output error; it takes 0 to 255")
    assert found["saturation"] == ("saturation", "20", None, None, "this device has no such control")
    assert found["auto_focus"] == ("auto_focus", "off", "off", None, "")
    assert found["rotation"] == ("rotation", None, "180", None, "")


@pytest.mark.parametrize(
    ("choices", "mode", "value"),
    [(0b1010, "auto", 3), (0b1010, "manual", 1), (0b0011, "auto", 0), (0b0111, "manual", 1), (0b1100, "manual", 2)],
)
def test_the_exposure_mode_is_one_that_the_camera_has(
    worker: ProcessPoolExecutor, bench: Bench, choices: int, mode: str, value: int
) -> None:
    """Webcams have 1 (manual) and 3 (aperture priority), others 0 (auto) and 1, and some want 2 for manual."""
    camera = ImitationCamera(bench.node(), controls=[Knob(abi.EXPOSURE_AUTO, 0, 3, 9, MENU, choices=choices)])
    settings = DeviceSettings(width=64, height=48, fps=100, exposure_mode="auto" if mode == "auto" else "manual")
    _, _, found = run(worker, first_facts, bench, settings)
    assert camera.knobs.control[0].value == value
    assert found["exposure_mode"] == ("exposure_mode", mode, mode, None, "")


def test_what_is_not_asked_for_is_left_alone(worker: ProcessPoolExecutor, bench: Bench) -> None:
    """Without wishes of the user's, gain, focus and the like stay as they are; the table shows what that is."""
    camera = ImitationCamera(bench.node(), controls=WEBCAM)
    before = {control.id: control.value for control in camera.knobs.control[: len(WEBCAM)]}
    settings = DeviceSettings(width=64, height=48, fps=100, exposure_value=5)  # which is for manual exposure alone
    _, _, found = run(worker, first_facts, bench, settings)
    assert {control.id: control.value for control in camera.knobs.control[: len(WEBCAM)]} == before
    assert found["gain"] == ("gain", None, "64", None, "")
    assert "saturation" not in found


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


def skipped(bench: Bench, frames: int, knobs: dict[str, int]) -> tuple[int, int, list[float]]:
    """How many of so many frames were marked, how many were passed over, and the means of those that came."""
    source = bench.source()
    source.open()
    camera = attached(bench)
    for name, value in knobs.items():
        setattr(camera, name, value)
    out = np.zeros((48, 64, 3), np.uint8)
    means, marked = [], 0
    for _ in range(frames):
        marked += source.grab().discontinuity
        assert source.retrieve(out) is out
        assert int(out.max()) - int(out.min()) <= 2
        means.append(float(out.mean()))
    source.close()
    return marked, source.skipped, means


@pytest.mark.parametrize("fault", ["damaged_every", "torn_every", "lost_every"])
@pytest.mark.parametrize("pixels", ["MJPG", "BGR3"])
def test_damaged_frames_are_passed_over_and_counted(
    worker: ProcessPoolExecutor, bench: Bench, pixels: str, fault: str
) -> None:
    """A frame that the driver calls damaged, that is cut off or lost: never shown, counted, the next one marked."""
    ImitationCamera(bench.node(), modes=[Mode(pixels, 64, 48, 100)], jpegs=gray_jpegs(64, 48))
    marked, count, means = run(worker, skipped, bench, 40, {fault: 5})
    assert marked >= 7
    assert count >= 7
    assert len(set(means)) > 5


def test_jpegs_that_never_have_an_end_are_taken_as_they_are(worker: ProcessPoolExecutor, bench: Bench) -> None:
    """Some cameras leave the last two bytes of every JPEG out: they are not taken for torn for ever."""
    jpegs = [jpeg[:-2] for jpeg in gray_jpegs(64, 48)]
    ImitationCamera(bench.node(), modes=[Mode("MJPG", 64, 48, 100)], jpegs=jpegs)
    assert len(run(worker, watch, bench, SMALL, 3)[1]) == 3


def age_after_pause(bench: Bench, buffers: int) -> tuple[float, float, int]:
    """The age of the first frame and the worst age of the next ones, in ms, after a pause; and how many are too old."""
    source = bench.source(settings=DeviceSettings(width=64, height=48, fps=50, buffer_size=buffers))
    source.open()
    for _ in range(3):
        source.grab()
    time.sleep(0.6)  # the pause itself
    ages = []
    for _ in range(6):
        taken = source.grab().captured_ns
        assert taken is not None
        ages.append((time.monotonic_ns() - taken) / 1e6)
    source.close()
    return ages[0], max(ages[1:]), source.skipped


@pytest.mark.parametrize("buffers", [2, 8])
def test_frames_that_grew_old_in_the_queue_are_not_shown(
    worker: ProcessPoolExecutor, bench: Bench, buffers: int
) -> None:
    """After a pause, the frames that the driver kept are passed over, however many: the next is a new one."""
    ImitationCamera(bench.node(), modes=[Mode("YUYV", 64, 48, 50)])
    first, worst, passed_over = run(worker, age_after_pause, bench, buffers)
    assert first < 300
    assert worst < 300
    assert passed_over >= buffers - 1


def test_a_camera_that_is_always_late_is_shown(worker: ProcessPoolExecutor, bench: Bench) -> None:
    """A camera whose frames are old when they come is slow, not stale: after a start, none are passed over."""
    camera = ImitationCamera(bench.node(), modes=[Mode("YUYV", 64, 48, 25)])
    camera.knobs.latency_us = 400_000
    marked, _, _ = run(worker, skipped, bench, 20, {})
    assert marked <= 10


def test_stamps_of_another_clock_are_not_believed(worker: ProcessPoolExecutor, bench: Bench) -> None:
    """A driver that does not stamp by the monotonic clock has no say in when a frame was taken, or how old it is."""
    camera = ImitationCamera(bench.node())
    camera.knobs.foreign_clock, camera.knobs.latency_us = 1, 3_000_000
    assert run(worker, dates, bench) == [None] * 3


def dates(bench: Bench) -> list[int | None]:
    """When some frames were taken."""
    source = bench.source()
    source.open()
    found = [source.grab().captured_ns for _ in range(3)]
    source.close()
    return found


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
        SharedMemoryFrameReader(segment_name) as reader,
    ):
        before = reader.lease(timeout=10).metadata.frame_number
        first.knobs.plugged = 0
        bench.node(0).unlink()
        shutil.rmtree(bench.places.sys / "video0")
        process.wait_for("is gone")
        plug(3)
        process.wait_for(f"device 0 is {bench.node(3)} (C920) now")
        deadline = time.monotonic() + 20
        while not (frame := reader.lease(timeout=10)).metadata.discontinuity:
            assert time.monotonic() < deadline
        assert frame.metadata.frame_number > before
        assert process.stop()[0] == 0

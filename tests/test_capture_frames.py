"""A device's frames: in every pixel format, dated, whole, and new: on the imitation of a driver."""

import time
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise

import numpy as np
import pytest

from billiards_video.capture.device_settings import DeviceSettings
from v4l2_bench import SMALL, Bench, attached, run
from v4l2_camera import ImitationCamera, Mode, gray_jpegs

pytest_plugins = ["imitation_fixtures"]


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


def test_the_count_of_frames_may_begin_anew(worker: ProcessPoolExecutor, bench: Bench) -> None:
    """After 2^32 frames, the driver's numbers begin at 0 again: that is no loss, and what is lost there is counted."""
    camera = ImitationCamera(bench.node())
    camera.knobs.first_number = 2**32 - 5
    _, count, _ = run(worker, skipped, bench, 10, {})
    assert count < 100  # none, but where this machine stood still
    camera.knobs.lost_every = 16  # the last of them is one
    marked, count, _ = run(worker, skipped, bench, 10, {})
    assert marked >= 1
    assert 1 <= count < 100


def refuse_buffers(bench: Bench, times: int) -> int:
    """Takes so many frames, of which the driver at first refuses each buffer; gives how many refusals are left."""
    source = bench.source(read_timeout=2)
    source.open()
    camera = attached(bench)
    out = np.zeros((48, 64, 3), np.uint8)
    source.grab()
    source.retrieve(out)
    for _ in range(times):
        source.grab()
        camera.refused_buffers = 1
        assert source.retrieve(out) is out
    source.grab()
    source.close()
    left: int = camera.refused_buffers
    return left


def test_a_buffer_that_the_driver_refuses_is_offered_again(worker: ProcessPoolExecutor, bench: Bench) -> None:
    """A buffer that cannot be given back at first is not lost: without both of them, the camera would stand still."""
    ImitationCamera(bench.node())
    assert run(worker, refuse_buffers, bench, 6) == 0


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


@pytest.mark.parametrize("latency_us", [-300_000, 30_000_000])
def test_times_that_cannot_be_are_not_believed(worker: ProcessPoolExecutor, bench: Bench, latency_us: int) -> None:
    """A frame is not from the future, nor from long before the stream began; its time is that of its arrival then."""
    ImitationCamera(bench.node()).knobs.latency_us = latency_us
    assert run(worker, dates, bench) == [None] * 3


def dates(bench: Bench) -> list[int | None]:
    """When some frames were taken."""
    source = bench.source()
    source.open()
    found = [source.grab().captured_ns for _ in range(3)]
    source.close()
    return found

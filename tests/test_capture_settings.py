"""What is asked of a device, what it makes of it, and what the table of settings says: on the imitation of a driver."""

import errno
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import pytest

from billiards_video.capture.device_settings import DeviceSettings
from billiards_video.capture.settings import table, with_rate
from billiards_video.capture.source import Setting
from billiards_video.capture.v4l2 import abi
from v4l2_bench import SMALL, Bench, run
from v4l2_camera import ImitationCamera, Knob, Mode, gray_jpegs

pytest_plugins = ["imitation_fixtures"]

MENU = 3


def rows(settings: tuple[Setting, ...]) -> dict[str, Setting]:
    """The settings by their names."""
    return {setting.name: setting for setting in settings}


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


def test_what_goes_without_saying_is_not_missed(worker: ProcessPoolExecutor, bench: Bench) -> None:
    """A camera without exposure modes is not told that it has none, where nobody asked for manual exposure."""
    ImitationCamera(bench.node())
    _, _, found = run(worker, first_facts, bench, SMALL)
    assert "exposure_mode" not in found
    _, _, found = run(worker, first_facts, bench, replace(SMALL, exposure_mode="manual"))
    assert found["exposure_mode"].note == "this device has no such control"

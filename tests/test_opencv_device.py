"""Devices through OpenCV's own backends, on the imitation of a driver that `v4l2_camera` has."""

import time
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest

from billiards_video.capture import SourceError
from billiards_video.capture.device_settings import DeviceSettings
from billiards_video.capture.opencv_device import OpenCVDeviceSource, in_order
from billiards_video.capture.v4l2.cameras import Places
from v4l2_camera import ImitationCamera, Mode, gray_jpegs

pytest_plugins = ["imitation_fixtures"]

EVERYTHING = DeviceSettings(
    exposure_mode="manual",
    exposure_value=100,
    gain=1,
    brightness=2,
    contrast=3,
    saturation=4,
    auto_focus=True,
    focus=5,
    auto_white_balance=False,
    white_balance_temperature=4000,
)
MODES: tuple[Literal["auto"], Literal["manual"]] = ("auto", "manual")


def test_size_is_asked_for_before_rate_and_values_after_their_modes() -> None:
    """A driver takes a rate only for a size it has, and a value only without its automatism."""
    names = [name for name, _, _ in in_order(EVERYTHING)]
    assert names[:4] == ["width", "height", "buffer_size", "fps"]
    for mode, value in (
        ("exposure_mode", "exposure_value"),
        ("auto_focus", "focus"),
        ("auto_white_balance", "white_balance_temperature"),
    ):
        assert names.index(mode) < names.index(value)


def test_exposure_modes_are_those_of_v4l2() -> None:
    """OpenCV hands the number on to V4L2, where 1 is manual and 3 is automatic."""
    modes = {}
    for mode in MODES:
        asked = {prop: value for _, prop, value in in_order(DeviceSettings(exposure_mode=mode))}
        modes[mode] = asked[cv2.CAP_PROP_AUTO_EXPOSURE]
    assert modes == {"auto": 3, "manual": 1}


def test_opencv_takes_every_value() -> None:
    """Each value has a type that OpenCV's binding accepts, which refuses some before it asks the device."""
    capture = cv2.VideoCapture()
    assert [capture.set(prop, value) for _, prop, value in in_order(EVERYTHING)] == [False] * 14


def test_a_backend_that_opencv_lacks_is_named() -> None:
    """A backend that was not built into this OpenCV is an error that names it, not a camera that is not found."""
    with pytest.raises(SourceError, match="no GSTREAMER backend"):
        OpenCVDeviceSource(0, backend="gstreamer").open()


def test_what_is_no_camera_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    """A character device that gives no video is refused in words of ours, without noise from OpenCV."""
    with pytest.raises(SourceError, match="is no camera"):
        OpenCVDeviceSource("/dev/null", backend="v4l2").open()
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


def look(folder: Path) -> tuple[list[str | None], list[float], str, float]:
    """What was settled, the means of some frames, the words when the camera freezes, and how long that took."""
    places = Places(folder / "dev", folder / "sys")
    settings = DeviceSettings(width=64, height=48, fps=100, pixel_format="MJPG")
    source = OpenCVDeviceSource(0, settings, backend="v4l2", read_timeout=0.6, places=places)
    settled = [setting.accepted for setting in source.open().settings]
    out, means = np.zeros((48, 64, 3), np.uint8), []
    for _ in range(3):
        source.grab()
        assert source.retrieve(out) is out
        means.append(float(out.mean()))
    ImitationCamera.attach(places.dev / "video0").knobs.frozen = 1
    began = time.monotonic()
    try:
        while True:
            source.grab()
    except SourceError as error:
        return settled, means, str(error), time.monotonic() - began
    finally:
        source.close()


def test_a_camera_works_through_opencv(worker: ProcessPoolExecutor, tmp_path: Path) -> None:
    """Frames come, settings are read back, and one that freezes is given up after the time-out, in whole seconds."""
    modes = [Mode("YUYV", 64, 48, 100), Mode("MJPG", 64, 48, 100)]
    ImitationCamera(tmp_path / "dev" / "video0", modes=modes, jpegs=gray_jpegs(64, 48))
    settled, means, text, took = worker.submit(look, tmp_path).result(30)
    assert settled == ["MJPG", "64", "48", "2", "100", None]
    assert [b - a for a, b in pairwise(means)] == [20.0, 20.0]
    assert "gives no more frames" in text
    assert 0.9 < took < 2

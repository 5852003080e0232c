"""Devices, as far as they can be tried without one: the order of the settings, and the words for what is wrong.

That settings reach a camera and frames come from it is not tested here: it takes a camera.
"""

import os
from pathlib import Path
from typing import Literal

import cv2
import pytest

from billiards_video.capture import SourceError
from billiards_video.capture.device import DeviceSettings, DeviceSource

EVERYTHING = DeviceSettings(
    exposure_mode="manual", exposure_value=100, gain=1, brightness=2, contrast=3, saturation=4, auto_focus=True
)
MODES: tuple[Literal["auto"], Literal["manual"]] = ("auto", "manual")


def refusal(source: DeviceSource) -> str:
    """The words with which a device is refused."""
    with pytest.raises(SourceError) as caught:
        source.open()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_size_is_asked_for_before_rate_and_values_after_their_modes() -> None:
    """A driver takes a rate only for a size it has, and an exposure only in manual mode."""
    names = [name for name, _, _ in EVERYTHING.in_order()]
    assert names[:3] == ["width", "height", "fps"]
    assert names.index("exposure_mode") < names.index("exposure_value")
    assert set(names[3:]) == {
        "buffer_size",
        "exposure_mode",
        "exposure_value",
        "gain",
        "brightness",
        "contrast",
        "saturation",
        "auto_focus",
    }


def test_exposure_modes_are_those_of_v4l2() -> None:
    """OpenCV hands the number on to V4L2, where 1 is manual and 3 is automatic."""
    modes = {}
    for mode in MODES:
        asked = {prop: value for _, prop, value in DeviceSettings(exposure_mode=mode).in_order()}
        modes[mode] = asked[cv2.CAP_PROP_AUTO_EXPOSURE]
    assert modes == {"auto": 3, "manual": 1}


def test_opencv_takes_every_value() -> None:
    """Each value has a type that OpenCV's binding accepts, which refuses some before it asks the device."""
    capture = cv2.VideoCapture()
    assert [capture.set(prop, value) for _, prop, value in EVERYTHING.in_order()] == [False] * 11


def test_what_is_not_asked_for_is_left_alone() -> None:
    """Without wishes of the user's, gain, focus and the like are not touched."""
    names = {name for name, _, _ in DeviceSettings().in_order()}
    assert names == {"width", "height", "fps", "buffer_size", "exposure_mode"}


def test_a_missing_device_is_named() -> None:
    """A device that is not there is named with its file, and so are those that are there."""
    assert "/dev/video213 is missing" in refusal(DeviceSource(213))
    assert "/dev/v4l/by-id/no-such is missing" in refusal(DeviceSource("/dev/v4l/by-id/no-such"))


def test_what_is_no_camera_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    """A character device that gives no video is refused in words of ours, without noise from OpenCV."""
    assert "cannot be opened as a camera" in refusal(DeviceSource("/dev/null"))
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_a_forbidden_device_names_its_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that the user may not open is refused with the group that may."""
    node = tmp_path / "video0"
    node.touch()
    monkeypatch.setattr(os, "access", lambda *_: False)  # root, as which tests run too, may open everything
    assert f"group is {node.group()!r}" in refusal(DeviceSource(str(node)))


def test_a_group_without_a_name_is_told_by_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container, the device's group often has no name: the refusal is still one line, with what to do there."""
    node = tmp_path / "video0"
    node.touch()

    def no_name(_path: Path) -> str:
        raise KeyError

    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr(Path, "group", no_name)
    number = node.stat().st_gid
    text = refusal(DeviceSource(str(node)))
    assert f"group {number} has no name here" in text
    assert f"--group-add {number}" in text


def test_a_backend_that_opencv_lacks_is_named() -> None:
    """A backend that was not built into this OpenCV is an error that names it, not a camera that is not found."""
    assert "no GSTREAMER backend" in refusal(DeviceSource(0, backend="gstreamer"))

"""`billiards-video list`: cameras, what they offer, and the names by which they stay the same."""

import json
import os
from typing import Any

from cli_command import run
from imitation_machine import Machine

pytest_plugins = ["imitation_fixtures"]

_LIST = """
import argparse, json, sys
from pathlib import Path
from billiards_video.capture.v4l2.cameras import Places
from billiards_video.cli import cameras
from billiards_video.cli.terminal import Paint
folder = Path(sys.argv[1])
cameras.Places = lambda: Places(folder / "dev", folder / "sys" / "video4linux")
sys.exit(cameras.command(argparse.Namespace(json=sys.argv[2] == "json")))
"""


def listed(machine: Machine, form: str = "text") -> str:
    """What the command says there."""
    return machine.run(_LIST, form)


def listed_json(machine: Machine) -> list[dict[str, Any]]:
    """What it tells programs there."""
    found: list[dict[str, Any]] = json.loads(listed(machine, "json"))["cameras"]
    return found


def test_without_a_camera() -> None:
    """The machine's own, if any; none is no failure, and a word on what to do. For programs it is JSON."""
    ended = run("list")
    assert (ended.returncode, ended.stderr) == (0, "")
    told = json.loads(run("list", "--json").stdout)["cameras"]
    assert ("no camera: plug one in" in ended.stdout) == (told == [])


def test_what_a_camera_offers(machine: Machine) -> None:
    """Each pixel format with its sizes and rates, and the names to write into config.json."""
    camera = machine.camera(0, "HD Pro Webcam C920", link="usb-046d_HD_Pro_Webcam_C920-video-index0")
    shown = listed(machine)
    assert shown.startswith(f"{camera.node}  ")
    for words in (
        '"camera:HD Pro Webcam C920"',
        f'"{machine.folder}/dev/v4l/by-id/usb-046d_HD_Pro_Webcam_C920-video-index0"',
        "YUYV  640x480@30, 1280x720@10",
        "MJPG  1920x1080@30, 640x480@60",
    ):
        assert words in shown
    (told,) = listed_json(machine)
    assert told["node"] == str(camera.node)
    assert told["names"][0] == "camera:HD Pro Webcam C920"
    assert [each["pixel_format"] for each in told["formats"]] == ["YUYV", "MJPG"]
    assert told["formats"][1]["sizes"][0] == {"width": 1920, "height": 1080, "up_to": None, "fps": [30.0]}
    assert (told["problem"], told["users"]) == (None, [])


def test_two_of_one_model(machine: Machine) -> None:
    """A name that two cameras have is no name for either; that it has none that stays is said."""
    machine.camera(0, "USB Camera", link="usb-one")
    machine.camera(1, "USB Camera")
    told = listed_json(machine)
    assert [each["names"] for each in told] == [[f"{machine.folder}/dev/v4l/by-id/usb-one"], []]
    assert "none that stays" in listed(machine)


def test_a_camera_in_use_is_left_alone(machine: Machine) -> None:
    """It is listed with who has it open, and its settings stay what they were."""
    camera = machine.camera(0, "USB Camera")
    with camera.node.open("rb"):
        before = camera.knobs.format_changes, camera.knobs.streams
        (told,) = listed_json(machine)
        shown = listed(machine)
        assert (camera.knobs.format_changes, camera.knobs.streams) == before
    assert [user["pid"] for user in told["users"]] == [os.getpid()]
    assert f"(pid {os.getpid()})" in shown
    assert "MJPG  1920x1080@30" in shown


def test_a_camera_that_cannot_be_opened(machine: Machine) -> None:
    """It is listed all the same, with the reason."""
    camera = machine.camera(0, "USB Camera")
    camera.knobs.open_error = 13  # EACCES
    shown = listed(machine)
    assert "USB Camera" in shown
    assert "not known: " in shown
    assert "may not be opened" in shown


def test_a_camera_s_other_nodes_are_left_out(machine: Machine) -> None:
    """A node for metadata, by the system's word or by its own, is no camera."""
    machine.camera(0, "USB Camera").knobs.capabilities = 0x0080_0000
    assert listed_json(machine) == []

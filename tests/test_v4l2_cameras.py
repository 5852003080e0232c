"""Which camera is meant by a number, a name or a link, who holds it, and who may open it: needs no device."""

import errno
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from billiards_video.capture import SourceError
from billiards_video.capture.device import DeviceSource
from billiards_video.capture.v4l2.cameras import Places, cameras, find, listing, unmistakable
from billiards_video.capture.v4l2.holders import holders
from billiards_video.capture.v4l2.refusals import reason
from v4l2_camera import ImitationCamera


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """An empty machine."""
    places = Places(tmp_path / "dev", tmp_path / "sys" / "video4linux")
    (places.dev / "v4l" / "by-id").mkdir(parents=True)
    return places


def plug(places: Places, number: int, name: str, *, index: int = 0, serial: str = "", link: str = "") -> Path:
    """Makes a device known to the machine, as the kernel and udev do."""
    node = places.dev / f"video{number}"
    ImitationCamera(node).describe(places.sys, name, index=index, serial=serial, port=f"1-{number}")
    if link:
        by_id = places.dev / "v4l" / "by-id" / link
        by_id.unlink(missing_ok=True)
        by_id.symlink_to(f"../../video{number}")
    return node


def unplug(places: Places, number: int) -> None:
    """Takes it away again; udev takes the links away that lead to nothing."""
    (places.dev / f"video{number}").unlink()
    shutil.rmtree(places.sys / f"video{number}")
    for link in (places.dev / "v4l" / "by-id").iterdir():
        if not link.exists():
            link.unlink()


def refusal(device: int | str, places: Places) -> str:
    """The words with which a device is not found."""
    with pytest.raises(SourceError) as caught:
        find(device, places)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_link_is_the_same_camera_under_any_number(places: Places) -> None:
    """A link of /dev/v4l/by-id is looked up at each opening: after a replug it leads to the new number."""
    link = places.dev / "v4l" / "by-id" / "usb-046d_C920_AB12-video-index0"
    plug(places, 0, "C920", link=link.name)
    assert find(str(link), places).node == places.dev / "video0"
    unplug(places, 0)
    assert f"{link} is missing" in refusal(str(link), places)
    plug(places, 3, "C920", link=link.name)
    assert find(str(link), places).node == places.dev / "video3"


@pytest.mark.parametrize(
    "text", ["HD Pro Webcam C920", "c920", " C920 ", "AB12", "usb-046d_C920_AB12-video-index0", "pro webcam"]
)
def test_a_camera_is_found_by_its_name(places: Places, text: str) -> None:
    """By name, serial number, or link, in whole or in part, wherever it is plugged in."""
    plug(places, 0, "Integrated Camera")
    plug(places, 2, "HD Pro Webcam C920", serial="AB12", link="usb-046d_C920_AB12-video-index0")
    plug(places, 3, "HD Pro Webcam C920", index=1, serial="AB12")  # its metadata
    assert find(f"camera:{text}", places).node == places.dev / "video2"


def test_a_name_that_several_have_is_refused_with_all_of_them(places: Places) -> None:
    """Of two cameras, none is chosen by chance; a name that one has in full is that one."""
    plug(places, 0, "Webcam")
    plug(places, 2, "Webcam Pro")
    assert find("camera:webcam", places).node == places.dev / "video0"
    plug(places, 4, "Webcam Pro")
    text = refusal("camera:Webcam Pro", places)
    assert "is 2 cameras" in text
    assert f"{places.dev}/video2 (Webcam Pro), {places.dev}/video4 (Webcam Pro)" in text
    assert "by-path" in text


def test_what_is_not_there_is_told_with_what_is(places: Places) -> None:
    """A number or a name that nothing has is an error that lists the cameras, by number and name, without metadata."""
    assert "cameras of this machine: none" in refusal(0, places)
    for number, name, index in ((10, "C920", 0), (11, "C920", 1), (2, "Integrated Camera", 0)):
        plug(places, number, name, index=index)
    there = f"{places.dev}/video2 (Integrated Camera), {places.dev}/video10 (C920)"
    assert refusal(0, places).endswith(f"{places.dev}/video0 is missing; cameras of this machine: {there}")
    assert refusal("camera:Brio", places).endswith(f"is not there; cameras of this machine: {there}")
    assert refusal(f"{places.dev}/v4l/by-id/x", places).endswith(there)
    assert listing(cameras(places)) == there


def test_a_camera_opened_by_number_is_followed(places: Places) -> None:
    """Where it has come back under another number, and its old number is nobody's or another camera's."""
    plug(places, 0, "C920", serial="AB12")
    plug(places, 1, "Integrated Camera")
    model = unmistakable(find(0, places), places)
    unplug(places, 0)
    plug(places, 4, "C920", serial="AB12")
    assert find(0, places, model).node == places.dev / "video4"
    plug(places, 0, "Brio")
    assert find(0, places, model).node == places.dev / "video4"
    assert find(0, places).node == places.dev / "video0"
    assert find(str(places.dev / "video0"), places, model).node == places.dev / "video4"
    unplug(places, 4)
    assert find(0, places, model).node == places.dev / "video0"


def test_one_of_several_of_a_kind_is_not_followed(places: Places) -> None:
    """Two cameras that nothing tells apart: when one is unplugged, the other is not taken for it."""
    plug(places, 0, "C270")
    plug(places, 2, "C270")
    model = unmistakable(find(0, places), places)
    assert model is None
    unplug(places, 0)
    with pytest.raises(SourceError, match="video0 is missing"):
        find(0, places, model)


def test_without_the_kernel_s_words_a_node_is_a_node(places: Places) -> None:
    """In a container without /sys, a device is found by its number, and not mistaken for another."""
    ImitationCamera(places.dev / "video0")
    camera = find(0, places)
    assert camera.node == places.dev / "video0"
    assert unmistakable(camera, places) is None
    assert str(camera) == f"{places.dev}/video0"


def test_a_camera_found_elsewhere_is_said_so(places: Places, caplog: pytest.LogCaptureFixture) -> None:
    """Who opened a number, and gets another node, or another camera, reads that in the log."""
    source = DeviceSource(0, places=places)

    def said() -> str:
        caplog.clear()
        with caplog.at_level(logging.WARNING), pytest.raises(SourceError):
            source.open()  # no driver is there: it goes no further
        return caplog.text

    plug(places, 0, "C920", serial="AB12")
    assert said() == ""
    unplug(places, 0)
    plug(places, 2, "C920", serial="AB12")
    assert f"device 0 is {places.dev}/video2 (C920) now, it was {places.dev}/video0" in said()
    unplug(places, 2)
    plug(places, 0, "Brio")
    assert f"device 0 is another camera now: {places.dev}/video0 (Brio)" in said()


def test_who_holds_a_device_is_named(tmp_path: Path) -> None:
    """Every process that has it open, by number and name; the device counts, not the path by which it was opened."""
    node = tmp_path / "video0"
    node.touch()
    wait = "import sys; print('ready', flush=True); sys.stdin.read()"
    with node.open("rb") as held:
        command = [sys.executable, "-c", wait]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[held.fileno()]
        ) as process:
            assert process.stdout
            process.stdout.readline()
            found = holders(node)
    assert {holder.pid for holder in found.found} == {process.pid, os.getpid()}
    assert f"process {process.pid} (python" in str(found)
    assert "this process itself, in an earlier read that hangs" in str(found)
    assert "no process to be found" in str(holders(node)) or "another user" in str(holders(node))


def test_processes_that_may_not_be_looked_into_are_reckoned_with(tmp_path: Path) -> None:
    """Where nobody is found, and some could not be looked at, it says so, with what finds out."""
    node, proc = tmp_path / "video0", tmp_path / "proc"
    node.touch()
    (proc / "123" / "fd").mkdir(parents=True)
    assert str(holders(node, proc)).startswith("no process to be found")

    def forbidden(_folder: Path) -> Iterator[Path]:
        raise PermissionError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "iterdir", forbidden)
        text = str(holders(node, proc))
    assert re.match(r"a process of another user, or outside of this container \('sudo fuser -v'", text)


def test_a_missing_device_is_named() -> None:
    """A device that is not there is named with its file, and so are those that are there."""
    for device, path in ((213, "/dev/video213"), ("/dev/v4l/by-id/no-such", "/dev/v4l/by-id/no-such")):
        with pytest.raises(SourceError, match=f"{path} is missing; cameras of this machine: "):
            DeviceSource(device).open()


def test_what_is_no_camera_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    """A character device that gives no video is refused in words of ours, without noise from a library."""
    with pytest.raises(SourceError, match="device /dev/null is no camera: /dev/null knows no VIDIOC_QUERYCAP"):
        DeviceSource("/dev/null").open()
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


def forbidden_words(node: Path, patch: pytest.MonkeyPatch) -> str:
    """How a device is refused that may not be opened."""
    patch.setattr(os, "access", lambda *_: False)  # root, as which tests run too, may open everything
    return reason(PermissionError(errno.EACCES, "Permission denied"), node, Path("/proc"))


def test_a_forbidden_device_names_its_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that the user may not open is refused with the group that may."""
    text = forbidden_words(tmp_path, monkeypatch)
    assert f"no permission for {tmp_path}; its group is {tmp_path.group()!r}" in text
    assert f"usermod -aG {tmp_path.group()} $USER" in text


def test_a_group_without_a_name_is_told_by_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container, the device's group often has no name: the refusal is still one line, with what to do there."""

    def no_name(_path: Path) -> str:
        raise KeyError

    monkeypatch.setattr(Path, "group", no_name)
    text = forbidden_words(tmp_path, monkeypatch)
    number = tmp_path.stat().st_gid
    assert f"group {number} has no name here" in text
    assert f"--group-add {number}" in text

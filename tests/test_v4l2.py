"""What of V4L2 needs no device: the kernel's structures, the names of cameras, who holds one, and who may open it."""

import ctypes
import errno
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from billiards_video.capture import SourceError
from billiards_video.capture.device import DeviceSource
from billiards_video.capture.v4l2 import abi
from billiards_video.capture.v4l2.cameras import Places, cameras, find, listing, unmistakable
from billiards_video.capture.v4l2.holders import holders
from billiards_video.capture.v4l2.jpeg import JPEGCheck
from billiards_video.capture.v4l2.pixels import Converter, Layout
from billiards_video.capture.v4l2.refusals import reason
from v4l2_camera import ImitationCamera

Pixels = npt.NDArray[np.uint8]

KERNEL = {
    abi.Capability: "v4l2_capability",
    abi.FormatDescription: "v4l2_fmtdesc",
    abi.FrameSize: "v4l2_frmsizeenum",
    abi.FrameInterval: "v4l2_frmivalenum",
    abi.PixelFormat: "v4l2_pix_format",
    abi.PlaneFormat: "v4l2_plane_pix_format",
    abi.PixelFormatPlanes: "v4l2_pix_format_mplane",
    abi.Format: "v4l2_format",
    abi.StreamParameters: "v4l2_streamparm",
    abi.RequestBuffers: "v4l2_requestbuffers",
    abi.Plane: "v4l2_plane",
    abi.Buffer: "v4l2_buffer",
    abi.QueryControl: "v4l2_queryctrl",
    abi.QueryMenu: "v4l2_querymenu",
    abi.Control: "v4l2_control",
}
FIELDS = {  # those with other names here, or a path of their own
    "numbers": "discrete",
    "encoding": "ycbcr_enc",
    "transfer": "xfer_func",
    "planes": "plane_fmt",
    "seconds": "timestamp.tv_sec",
    "microseconds": "timestamp.tv_usec",
    "numerator": "parm.capture.timeperframe.numerator",
    "denominator": "parm.capture.timeperframe.denominator",
    "capturemode": "parm.capture.capturemode",
}
REST = {"reserved", "rest", "capabilities", "capability"}  # of these, in some structures, the name is another one's
CONSTANTS = {
    "CAPTURE": "V4L2_BUF_TYPE_VIDEO_CAPTURE",
    "CAPTURE_MPLANE": "V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE",
    "MMAP": "V4L2_MEMORY_MMAP",
    "FIELD_NONE": "V4L2_FIELD_NONE",
    "CAP_CAPTURE": "V4L2_CAP_VIDEO_CAPTURE",
    "CAP_CAPTURE_MPLANE": "V4L2_CAP_VIDEO_CAPTURE_MPLANE",
    "CAP_STREAMING": "V4L2_CAP_STREAMING",
    "CAP_DEVICE_CAPS": "V4L2_CAP_DEVICE_CAPS",
    "DISCRETE": "V4L2_FRMSIZE_TYPE_DISCRETE",
    "BUFFER_ERROR": "V4L2_BUF_FLAG_ERROR",
    "BUFFER_STAMP_MASK": "V4L2_BUF_FLAG_TIMESTAMP_MASK",
    "BUFFER_STAMP_MONOTONIC": "V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC",
    "CONTROL_DISABLED": "V4L2_CTRL_FLAG_DISABLED",
    "CONTROL_READ_ONLY": "V4L2_CTRL_FLAG_READ_ONLY",
    "CONTROL_INACTIVE": "V4L2_CTRL_FLAG_INACTIVE",
    "CONTROL_MENU": "V4L2_CTRL_TYPE_MENU",
    "CONTROL_BOOLEAN": "V4L2_CTRL_TYPE_BOOLEAN",
    "BRIGHTNESS": "V4L2_CID_BRIGHTNESS",
    "CONTRAST": "V4L2_CID_CONTRAST",
    "SATURATION": "V4L2_CID_SATURATION",
    "AUTO_WHITE_BALANCE": "V4L2_CID_AUTO_WHITE_BALANCE",
    "AUTO_GAIN": "V4L2_CID_AUTOGAIN",
    "GAIN": "V4L2_CID_GAIN",
    "WHITE_BALANCE_TEMPERATURE": "V4L2_CID_WHITE_BALANCE_TEMPERATURE",
    "EXPOSURE_AUTO": "V4L2_CID_EXPOSURE_AUTO",
    "EXPOSURE_ABSOLUTE": "V4L2_CID_EXPOSURE_ABSOLUTE",
    "EXPOSURE_AUTO_PRIORITY": "V4L2_CID_EXPOSURE_AUTO_PRIORITY",
    "FOCUS_ABSOLUTE": "V4L2_CID_FOCUS_ABSOLUTE",
    "FOCUS_AUTO": "V4L2_CID_FOCUS_AUTO",
    "SENSOR_ROTATION": "V4L2_CID_CAMERA_SENSOR_ROTATION",
}


def expected() -> Iterator[tuple[str, int]]:
    """What is claimed here, each as an expression in C and its value."""
    for structure, name in KERNEL.items():
        yield f"sizeof(struct {name})", ctypes.sizeof(structure)
        for field, *_ in structure._fields_:
            if field not in REST:
                offset = getattr(structure, field).offset
                yield f"offsetof(struct {name}, {FIELDS.get(field, field)})", offset
    for request in (value for value in vars(abi).values() if isinstance(value, abi.Request)):
        yield request.name, request.number
    for ours, name in CONSTANTS.items():
        yield name, getattr(abi, ours)


def test_the_structures_are_the_kernel_s(tmp_path: Path) -> None:
    """Every structure, field, number and constant is that of linux/videodev2.h, as the C compiler sees it."""
    compiler = shutil.which("cc")
    if compiler is None or not Path("/usr/include/linux/videodev2.h").exists():
        sys.stderr.write("NOT TESTED (no C compiler, or no linux/videodev2.h): V4L2's structures\n")
        pytest.skip("no C compiler")
    claims = dict(expected())
    assert len(claims) > 100
    prints = "\n".join(f'printf("%llu\\n", (unsigned long long)({claim}));' for claim in claims)
    source, program = tmp_path / "claims.c", tmp_path / "claims"
    headers = "#include <stddef.h>\n#include <stdio.h>\n#include <linux/videodev2.h>\n"
    source.write_text(f"{headers}int main(void) {{ {prints} }}\n", encoding="ascii")
    subprocess.run([compiler, "-w", "-o", program, source], check=True)
    printed = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    truth = dict(zip(claims, map(int, printed.split()), strict=True))
    assert truth == claims


def test_pixel_formats_are_written_as_their_letters() -> None:
    """A format's number and its letters are one another's, also those of three letters."""
    for letters in ("MJPG", "YUYV", "Y16"):
        assert abi.letters(abi.fourcc(letters)) == letters
    assert abi.fourcc("Y16") == int.from_bytes(b"Y16 ", "little")


COLOURS = ((200, 60, 20), (30, 180, 90))  # blue and green, each half of a picture


def encoded(pixels: str, stride: int) -> Pixels:
    """A picture of 64x48, blue on the left and green on the right, as a camera would send it."""
    blue_green = np.zeros((48, 64, 3), np.uint8)
    blue_green[:, :32], blue_green[:, 32:] = COLOURS
    gray = cv2.cvtColor(blue_green, cv2.COLOR_BGR2GRAY)
    planar = cv2.cvtColor(blue_green, cv2.COLOR_BGR2YUV_I420).astype(np.uint8)
    y, u, v = planar[:48], planar[48:60].reshape(24, 32), planar[60:].reshape(24, 32)
    across = {"Y": y.reshape(48, 32, 2), "U": u.repeat(2, 0), "V": v.repeat(2, 0)}
    order = {"YUYV": "YUYV", "UYVY": "UYVY", "YVYU": "YVYU"}
    if pixels in order:
        counts = {"Y": 0}
        columns = []
        for letter in order[pixels]:
            columns.append(across["Y"][:, :, counts["Y"]] if letter == "Y" else across[letter])
            counts["Y"] += letter == "Y"
        rows = [np.stack(columns, 2).reshape(48, 128)]
    elif pixels in {"NV12", "NV21"}:
        pair = (u, v) if pixels == "NV12" else (v, u)
        rows = [y, np.stack(pair, 2).reshape(24, 64)]
    elif pixels in {"YU12", "YV12"}:
        rows = [y, *((u, v) if pixels == "YU12" else (v, u))]
    else:
        alpha = np.full((48, 64, 1), 9, np.uint8)
        packed: dict[str, npt.NDArray[np.generic]] = {
            "BGR3": blue_green,
            "RGB3": blue_green[:, :, ::-1],
            "XR24": np.concatenate([blue_green, alpha], 2),
            "GREY": gray,
            "Y16": gray.astype("<u2") * 256,
            "Y12": gray.astype("<u2") * 16,
            "Y10": gray.astype("<u2") * 4,
        }
        rows = [np.ascontiguousarray(packed[pixels]).view(np.uint8).reshape(48, -1)]
    width = rows[0].shape[1]
    padded = [np.pad(part, ((0, 0), (0, (stride - width) * part.shape[1] // width))) for part in rows]
    return np.concatenate([part.ravel() for part in padded])


@pytest.mark.parametrize("padding", [0, 64])
@pytest.mark.parametrize(
    "pixels",
    ["YUYV", "UYVY", "YVYU", "NV12", "NV21", "YU12", "YV12", "BGR3", "RGB3", "XR24", "GREY", "Y16", "Y12", "Y10"],
)
def test_colours_are_right(pixels: str, padding: int) -> None:
    """Every raw format becomes the blue, green and red that it was made of, with filling in its rows or without."""
    samples = {"YUYV": 2, "UYVY": 2, "YVYU": 2, "BGR3": 3, "RGB3": 3, "XR24": 4, "Y16": 2, "Y12": 2, "Y10": 2}
    stride = 64 * samples.get(pixels, 1) + padding
    data = encoded(pixels, stride)
    converter = Converter(Layout(pixels, 64, 48, stride))
    assert converter.whole(data)
    assert not converter.whole(data[: data.size // 2])
    out = np.zeros((48, 64, 3), np.uint8)
    assert converter.convert(data, out) is out
    gray = pixels in {"GREY", "Y16", "Y12", "Y10"}
    for colour, column in zip(COLOURS, (5, 58), strict=True):
        wanted = [round(0.114 * colour[0] + 0.587 * colour[1] + 0.299 * colour[2])] * 3 if gray else colour
        assert out[20, column].astype(int) == pytest.approx(wanted, abs=4)
    elsewhere = converter.convert(data, np.zeros((2, 2, 3), np.uint8))
    assert elsewhere is not None
    assert np.array_equal(elsewhere, out)


@pytest.mark.parametrize("pixels", ["BA81", "GBRG", "GRBG", "RGGB"])
def test_mosaics_have_their_colours(pixels: str) -> None:
    """A sensor's mosaic in each of its orders: what is blue in it comes out blue."""
    first = {"BA81": "BGGR", "GBRG": "GBRG", "GRBG": "GRBG", "RGGB": "RGGB"}[pixels]
    blue, green, red = COLOURS[0]
    tile = np.array([{"B": blue, "G": green, "R": red}[letter] for letter in first], np.uint8).reshape(2, 2)
    data = np.tile(tile, (24, 32)).ravel()
    out = np.zeros((48, 64, 3), np.uint8)
    assert Converter(Layout(pixels, 64, 48, 64)).convert(data, out) is out
    assert out[20, 20].astype(int) == pytest.approx(COLOURS[0], abs=1)


def picture_of(restart_every: int) -> Pixels:
    """A JPEG of noise, of 64x48, with a restart after so many of its 12 blocks of 16x16; 0 is none."""
    noise = np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8)
    options = [cv2.IMWRITE_JPEG_QUALITY, 90, cv2.IMWRITE_JPEG_RST_INTERVAL, restart_every]
    return cv2.imencode(".jpg", noise, options)[1].ravel().astype(np.uint8)


def restarts_in(jpeg: Pixels) -> list[int]:
    """Where they are."""
    return [found.start() for found in re.finditer(rb"\xff[\xd0-\xd7]", jpeg.tobytes())]


@pytest.mark.parametrize("restart_every", [0, 1])
def test_what_is_wrong_with_a_jpeg_shows_in_its_markers(restart_every: int) -> None:
    """Cut off, another one in its middle, bytes of something else: each is seen, and what follows the end is not."""
    good = picture_of(restart_every)
    half = good.size // 2
    noise = good.copy()
    noise[half : half + 2] = (0xFF, 0xE3)
    filled = np.concatenate([good, np.zeros(9000, np.uint8), good[:half]])
    wrong = [good[:half], np.concatenate([good[:half], good]), noise, good[:2], good[4:], good[:100], good[:0]]
    assert [JPEGCheck().passes(data) for data in (good, filled)] == [True, True]
    assert [JPEGCheck().passes(data) for data in wrong] == [False] * len(wrong)


def test_a_restart_that_is_left_out_shows() -> None:
    """Where a camera writes restarts, a piece that is missing between them is seen by their numbers."""
    good = picture_of(1)
    places = restarts_in(good)
    assert len(places) == 11  # more than there are numbers for: they begin anew
    without_one = np.delete(good, np.s_[places[4] : places[5]])
    assert JPEGCheck().passes(good)
    assert not JPEGCheck().passes(without_one)


def test_a_camera_s_own_fault_is_lived_with_until_it_can_do_better() -> None:
    """Pictures that all have the same fault are shown after ten of them; after a single one without, none is."""
    good = picture_of(0)
    check = JPEGCheck()
    assert [check.passes(good[:-2]) for _ in range(12)] == [False] * 10 + [True] * 2
    assert check.passes(good)
    assert [check.passes(good[:-2]) for _ in range(12)] == [False] * 12


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

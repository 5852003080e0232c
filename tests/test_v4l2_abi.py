"""The kernel's V4L2 structures, numbers and constants as they are written down here, against its own header."""

import ctypes
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from billiards_video.capture.v4l2 import abi

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

"""A V4L2 camera for tests, on machines that have none: the driver of `v4l2/driver.c`, and the knobs to turn on it.

    camera = ImitationCamera(folder / "dev" / "video0", modes=[Mode("MJPG", 640, 480, 30)])
    with preloaded(library) as worker:
        worker.submit(function_that_opens_the_node).result()

The driver is loaded into a process of its own with LD_PRELOAD; to it the file at that path is a device.
"""

import ctypes
import mmap
import multiprocessing
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from ctypes import Structure, c_int32, c_uint32, c_uint64
from pathlib import Path
from typing import NamedTuple, Self

import cv2
import numpy as np

DRIVER = Path(__file__).with_name("v4l2") / "driver.c"
_MAGIC = b"fake"
_ROOM = 1 << 31  # a device has no length, a file needs one: none of it is used
_KNOBS = 1 << 24
_CAPTURE, _CAPTURE_MPLANE, _STREAMING = 0x1, 0x1000, 0x0400_0000


class Mode(NamedTuple):
    """A pixel format, size and rate that the camera offers."""

    pixels: str
    width: int
    height: int
    fps: int
    padding: int = 0
    """Bytes of filling at the end of each row."""
    fps_denominator: int = 1


class Knob(NamedTuple):
    """A control that the camera has."""

    id: int
    minimum: int
    maximum: int
    value: int
    type: int = 1
    """1 integer, 2 boolean, 3 menu."""
    choices: int = 0
    """Of a menu: a bit for each."""
    stubborn: bool = False
    """It agrees to everything and changes nothing."""
    error: int = 0
    """What to fail with when it is set."""
    flags: int = 0


class _Mode(Structure):
    _fields_ = [(name, c_uint32) for name in ("fourcc", "width", "height", "numerator", "denominator", "padding")]


class _Control(Structure):
    _fields_ = [
        ("id", c_uint32),
        ("type", c_uint32),
        *((name, c_int32) for name in ("minimum", "maximum", "step", "value")),
        *((name, c_uint32) for name in ("flags", "choices", "stubborn", "error")),
    ]


class Camera(Structure):
    """The same as `struct camera` in the driver: knobs, then what the driver has made of them."""

    _fields_ = [
        *((name, c_uint32) for name in ("plugged", "frozen", "capabilities", "modes", "controls")),
        *((name, c_uint32) for name in ("least_buffers", "open_error", "format_error", "stream_error", "take_error")),
        *((name, c_uint32) for name in ("damaged_every", "torn_every", "lost_every")),
        *((name, c_uint32) for name in ("real_numerator", "real_denominator")),
        ("latency_us", c_int32),
        *((name, c_uint32) for name in ("foreign_clock", "refuses_format", "refused_buffers")),
        *((name, c_uint32) for name in ("first_number", "jpegs")),
        ("mode", _Mode * 16),
        ("control", _Control * 24),
        ("jpeg_offset", c_uint32 * 8),
        ("jpeg_size", c_uint32 * 8),
        *((name, c_uint32) for name in ("fourcc", "width", "height", "stride", "size")),
        *((name, c_uint32) for name in ("fps_numerator", "fps_denominator", "owner", "opened", "format_changes")),
        ("streams", c_uint32),
        *((name, c_uint64) for name in ("sent", "lost")),
    ]


def knobs_of(node: Path) -> Path:
    """The file with the knobs of the camera at a path."""
    return node.with_name(f"{node.name}.knobs")


class ImitationCamera:
    """A camera at a path. `knobs` is what the driver sees, at once and in every process."""

    def __init__(
        self,
        node: Path,
        *,
        modes: Sequence[Mode] = (Mode("YUYV", 64, 48, 100),),
        controls: Sequence[Knob] = (),
        jpegs: Sequence[bytes] = (),
        several_planes: bool = False,
    ) -> None:
        node.parent.mkdir(parents=True, exist_ok=True)
        node.write_bytes(_MAGIC)
        os.truncate(node, _ROOM)
        knobs_of(node).touch(0o600)
        os.truncate(knobs_of(node), _KNOBS)
        self.map(node)
        knobs = self.knobs
        kind = _CAPTURE_MPLANE if several_planes else _CAPTURE
        knobs.plugged, knobs.capabilities, knobs.least_buffers = 1, kind | _STREAMING, 2
        knobs.modes, knobs.controls, knobs.jpegs = len(modes), len(controls), len(jpegs)
        for offered, mode in zip(knobs.mode, modes, strict=False):
            pixels, *size, fps, padding, fps_denominator = mode
            code = int.from_bytes(pixels.encode(), "little")
            offered.__init__(code, *size, fps, fps_denominator, padding)
        for control, knob in zip(knobs.control, controls, strict=False):
            value = [knob.minimum, knob.maximum, 1, knob.value]
            control.__init__(knob.id, knob.type, *value, knob.flags, knob.choices, knob.stubborn, knob.error)
        offset = ctypes.sizeof(Camera)
        for number, jpeg in enumerate(jpegs):
            knobs.jpeg_offset[number], knobs.jpeg_size[number] = offset, len(jpeg)
            self._memory[offset : offset + len(jpeg)] = jpeg
            offset += len(jpeg)
        knobs.fourcc, knobs.width, knobs.height = knobs.mode[0].fourcc, knobs.mode[0].width, knobs.mode[0].height
        knobs.fps_numerator, knobs.fps_denominator = knobs.mode[0].numerator, knobs.mode[0].denominator

    @classmethod
    def attach(cls, node: Path) -> Self:
        """The camera that is at a path already, seen from another process."""
        camera = cls.__new__(cls)
        camera.map(node)
        return camera

    def map(self, node: Path) -> None:
        """Looks at the camera at a path."""
        self.node = node
        with knobs_of(node).open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _KNOBS)
        self.knobs = Camera.from_buffer(self._memory)

    def describe(self, sys: Path, name: str, *, index: int = 0, serial: str = "", port: str = "1-1") -> None:
        """Makes it known under `sys` as the kernel would: a USB camera of that name."""
        device = sys.parent / "devices" / port
        (device / "interface").mkdir(parents=True, exist_ok=True)
        for key, value in (("idVendor", "046d"), ("idProduct", "082d"), ("serial", serial)):
            (device / key).write_text(f"{value}\n", encoding="ascii")
        facts = sys / self.node.name
        facts.mkdir(parents=True, exist_ok=True)
        (facts / "name").write_text(f"{name}\n", encoding="utf-8")
        (facts / "index").write_text(f"{index}\n", encoding="ascii")
        (facts / "device").unlink(missing_ok=True)
        (facts / "device").symlink_to(device / "interface")


def gray_jpegs(width: int, height: int, count: int = 8) -> list[bytes]:
    """Pictures of one gray each, 20 apart."""
    grays = (np.full((height, width, 3), 20 + 20 * number, np.uint8) for number in range(count))
    return [cv2.imencode(".jpg", gray)[1].tobytes() for gray in grays]


def build_driver(folder: Path) -> Path | None:
    """Compiles the driver; None where there is no C compiler, or the kernel's headers are not there."""
    library = folder / "v4l2_driver.so"
    compiler = shutil.which("cc")
    command = [str(compiler), "-std=gnu11", "-O1", "-shared", "-fPIC", "-o", str(library), str(DRIVER), "-ldl"]
    if compiler is None or subprocess.run(command, capture_output=True, check=False).returncode:
        return None
    return library


@contextmanager
def preloaded(library: Path) -> Iterator[ProcessPoolExecutor]:
    """A process of its own that has the driver, and runs the functions that it is given."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as worker:
        os.environ["LD_PRELOAD"] = str(library)
        os.environ.pop("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", None)  # which a source has set here for good
        try:
            worker.submit(os.getpid).result(30)
        finally:
            del os.environ["LD_PRELOAD"]
        yield worker

"""A camera of this machine, by number or by path, through V4L2.

The order of the settings matters: many USB cameras offer their full size and rate in MJPG alone, so that is asked for
before the size, and the size before the rate. A driver may accept a setting and not apply it, so each is read back.
"""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cv2

from billiards_video.capture.opencv import OpenCVSource, Opened, codec, first_picture
from billiards_video.capture.source import Grabbed, Setting, SourceError

if TYPE_CHECKING:
    from billiards_video.capture.source import Pixels, SourceFacts

Backend = Literal["auto", "any", "v4l2", "gstreamer", "ffmpeg"]

_BACKENDS = {
    "auto": cv2.CAP_V4L2,
    "any": cv2.CAP_ANY,
    "v4l2": cv2.CAP_V4L2,
    "gstreamer": cv2.CAP_GSTREAMER,
    "ffmpeg": cv2.CAP_FFMPEG,
}
_AUTO_EXPOSURE = {"auto": 3, "manual": 1}  # as V4L2 counts; 0 and 2 are modes of lens priority
_SELECT_TIMEOUT = "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"
_OLDEST_STAMP_NS = 10_000_000_000


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """What is asked of a camera. None leaves a value as the camera has it."""

    width: int = 1920
    height: int = 1080
    fps: float = 30
    exposure_mode: Literal["auto", "manual"] = "auto"
    exposure_value: float | None = None
    gain: float | None = None
    brightness: float | None = None
    contrast: float | None = None
    saturation: float | None = None
    auto_focus: bool | None = None
    buffer_size: int = 2

    def in_order(self) -> list[tuple[str, int, float]]:
        """(name, OpenCV property, value) of all that is asked for, in the order in which a driver needs it."""
        wanted: list[tuple[str, int, float | None]] = [
            ("width", cv2.CAP_PROP_FRAME_WIDTH, self.width),
            ("height", cv2.CAP_PROP_FRAME_HEIGHT, self.height),
            ("fps", cv2.CAP_PROP_FPS, self.fps),
            ("buffer_size", cv2.CAP_PROP_BUFFERSIZE, self.buffer_size),
            ("exposure_mode", cv2.CAP_PROP_AUTO_EXPOSURE, _AUTO_EXPOSURE[self.exposure_mode]),
            ("exposure_value", cv2.CAP_PROP_EXPOSURE, self.exposure_value),
            ("gain", cv2.CAP_PROP_GAIN, self.gain),
            ("brightness", cv2.CAP_PROP_BRIGHTNESS, self.brightness),
            ("contrast", cv2.CAP_PROP_CONTRAST, self.contrast),
            ("saturation", cv2.CAP_PROP_SATURATION, self.saturation),
            ("auto_focus", cv2.CAP_PROP_AUTOFOCUS, self.auto_focus),
        ]
        return [(name, prop, float(value)) for name, prop, value in wanted if value is not None]


class DeviceSource(OpenCVSource):
    """A camera by number (0 is /dev/video0) or by path (/dev/v4l/by-id/... stays the same over a replug).

    `read_timeout` (seconds) is rounded up to whole ones, which is what OpenCV's V4L2 takes, for the whole process at
    once and from the environment: a value set there by the user stays.
    """

    def __init__(
        self,
        device: int | str,
        settings: DeviceSettings | None = None,
        *,
        backend: Backend = "auto",
        read_timeout: float = 5.0,
    ) -> None:
        super().__init__()
        self._device = device
        self._settings = settings or DeviceSettings()
        self._backend = _BACKENDS[backend]
        self._read_timeout = read_timeout
        self._read_back: tuple[Setting, ...] = ()

    @property
    def text(self) -> str:  # noqa: D102 - as in the interface
        return f"device {self._device}"

    def open(self) -> SourceFacts:  # noqa: D102 - as in the interface
        os.environ.setdefault(_SELECT_TIMEOUT, str(math.ceil(self._read_timeout)))
        return replace(super().open(), settings=self._read_back)

    def _begin(self) -> Opened:
        node = Path(f"/dev/video{self._device}") if isinstance(self._device, int) else Path(self._device)
        if self._backend == cv2.CAP_V4L2:
            self._check(node)
        elif self._backend != cv2.CAP_ANY and not cv2.videoio_registry.hasBackend(self._backend):
            name = cv2.videoio_registry.getBackendName(self._backend)
            raise SourceError(f"{self.text}: this OpenCV has no {name} backend; set vision.camera.backend to 'auto'")
        capture = cv2.VideoCapture(self._device, self._backend)
        try:
            picture = self._first_of(capture)
        except SourceError:
            capture.release()
            raise
        return Opened(capture, picture)

    def _first_of(self, capture: cv2.VideoCapture) -> Pixels:
        if not capture.isOpened():
            raise SourceError(
                f"{self.text} cannot be opened as a camera: another program may be using it ('fuser -v' names it),"
                " or it is a device without video ('v4l2-ctl --list-devices' lists those with)"
            )
        self._read_back = tuple(self._apply(capture))
        picture = first_picture(capture) if capture.grab() else None
        if picture is None:
            raise SourceError(
                f"{self.text} opens but gives no frame: the cable or hub may be too slow for"
                f" {self._settings.width}x{self._settings.height}, or the camera hangs: try a"
                " smaller resolution, replug it"
            )
        return picture

    def _apply(self, capture: cv2.VideoCapture) -> list[Setting]:
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        for _, prop, value in (in_order := self._settings.in_order()):
            capture.set(prop, value)
        read_back = [Setting("pixel_format", "MJPG", codec(capture))]
        for name, prop, value in in_order:  # once all are set: a later one may change an earlier one
            accepted = capture.get(prop)
            read_back.append(Setting(name, f"{value:g}", None if accepted == -1 else f"{accepted:g}"))
        return read_back

    def _check(self, node: Path) -> None:
        if not node.exists():
            present = ", ".join(sorted(str(path) for path in Path("/dev").glob("video*"))) or "none"
            raise SourceError(
                f"{self.text} does not exist: {node} is missing; video devices of this machine: {present}"
            )
        if not os.access(node, os.R_OK | os.W_OK):
            raise SourceError(f"{self.text} may not be opened: no permission for {node}; its group {_way_in(node)}")

    def grab(self) -> Grabbed:  # noqa: D102 - as in the interface
        capture = self._opened
        if not self._take_held() and not capture.grab():
            raise SourceError(f"{self.text} gives no more frames: unplugged, frozen or taken by an error of its driver")
        stamp = round(capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)  # V4L2: the driver's CLOCK_MONOTONIC
        fresh = 0 <= time.monotonic_ns() - stamp < _OLDEST_STAMP_NS
        return Grabbed(captured_ns=stamp if fresh else None)


def _way_in(node: Path) -> str:
    """What to do to be in a file's group; a container may know the group by its number alone."""
    try:
        group = node.group()
    except KeyError:
        number = node.stat().st_gid
        return f"{number} has no name here: if this is a container, run it with '--group-add {number}'"
    return f"is {group!r}: 'sudo usermod -aG {group} $USER', then log in again"

"""A camera of this machine through one of OpenCV's own backends, for devices that V4L2 alone does not serve.

The order of the settings matters: the pixel format is asked for before the size, and the size before the rate. A
backend may accept a setting and not apply it, so each is read back.
"""

from __future__ import annotations

import math
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cv2

from billiards_video.capture.device_settings import DeviceSettings
from billiards_video.capture.opencv import OpenCVSource, Opened, codec, first_picture
from billiards_video.capture.settings import FirstFrames
from billiards_video.capture.source import Grabbed, Setting, SourceError
from billiards_video.capture.v4l2 import cameras
from billiards_video.capture.v4l2.holders import PROC, holders
from billiards_video.capture.v4l2.node import Node
from billiards_video.capture.v4l2.refusals import reason

if TYPE_CHECKING:
    from billiards_video.capture.source import Pixels, SourceFacts

Backend = Literal["any", "v4l2", "gstreamer", "ffmpeg"]

_BACKENDS = {
    "any": cv2.CAP_ANY,
    "v4l2": cv2.CAP_V4L2,
    "gstreamer": cv2.CAP_GSTREAMER,
    "ffmpeg": cv2.CAP_FFMPEG,
}
_AUTO_EXPOSURE = {"auto": 3, "manual": 1}  # as V4L2 counts; 0 and 2 are modes of lens priority
_SELECT_TIMEOUT = "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"
_OLDEST_STAMP_NS = 10_000_000_000
_PLACES = cameras.Places()


class OpenCVDeviceSource(OpenCVSource):
    """A camera by number, path or name, as `DeviceSource`, opened with the backend named.

    `read_timeout` (seconds) is rounded up to whole ones, which is what OpenCV's V4L2 takes, for the whole process at
    once and from the environment: a value set there by the user stays. Other backends have their own.
    """

    def __init__(
        self,
        device: int | str,
        settings: DeviceSettings | None = None,
        *,
        backend: Backend,
        read_timeout: float = 5.0,
        places: cameras.Places = _PLACES,
        proc: Path = PROC,
    ) -> None:
        super().__init__()
        self._device = device
        self._settings = settings or DeviceSettings()
        self._backend = _BACKENDS[backend]
        self._read_timeout = read_timeout
        self._places = places
        self._proc = proc
        self._settled: tuple[Setting, ...] = ()
        self._rate = FirstFrames()

    @property
    def text(self) -> str:  # noqa: D102 - as in the interface
        return f"device {self._device}"

    def open(self) -> SourceFacts:  # noqa: D102 - as in the interface
        os.environ.setdefault(_SELECT_TIMEOUT, str(math.ceil(self._read_timeout)))
        self.measured_fps, self._rate = None, FirstFrames()
        return replace(super().open(), settings=self._settled)

    def _begin(self) -> Opened:
        node: int | str = self._device
        if self._backend == cv2.CAP_V4L2:
            node = str(self._usable_node())
        elif self._backend != cv2.CAP_ANY and not cv2.videoio_registry.hasBackend(self._backend):
            name = cv2.videoio_registry.getBackendName(self._backend)
            raise SourceError(f"{self.text}: this OpenCV has no {name} backend; set vision.camera.backend to 'auto'")
        capture = cv2.VideoCapture(node, self._backend)
        try:
            picture = self._first_of(capture, node)
        except SourceError:
            capture.release()
            raise
        return Opened(capture, picture)

    def _usable_node(self) -> Path:
        node = cameras.find(self._device, self._places).node
        try:
            with Node(node) as opened:  # OpenCV would not say why it cannot
                opened.identity()
        except OSError as error:
            raise SourceError(f"{self.text} {reason(error, node, self._proc)}") from None
        return node

    def _first_of(self, capture: cv2.VideoCapture, node: int | str) -> Pixels:
        if not capture.isOpened():
            who = holders(Path(str(node)), self._proc) if self._backend == cv2.CAP_V4L2 else None
            held = f"; it is held by {who}" if who is not None and who.found else ""
            raise SourceError(
                f"{self.text} cannot be opened as a camera: another program may be using it{held}, or it is a device"
                " without video ('v4l2-ctl --list-devices' lists those with)"
            )
        self._settled = tuple(self._settle(capture))
        picture = first_picture(capture) if capture.grab() else None
        if picture is None:
            raise SourceError(
                f"{self.text} opens but gives no frame: the cable or hub may be too slow for"
                f" {self._settings.width}x{self._settings.height}, or the camera hangs: try a"
                " smaller resolution, replug it"
            )
        return picture

    def _settle(self, capture: cv2.VideoCapture) -> list[Setting]:
        pixels = self._settings.pixel_format or "MJPG"
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*pixels.ljust(4)))
        for _, prop, value in (asked := in_order(self._settings)):
            capture.set(prop, value)
        settled = [Setting("pixel_format", pixels, codec(capture))]
        for name, prop, value in asked:  # once all are set: a later one may change an earlier one
            accepted = capture.get(prop)
            settled.append(Setting(name, f"{value:g}", None if accepted == -1 else f"{accepted:g}"))
        return settled

    def grab(self) -> Grabbed:  # noqa: D102 - as in the interface
        capture = self._opened
        if not self._take_held() and not capture.grab():
            raise SourceError(f"{self.text} gives no more frames: unplugged, frozen or taken by an error of its driver")
        now = time.monotonic_ns()
        stamp = round(capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)  # V4L2: the driver's CLOCK_MONOTONIC
        fresh = 0 <= now - stamp < _OLDEST_STAMP_NS
        self._rate.count(stamp if fresh else now)
        self.measured_fps = self._rate.fps
        return Grabbed(captured_ns=stamp if fresh else None)


def in_order(settings: DeviceSettings) -> list[tuple[str, int, float]]:
    """(name, OpenCV property, value) of all that is asked for, in the order in which a driver needs it.

    The queue's length before the rate: to set it, OpenCV sets up the stream anew, with a rate that it has rounded.
    """
    wanted: list[tuple[str, int, float | None]] = [
        ("width", cv2.CAP_PROP_FRAME_WIDTH, settings.width),
        ("height", cv2.CAP_PROP_FRAME_HEIGHT, settings.height),
        ("buffer_size", cv2.CAP_PROP_BUFFERSIZE, settings.buffer_size),
        ("fps", cv2.CAP_PROP_FPS, settings.fps),
        ("exposure_mode", cv2.CAP_PROP_AUTO_EXPOSURE, _AUTO_EXPOSURE[settings.exposure_mode]),
        ("exposure_value", cv2.CAP_PROP_EXPOSURE, settings.exposure_value),
        ("gain", cv2.CAP_PROP_GAIN, settings.gain),
        ("brightness", cv2.CAP_PROP_BRIGHTNESS, settings.brightness),
        ("contrast", cv2.CAP_PROP_CONTRAST, settings.contrast),
        ("saturation", cv2.CAP_PROP_SATURATION, settings.saturation),
        ("auto_focus", cv2.CAP_PROP_AUTOFOCUS, settings.auto_focus),
        ("focus", cv2.CAP_PROP_FOCUS, settings.focus),
        ("auto_white_balance", cv2.CAP_PROP_AUTO_WB, settings.auto_white_balance),
        ("white_balance_temperature", cv2.CAP_PROP_WB_TEMPERATURE, settings.white_balance_temperature),
    ]
    return [(name, prop, float(value)) for name, prop, value in wanted if value is not None]

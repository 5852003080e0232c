"""A camera of this machine, through V4L2.

Every wait ends after a given time, or at once when it is called off; every failure has the kernel's reason in it.
"""

from __future__ import annotations

import contextlib
import logging
import time
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from billiards_video.capture.device_settings import DeviceSettings
from billiards_video.capture.settings import FirstFrames
from billiards_video.capture.source import Grabbed, Setting, Source, SourceError, SourceFacts
from billiards_video.capture.v4l2 import abi, cameras, controls
from billiards_video.capture.v4l2.formats import choose
from billiards_video.capture.v4l2.frames import CalledOff, Frames
from billiards_video.capture.v4l2.holders import PROC
from billiards_video.capture.v4l2.node import Node
from billiards_video.capture.v4l2.pixels import Converter, Layout
from billiards_video.capture.v4l2.queue import Queue
from billiards_video.capture.v4l2.refusals import reason

if TYPE_CHECKING:
    from pathlib import Path

    from billiards_video.capture.source import Pixels
    from billiards_video.capture.v4l2.formats import Mode
    from billiards_video.capture.v4l2.queue import Frame

logger = logging.getLogger(__name__)

_USUAL_FPS = 30.0
_NS = 1_000_000_000
_PLACES = cameras.Places()


class DeviceSource(Source):
    """A camera of this machine.

    Named by number (0 is /dev/video0), by path (/dev/v4l/by-id/... stays the same over a replug), or "camera:" and its
    name or a part of it. Time-outs in seconds: `open_timeout` up to the first frame, `read_timeout` from one to the
    next. `places` and `proc` are where devices and processes are looked for.
    """

    def __init__(
        self,
        device: int | str,
        settings: DeviceSettings | None = None,
        *,
        open_timeout: float = 10.0,
        read_timeout: float = 5.0,
        places: cameras.Places = _PLACES,
        proc: Path = PROC,
    ) -> None:
        self._device = device
        self._settings = settings or DeviceSettings()
        self._open_timeout = open_timeout
        self._read_timeout = read_timeout
        self._places = places
        self._proc = proc
        self._camera: cameras.Camera | None = None  # the one that was opened last
        self._model: cameras.Model | None = None  # by which it is known again
        self._node: Node | None = None
        self._queue: Queue | None = None
        self._converter: Converter | None = None
        self._frames: Frames | None = None
        self._frame: Frame | None = None  # out of the queue
        self._first: Pixels | None = None  # the first frame, converted to learn its size, until it is retrieved
        self._held: Grabbed | None = None  # that frame, until grab() has given it
        self._rate = FirstFrames()
        self._cancelled = False

    @property
    def text(self) -> str:  # noqa: D102 - as in the interface
        return f"device {self._device}"

    def open(self) -> SourceFacts:  # noqa: D102 - as in the interface
        self.close()
        self.skipped, self.measured_fps, self._rate = 0, None, FirstFrames()
        camera = cameras.find(self._device, self._places, self._model)
        self._recognise(camera)
        try:
            return self._begin(camera)
        except OSError as error:
            self.close()
            raise SourceError(f"{self.text} {reason(error, camera.node, self._proc)}") from None
        except SourceError:
            self.close()
            raise

    def _recognise(self, camera: cameras.Camera) -> None:
        before, self._camera = self._camera, camera
        if before is not None and camera.model != before.model:
            logger.warning("%s is another camera now: %s, it was %s", self.text, camera, before)
        elif before is not None and camera.node != before.node:
            logger.warning("%s is %s now, it was %s", self.text, camera, before.node)
        self._model = cameras.unmistakable(camera, self._places)

    def _begin(self, camera: cameras.Camera) -> SourceFacts:
        wanted = self._settings
        self._node = node = Node(camera.node)
        identity = node.identity()
        kind = identity.kind
        if not identity.takes_pictures:
            others = [other for other in cameras.cameras(self._places) if other.node != camera.node]
            raise SourceError(f"{self.text} gives no pictures: {camera}; others here: {cameras.listing(others)}")
        layout = self._settle_format(node, kind, mode := self._choose(node, kind))
        fps = self._settle_rate(node, kind)
        wishes = _wishes(wanted)
        refused = controls.ask(node, wishes)
        self._queue = queue = Queue(node, kind, wanted.buffer_size)
        self._converter = converter = Converter(layout)
        self._frames = Frames(node, queue, converter, round(_NS / (fps or _USUAL_FPS)))
        height, width = self._take_first().shape[:2]
        settled = (
            Setting("device", str(self._device), f"{camera.node} ({identity.name})"),
            Setting("pixel_format", wanted.pixel_format or mode.pixels, layout.pixels),
            Setting(
                "resolution",
                f"{wanted.width}x{wanted.height}",
                f"{layout.width}x{layout.height}",
                f"{width}x{height}",
            ),
            Setting("fps", f"{wanted.fps:g}", None if fps is None else f"{fps:.4g}"),
            Setting("buffer_size", str(wanted.buffer_size), str(queue.count)),
        )
        return SourceFacts(width, height, fps, (*settled, *controls.read(node, wishes, refused)))

    def _choose(self, node: Node, kind: int) -> Mode:
        wanted = self._settings
        try:
            return choose(node, kind, wanted)
        except LookupError as error:
            named = wanted.pixel_format or "anything that can be shown"
            raise SourceError(f"{self.text} gives no pictures in {named}; it offers {error}") from None

    def _settle_format(self, node: Node, kind: int, mode: Mode) -> Layout:
        """Asks for a format; the driver has the last word."""
        asked = abi.Format(type=kind)
        several = kind == abi.CAPTURE_MPLANE
        pix = asked.fmt.pix_mp if several else asked.fmt.pix
        pix.width, pix.height, pix.pixelformat = mode.width, mode.height, abi.fourcc(mode.pixels)
        pix.field = abi.FIELD_NONE
        node.call(abi.S_FMT, asked)
        pixels = abi.letters(pix.pixelformat)
        if pixels != mode.pixels or (several and pix.num_planes != 1):
            planes = f" in {pix.num_planes} planes" if several else ""
            raise SourceError(
                f"{self.text} was asked for {mode.pixels} and gives {pixels}{planes}: set vision.camera.pixel_format to"
                " another one, or vision.camera.backend to 'v4l2', which leaves all this to OpenCV"
            )
        return Layout(pixels, pix.width, pix.height, pix.planes[0].bytesperline if several else pix.bytesperline)

    def _settle_rate(self, node: Node, kind: int) -> float | None:
        """Asks for a rate; None where the driver knows none."""
        rate = Fraction(self._settings.fps).limit_denominator(1001)
        asked = abi.StreamParameters(type=kind, numerator=rate.denominator, denominator=rate.numerator)
        try:
            known = node.has(abi.S_PARM, asked) and asked.numerator and asked.denominator
        except OSError:  # no rate is worth a camera: if it has failed, it will show
            known = False
        return asked.denominator / asked.numerator if known else None

    def _take_first(self) -> Pixels:
        """The first frame that can be shown: the size that a camera agreed to need not be the size of its pictures."""
        while True:
            grabbed = self._next(self._open_timeout)
            picture = self.retrieve(np.empty((0, 0, 3), np.uint8))
            if picture is not None:
                self._first, self._held = picture, grabbed
                return picture
            self.skipped += 1

    def grab(self) -> Grabbed:  # noqa: D102 - as in the interface
        held, self._held = self._held, None
        if held is not None:
            return held
        self._first = None
        return self._next(self._read_timeout)

    def _next(self, seconds: float) -> Grabbed:
        if self._frames is None or self._camera is None:
            raise SourceError(f"{self.text} is not open: call open() first")
        try:
            self._give_back()
            frame, lost = self._frames.next(seconds, lambda: self._cancelled)
        except CalledOff:
            raise SourceError(f"{self.text}: the wait for a frame was called off") from None
        except OSError as error:
            raise SourceError(f"{self.text} {reason(error, self._camera.node, self._proc, seconds)}") from None
        self._frame = frame
        self.skipped += lost
        self._rate.count(frame.stamp_ns or time.monotonic_ns(), 1 + lost)
        self.measured_fps = self._rate.fps
        return Grabbed(captured_ns=frame.stamp_ns, discontinuity=lost > 0)

    def retrieve(self, out: Pixels) -> Pixels | None:  # noqa: D102 - as in the interface
        first, self._first = self._first, None
        if first is not None:
            if first.shape != out.shape:
                return first
            np.copyto(out, first)
            return out
        if self._frame is None or self._converter is None or self._queue is None:
            raise SourceError(f"{self.text} has no frame to convert: call grab() first")
        picture = self._converter.convert(self._queue.data(self._frame), out)
        with contextlib.suppress(OSError):  # the frame is whole all the same; the next grab tries again, and says why
            self._give_back()
        return picture

    def _give_back(self) -> None:
        """Lets the driver fill the buffer again; where it refuses, the next call tries once more."""
        if self._frame is not None and self._queue is not None:
            self._queue.give_back(self._frame)
        self._frame = None

    def cancel(self) -> None:  # noqa: D102 - as in the interface
        self._cancelled = True

    def close(self) -> None:  # noqa: D102 - as in the interface
        self._frame = self._frames = self._first = self._held = None
        queue, self._queue = self._queue, None
        node, self._node = self._node, None
        converter, self._converter = self._converter, None
        for part in (queue, converter, node):
            if part is not None:
                part.close()


def _wishes(wanted: DeviceSettings) -> list[controls.Wish]:
    """What is asked of the controls: of each the automatism first, since with it on a value has no effect."""
    manual = wanted.exposure_mode == "manual"
    focus, temperature = wanted.focus, wanted.white_balance_temperature
    auto_focus = False if wanted.auto_focus is None and focus is not None else wanted.auto_focus
    auto_white = False if wanted.auto_white_balance is None and temperature is not None else wanted.auto_white_balance
    wish = controls.Wish
    return [
        wish("exposure_mode", abi.EXPOSURE_AUTO, wanted.exposure_mode, implied=not manual),
        wish("exposure_dynamic_framerate", abi.EXPOSURE_AUTO_PRIORITY, wanted.exposure_dynamic_framerate),
        wish("exposure_value", abi.EXPOSURE_ABSOLUTE, wanted.exposure_value if manual else None),
        wish("auto_gain", abi.AUTO_GAIN, None if wanted.gain is None else False, implied=True),
        wish("gain", abi.GAIN, wanted.gain),
        wish("brightness", abi.BRIGHTNESS, wanted.brightness),
        wish("contrast", abi.CONTRAST, wanted.contrast),
        wish("saturation", abi.SATURATION, wanted.saturation),
        wish("auto_focus", abi.FOCUS_AUTO, auto_focus, implied=wanted.auto_focus is None),
        wish("focus", abi.FOCUS_ABSOLUTE, focus),
        wish("auto_white_balance", abi.AUTO_WHITE_BALANCE, auto_white, implied=wanted.auto_white_balance is None),
        wish("white_balance_temperature", abi.WHITE_BALANCE_TEMPERATURE, temperature),
        wish("rotation", abi.SENSOR_ROTATION, None),
    ]

"""The source of frames: is it there, may it be opened, who has it, what does it offer, how many frames come."""

from __future__ import annotations

import os
import stat
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from billiards_video.capture import SourceEnded, SourceError
from billiards_video.capture.v4l2.cameras import Places, find
from billiards_video.capture.v4l2.holders import holders
from billiards_video.capture.v4l2.offers import offers
from billiards_video.capture.v4l2.refusals import reason, way_in
from billiards_video.cli.checks.check import Check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from billiards_video.capture import Source
    from billiards_video.capture.v4l2.offers import Offers
    from billiards_video.config import CameraConfig
    from billiards_video.metrics.reading import Reading

_LIST = "billiards-video list"
_CAMERA, _FORMATS, _RATE = "camera", "formats", "rate"
_MEASURING_SECONDS = 2.0
_ENOUGH = 0.9
_PATIENCE_SECONDS = 20.0


class Measured(NamedTuple):
    """What came of opening the source: the frames' size, and how many came a second."""

    width: int
    height: int
    fps: float | None
    nominal: float | None


class Findings:
    """What is found out about a source; `frames` is their size before they are preprocessed, where it became known."""

    def __init__(
        self,
        camera: CameraConfig,
        status: Reading | None,
        make: Callable[[], Source],
        places: Places | None = None,
    ) -> None:
        self._camera = camera
        self._status = status
        self._make = make
        self._places = places or Places()
        self.frames: tuple[int, int] | None = None

    def checks(self, *, quick: bool) -> Iterator[Check]:
        """Each finding in turn; the last of them opens the source, unless that would disturb somebody."""
        device = self._camera.device_id
        if self._camera.video_file_path is not None:
            yield from self._file(self._camera.video_file_path, quick=quick)
        elif isinstance(device, str) and device.startswith("synthetic"):
            yield Check(_CAMERA, "ok", f"{device}: drawn, no camera is needed")
            yield self._rate(quick=quick, free=True)
        elif isinstance(device, str) and "://" in device:
            yield Check(_CAMERA, "ok", f"{device}: a stream of the network")
            yield self._rate(quick=quick, free=self._status is None)
        elif isinstance(device, str) and not device.isdecimal() and not _is_device(device):
            yield from self._file(device, quick=quick)
        else:
            number = isinstance(device, int) or device.isdecimal()
            yield from self._device(int(device) if number else device, quick=quick)

    def _file(self, path: str, *, quick: bool) -> Iterator[Check]:
        there = Path(path)
        if "%" in there.name or there.is_dir():
            yield Check(_CAMERA, "ok", f"{path}: pictures")
        elif not there.exists():
            text = f"file {path} does not exist (looked in {Path.cwd()})"
            yield Check(_CAMERA, "problem", text, "correct video_file_path, or start in the right folder")
            return
        elif not os.access(there, os.R_OK):
            yield Check(_CAMERA, "problem", f"file {path} may not be read", f"sudo chmod a+r {path}")
            return
        else:
            yield Check(_CAMERA, "ok", f"file {path}")
        yield self._rate(quick=quick, free=True)

    def _device(self, device: int | str, *, quick: bool) -> Iterator[Check]:
        try:
            camera = find(device, self._places)
        except SourceError as error:
            yield Check(_CAMERA, "problem", str(error), _LIST)
            return
        node = camera.node
        if not os.access(node, os.R_OK | os.W_OK):
            yield Check(_CAMERA, "problem", f"{camera}: no permission", _command(way_in(node)))
            return
        users = holders(node)
        own = None if self._status is None else self._status.pid
        strangers = [holder for holder in users.found if holder.pid != own]
        if strangers:
            ends = "kill " + " ".join(str(holder.pid) for holder in strangers)
            yield Check(_CAMERA, "warning", f"{camera} is open in {users}: whoever streams first has it alone", ends)
        elif users.found:
            yield Check(_CAMERA, "ok", f"{camera}, in use by the capture process, pid {own}")
        else:
            yield Check(_CAMERA, "ok", f"{camera}, free")
        try:
            offered = offers(node)
        except OSError as error:
            yield Check(_FORMATS, "problem", f"{camera} {reason(error, node, Path('/proc'))}")
            return
        if offered is None:
            yield Check(
                _CAMERA,
                "problem",
                f"{camera} gives no pictures: another node of the same camera does",
                _LIST,
            )
            return
        yield self._formats(offered)
        yield self._rate(quick=quick, free=not users.found)

    def _formats(self, offered: Offers) -> Check:
        width, height = self._camera.resolution
        wanted, fps = self._camera.pixel_format, self._camera.fps
        names = ", ".join(offer.pixels for offer in offered.formats)
        if not offered.formats:
            return Check(_FORMATS, "problem", "it offers none", "replug it; 'dmesg' has what its driver says")
        if wanted is not None and wanted not in {offer.pixels for offer in offered.formats}:
            remedy = "set vision.camera.pixel_format to one of them, or null"
            return Check(_FORMATS, "problem", f"it has no {wanted}; it has {names}", remedy)
        rates = [
            rate
            for offer in offered.formats
            for size in offer.sizes
            if size.largest is not None or (size.width, size.height) == (width, height)
            for rate in size.rates or (fps,)
        ]
        if not rates and any(offer.sizes for offer in offered.formats):
            text = f"{names}, none in {width}x{height}: the nearest size will be taken"
            return Check(_FORMATS, "warning", text, _LIST)
        if rates and max(rates) < _ENOUGH * fps:
            text = f"{names}; {width}x{height} comes {max(rates):.4g} times a second at most, {fps:g} are asked for"
            return Check(_FORMATS, "warning", text, _LIST)
        self.frames = width, height
        return Check(_FORMATS, "ok", f"{names}; {width}x{height} is among them")

    def _rate(self, *, quick: bool, free: bool) -> Check:
        if self._status is not None and not (self._is_drawn and free):
            return _told(self._status)
        reason = "the camera is in use: it is left alone" if not free else "--quick does not open the source"
        if quick or not free:
            return Check(_RATE, "not checked", reason)
        measured = self._measure()
        if isinstance(measured, str):
            return Check(_RATE, "problem", measured)
        self.frames = measured.width, measured.height
        if measured.fps is None:
            return Check(_RATE, "not checked", f"{measured.width}x{measured.height}; it has too few frames to say")
        return _judged(measured.fps, measured.nominal, f"{measured.width}x{measured.height}, measured here")

    @property
    def _is_drawn(self) -> bool:
        return self._camera.video_file_path is not None or str(self._camera.device_id).startswith("synthetic")

    def _measure(self) -> Measured | str:
        """Opens the source in a thread of its own, since it may hang; gives what is wrong where that is so."""
        found: list[Measured | str] = []

        def work() -> None:
            try:
                found.append(_measure(self._make()))
            except (SourceError, ValueError) as error:
                found.append(str(error))

        thread = threading.Thread(target=work, name="source", daemon=True)
        thread.start()
        thread.join(_PATIENCE_SECONDS)
        return found[0] if found else f"opening the source did not come to an end in {_PATIENCE_SECONDS:g} s: it hangs"


def _told(status: Reading) -> Check:
    fps, nominal = status.told.number("fps"), status.told.number("nominal_fps")
    if fps is None:
        return Check(_RATE, "not checked", "the source is in use, and its writer does not tell")
    how = f"as the capture process, pid {status.pid}, has it"
    if not fps:
        return Check(_RATE, "warning", f"no frames come just now ({how})", f"billiards-video status {status.name}")
    return _judged(fps, nominal, how)


def _is_device(path: str) -> bool:
    if path.startswith(("/dev/", "camera:")):
        return True
    try:
        return stat.S_ISCHR(Path(path).stat().st_mode)
    except OSError:
        return False


def _measure(source: Source) -> Measured:
    facts = source.open()
    try:
        source.grab()  # taken by opening
        began = first = time.monotonic()
        frames = 0
        while (now := time.monotonic()) - began < _MEASURING_SECONDS:
            try:
                grabbed = source.grab()
            except SourceEnded:
                break
            if grabbed.due_ns is not None:  # a source that can be faster than its frames are due
                time.sleep(max(0.0, grabbed.due_ns / 1e9 - time.monotonic()))
            frames += 1
            now = time.monotonic()
        lasted = now - first
    finally:
        source.close()
    return Measured(facts.width, facts.height, frames / lasted if frames > 1 else None, facts.fps)


def _judged(fps: float, nominal: float | None, how: str) -> Check:
    text = f"{fps:.1f} frames a second" + ("" if nominal is None else f" of {nominal:.4g}") + f" ({how})"
    if nominal is not None and fps < _ENOUGH * nominal:
        remedy = (
            "more light, or vision.camera.exposure_dynamic_framerate false; a smaller resolution; a USB port of its own"
        )
        return Check(_RATE, "warning", f"{text}: fewer than agreed", remedy)
    return Check(_RATE, "ok", text)


def _command(words: str) -> str:
    """The command in a sentence, where there is one."""
    quoted = words.partition("'sudo ")[2].partition("'")[0]
    return f"sudo {quoted}  (then log in again)" if quoted else words

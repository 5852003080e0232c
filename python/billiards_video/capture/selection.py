"""Which source a configuration asks for."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from billiards_video.capture.source import Source
    from billiards_video.config import CameraConfig

_SYNTHETIC = re.compile(r"synthetic(?::(?P<width>\d{1,5})x(?P<height>\d{1,5})(?:@(?P<fps>\d{1,3}(?:\.\d+)?))?)?")


def source_for(camera: CameraConfig) -> Source:
    """Makes the source, without opening it: the file where one is named, else what `device_id` stands for.

    Raises `ValueError` where `device_id` stands for nothing.
    """
    # Each kind is imported where it is chosen: a synthetic source needs no decoder, a file no V4L2.
    if camera.video_file_path is not None:
        return _file(camera, camera.video_file_path)
    device = camera.device_id
    if isinstance(device, str):
        if device.startswith("synthetic"):
            return _synthetic(device)
        if "://" in device:
            from billiards_video.capture.stream import StreamSource  # noqa: PLC0415

            # Opening a stream includes finding out what is in it, which takes some of them seconds.
            return StreamSource(device, open_timeout=2 * camera.read_timeout, read_timeout=camera.read_timeout)
        if not device.isdecimal() and not _is_device(device):
            return _file(camera, device)
    return _device(camera, device)


def _file(camera: CameraConfig, path: str) -> Source:
    from billiards_video.capture.file import FileSource  # noqa: PLC0415

    return FileSource(
        path, loop=camera.loop_video, start_frame=camera.video_start_frame, end_frame=camera.video_end_frame
    )


def _synthetic(text: str) -> Source:
    from billiards_video.capture.synthetic import SyntheticSource  # noqa: PLC0415

    match = _SYNTHETIC.fullmatch(text)
    if not match:
        raise ValueError(f"vision.camera.device_id {text!r}: a synthetic source is written synthetic:1280x720@60")
    try:
        return SyntheticSource(
            width=int(match["width"] or 1920), height=int(match["height"] or 1080), fps=float(match["fps"] or 30)
        )
    except ValueError as error:
        raise ValueError(f"vision.camera.device_id {text!r}: {error}") from None


def _is_device(path: str) -> bool:
    try:
        return stat.S_ISCHR(Path(path).stat().st_mode)
    except OSError:
        return path.startswith("/dev/")  # a camera that is not plugged in yet


def _device(camera: CameraConfig, device: int | str) -> Source:
    from billiards_video.capture.device import DeviceSettings, DeviceSource  # noqa: PLC0415

    width, height = camera.resolution
    settings = DeviceSettings(
        width=width,
        height=height,
        fps=camera.fps,
        exposure_mode=camera.exposure_mode,
        exposure_value=camera.exposure_value,
        gain=camera.gain,
        brightness=camera.brightness,
        contrast=camera.contrast,
        saturation=camera.saturation,
        auto_focus=camera.auto_focus,
        buffer_size=camera.buffer_size,
    )
    number = int(device) if isinstance(device, int) or device.isdecimal() else device
    return DeviceSource(number, settings, backend=camera.backend, read_timeout=camera.read_timeout)

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
            return _stream(camera, device)
        if device.startswith("camera:"):
            if not device.removeprefix("camera:").strip():
                raise ValueError(f"vision.camera.device_id {device!r}: a camera's name is written camera:C920")
        elif not device.isdecimal() and not _is_device(device):
            return _file(camera, device)
    return _device(camera, device)


def _open_timeout(camera: CameraConfig) -> float:
    # A camera takes longer to begin than from frame to frame, and some streams take seconds to say what is in them.
    return camera.open_timeout or 2 * camera.read_timeout


def _stream(camera: CameraConfig, url: str) -> Source:
    from billiards_video.capture.stream import StreamSource  # noqa: PLC0415

    transport = {} if camera.rtsp_transport == "auto" else {"rtsp_transport": camera.rtsp_transport}
    return StreamSource(
        url,
        open_timeout=_open_timeout(camera),
        read_timeout=camera.read_timeout,
        threads=camera.decoder_threads,
        options={**transport, **camera.stream_options},
    )


def _file(camera: CameraConfig, path: str) -> Source:
    from billiards_video.capture.file import FileSource  # noqa: PLC0415
    from billiards_video.capture.sequence import SequenceSource, is_sequence  # noqa: PLC0415

    if is_sequence(path):
        return SequenceSource(
            path,
            fps=camera.fps,
            loop=camera.loop_video,
            start_frame=camera.video_start_frame,
            end_frame=camera.video_end_frame,
            paced=camera.video_pace == "realtime",
        )
    return FileSource(
        path,
        loop=camera.loop_video,
        start_frame=camera.video_start_frame,
        end_frame=camera.video_end_frame,
        pace=camera.video_pace,
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
    from billiards_video.capture.device_settings import DeviceSettings  # noqa: PLC0415

    width, height = camera.resolution
    settings = DeviceSettings(
        width=width,
        height=height,
        fps=camera.fps,
        pixel_format=camera.pixel_format,
        exposure_mode=camera.exposure_mode,
        exposure_value=camera.exposure_value,
        exposure_dynamic_framerate=camera.exposure_dynamic_framerate,
        gain=camera.gain,
        brightness=camera.brightness,
        contrast=camera.contrast,
        saturation=camera.saturation,
        auto_focus=camera.auto_focus,
        focus=camera.focus,
        auto_white_balance=camera.auto_white_balance,
        white_balance_temperature=camera.white_balance_temperature,
        buffer_size=camera.buffer_size,
    )
    name = int(device) if isinstance(device, int) or device.isdecimal() else device
    if camera.backend == "auto":
        from billiards_video.capture.device import DeviceSource  # noqa: PLC0415

        return DeviceSource(name, settings, open_timeout=_open_timeout(camera), read_timeout=camera.read_timeout)
    from billiards_video.capture.opencv_device import OpenCVDeviceSource  # noqa: PLC0415

    return OpenCVDeviceSource(name, settings, backend=camera.backend, read_timeout=camera.read_timeout)

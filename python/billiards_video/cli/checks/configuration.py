"""The configuration file, and whether the lens's calibration fits the frames."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from billiards_video.cli.checks.check import Check
from billiards_video.config import Config, ConfigError, load

if TYPE_CHECKING:
    from billiards_video.config import VideoConfig

_CONFIGURATION, _CALIBRATION = "configuration", "calibration"


def configuration(path: str | None) -> tuple[list[Check], Config | None]:
    """Reads it as the capture process would; None where it could not."""
    file = path or "config.json"
    try:
        loaded = load(None if path is None else Path(path), os.environ)
    except ConfigError as error:
        remedy = f"edit {file}; docs/configuration.md has the keys"
        return [Check(_CONFIGURATION, "problem", line, remedy) for line in str(error).splitlines()], None
    warnings = [
        Check(_CONFIGURATION, "warning", text, "" if "no config.json" in text else f"edit {file}")
        for text in loaded.warnings
    ]
    return [*warnings, Check(_CONFIGURATION, "ok", f"{loaded.origin} can be used")], loaded.config


def calibration(video: VideoConfig, frames: tuple[int, int] | None) -> Check:
    """Whether the calibration is there, can be read, and suits frames of this size, before they are preprocessed."""
    if not video.enable_distortion_correction:
        return Check(_CALIBRATION, "ok", "no correction of the lens is asked for")
    from billiards_video.capture.preprocessing import PreprocessingError, preprocessing_for  # noqa: PLC0415 - OpenCV

    try:
        preprocessing, warning = preprocessing_for(video)
    except ValueError as error:
        return Check(_CALIBRATION, "problem", str(error), "calibrate again; docs/preprocessing.md says how")
    if warning is not None:
        return Check(_CALIBRATION, "warning", warning, "set video.calibration_file_path to a file that is there")
    if frames is None or preprocessing is None:
        text = f"{video.calibration_file_path} can be read; the size of frames is not known"
        return Check(_CALIBRATION, "not checked", text)
    width, height = frames
    try:
        preprocessing.size(width, height)
    except PreprocessingError as error:
        return Check(_CALIBRATION, "problem", str(error), "set vision.camera.resolution as said, or calibrate again")
    return Check(_CALIBRATION, "ok", f"{video.calibration_file_path} suits frames of {width}x{height}")

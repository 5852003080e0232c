"""What is asked of a camera of this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """What is asked of a camera. None leaves a value as the camera has it."""

    width: int = 1920
    height: int = 1080
    fps: float = 30
    pixel_format: str | None = None
    """Four letters (MJPG, YUYV, ...); None takes what brings the most frames."""
    exposure_mode: Literal["auto", "manual"] = "auto"
    exposure_value: float | None = None
    """With manual exposure only."""
    exposure_dynamic_framerate: bool | None = None
    gain: float | None = None
    brightness: float | None = None
    contrast: float | None = None
    saturation: float | None = None
    auto_focus: bool | None = None
    focus: float | None = None
    auto_white_balance: bool | None = None
    white_balance_temperature: float | None = None
    buffer_size: int = 2

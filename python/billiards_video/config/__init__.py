"""The configuration of the capture process. Loads a validation library: a reader has no business here."""

from billiards_video.config.load import DEFAULT_FILE, ConfigError, Loaded, load
from billiards_video.config.model import CameraConfig, Config, PreprocessingConfig, VideoConfig

__all__ = [
    "DEFAULT_FILE",
    "CameraConfig",
    "Config",
    "ConfigError",
    "Loaded",
    "PreprocessingConfig",
    "VideoConfig",
    "load",
]

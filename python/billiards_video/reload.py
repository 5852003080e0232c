"""SIGHUP: a configuration that was edited is brought into force while the capture runs on, or is refused as a whole."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from billiards_video.capture.preprocessing import preprocessing_for
from billiards_video.capture.selection import source_for
from billiards_video.capture.source import SourceError
from billiards_video.capture_plan import CapturePlan
from billiards_video.changed_settings import changes, without_fixed
from billiards_video.config import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from billiards_video.capture import Source
    from billiards_video.capture_relay import CaptureRelay
    from billiards_video.config import CameraConfig, Config, Loaded

logger = logging.getLogger(__name__)

_SIZE_KEYS = ("device_id", "video_file_path", "resolution", "pixel_format", "backend", "stream_options")
"""Those of `vision.camera` that decide on the size of the frames."""


class Reload:
    """Reads the configuration again, with `read`. An `own_source` is not the configuration's affair."""

    def __init__(self, read: Callable[[], Loaded], relay: CaptureRelay, *, own_source: bool) -> None:
        self._read = read
        self._relay = relay
        self._own_source = own_source

    def read_anew(self, old: Config) -> Config:
        """Brings what was edited into force, as far as that is possible, or leaves all be; gives what is in force."""
        try:
            loaded = self._read()
            if not loaded.has_file:
                logger.warning("SIGHUP: there is no configuration file to read: the settings stay as they are")
                return old
            return self._change_to(loaded, old)
        except (ConfigError, SourceError, ValueError) as error:
            for line in str(error).splitlines():
                logger.error("SIGHUP: the old settings stay in force: %s", line)  # noqa: TRY400 - the user's affair
            return old

    def _change_to(self, loaded: Loaded, old: Config) -> Config:
        running = preprocessing = self._relay.plan.preprocessing
        changed = changes(old, loaded.config)
        config = without_fixed(old, loaded.config)
        source, warning = None, None
        if changed.source and not self._own_source:
            source = source_for(config.vision.camera)
        anew = changed.preprocessing or config.video.enable_distortion_correction  # that file may be another one now
        if anew or source is not None:
            fresh, warning = preprocessing_for(config.video)
            size = self._size_of(source, old.vision.camera, config.vision.camera)
            if fresh is not None and size is not None:
                fresh.size(*size)  # before it is too late to refuse it
            preprocessing = fresh if anew else running
        level, root = logging.getLevelNamesMapping()[config.system.logging.level], logging.getLogger()
        root.setLevel(min(level, root.level))  # what is changed is told by the more talkative of both
        logger.info("SIGHUP: %s was read anew: %s", loaded.origin, changed)
        if changed.restart:
            logger.warning("In force only when the process is started anew: %s", ", ".join(changed.restart))
        if changed.source and source is None:
            logger.warning("Not in force, as the source is the program's own: %s", ", ".join(changed.source))
        for text in (*loaded.warnings, *filter(None, [warning])):
            logger.warning("%s", text)
        if preprocessing is not running:
            logger.info("Frames are %s from now on", preprocessing or "published as they come")
        root.setLevel(level)
        self._relay.change(CapturePlan(config.vision.camera, preprocessing), source)
        return config

    def _size_of(self, source: Source | None, old: CameraConfig, new: CameraConfig) -> tuple[int, int] | None:
        """Width and height of the frames to come, where that is known. Raises `SourceError` as `Source.examine`."""
        told = None if source is None else source.examine()
        if told is not None:
            return told
        # A file under the same path may be another one by now.
        stays = source is None or (source.live and all(getattr(new, key) == getattr(old, key) for key in _SIZE_KEYS))
        return self._relay.size if stays else None

"""What a configuration that was read anew changes, and what each change takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from billiards_video.config import Config

_FIXED = ("shared_memory_name", "max_buffers", "access")  # in `video`: they go with the name, which is taken once
_READERS = "video.shared_memory_attach_timeout_sec"
_PREPROCESSING = ("video.preprocessing.", "video.enable_distortion_correction", "video.calibration_file_path")
_SOURCE = "vision.camera."
_NOT_THE_SOURCE = {
    _SOURCE + key
    for key in (
        "auto_reconnect",
        "reconnect_delay",
        "max_reconnect_attempts",
        "exit_after_reconnect_attempts",
        "bad_picture_after",
        "stop_timeout",
        "frame_log_interval",
    )
}


class Changes(NamedTuple):
    """The keys that have changed, by what it takes to bring them into force."""

    at_once: tuple[str, ...]
    source: tuple[str, ...]
    """Another source is to be made and opened."""
    preprocessing: tuple[str, ...]
    """Frames are treated otherwise from the next one on."""
    restart: tuple[str, ...]
    """Not in force before the process is started anew."""

    def __str__(self) -> str:
        """In words, for the log."""
        words = [
            ("in force at once", self.at_once),
            ("the source is opened again for", self.source),
            ("frames are treated otherwise by", self.preprocessing),
        ]
        nothing = "nothing that can change while it runs" if self.restart else "nothing has changed"
        return "; ".join(f"{what}: {', '.join(keys)}" for what, keys in words if keys) or nothing


def changes(old: Config, new: Config) -> Changes:
    """Compares two configurations; what concerns other processes alone is left out."""
    before, after = dict(_flat(old.model_dump())), dict(_flat(new.model_dump()))
    changed = [key for key in after if after[key] != before[key] and key != _READERS]
    restart = [key for key in changed if key in {f"video.{fixed}" for fixed in _FIXED}]
    source = [key for key in changed if key.startswith(_SOURCE) and key not in _NOT_THE_SOURCE]
    preprocessing = [key for key in changed if key.startswith(_PREPROCESSING)]
    slow = {*restart, *source, *preprocessing}
    at_once = [key for key in changed if key not in slow]
    return Changes(tuple(at_once), tuple(source), tuple(preprocessing), tuple(restart))


def without_fixed(old: Config, new: Config) -> Config:
    """`new`, as far as it can be in force while the process runs."""
    kept = {key: getattr(old.video, key) for key in _FIXED}
    return new.model_copy(update={"video": new.video.model_copy(update=kept)})


def _flat(section: dict[str, Any], path: str = "") -> Iterator[tuple[str, object]]:
    for key, value in section.items():
        if isinstance(value, dict) and key != "stream_options":  # which is a value
            yield from _flat(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value

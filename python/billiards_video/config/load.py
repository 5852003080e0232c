"""Reads `config.json` and the environment into a `Config`, and says in one line what is wrong with them."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import BaseModel, ValidationError

from billiards_video.config.model import Config, SharedSection
from billiards_video.config.schema import allowed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic_core import ErrorDetails

DEFAULT_FILE = Path("config.json")
DEFAULTS = "defaults"

_SURE = 0.8  # how alike a key in a shared section must be to one of ours, to be taken for a slip of the pen


class ConfigError(Exception):
    """The configuration cannot be used; the text has one line for each mistake."""


class Loaded(NamedTuple):
    """A configuration, with what is to be said about it once there is a log."""

    config: Config
    origin: str
    warnings: tuple[str, ...]

    @property
    def has_file(self) -> bool:
        """Whether it was read from a file, and is not made of the defaults alone."""
        return self.origin != DEFAULTS


def load(path: Path | None, environ: Mapping[str, str]) -> Loaded:
    """Reads the file at `path`; without one, `./config.json`, or the defaults where that does not exist.

    `VIDEO_FILE` in `environ` names a file to play, in a loop; `LOG_LEVEL` is the level of the log. Both win over
    the file and are never written back. Raises `ConfigError`.
    """
    warnings: list[str] = []
    origin, data = str(path or DEFAULT_FILE), {}
    try:
        data = _read(path or DEFAULT_FILE)
    except FileNotFoundError:
        if path is not None:
            raise ConfigError(f"{path}: this configuration file does not exist (looked in {Path.cwd()})") from None
        origin = DEFAULTS
        warnings.append(f"no {DEFAULT_FILE} in {Path.cwd()}: the defaults are used")
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        raise ConfigError("\n".join(_complaints(origin, data, error))) from None
    warnings += _unknown(origin, Config, data, ())
    return Loaded(_overridden(config, environ), origin, tuple(warnings))


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        data = json.loads(text)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}: line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from None
    except RecursionError:
        raise ConfigError(f"{path}: not a configuration: nested too deeply") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: holds {_shown(data)}; allowed: an object, {{ ... }}, of sections")
    return data


def _complaints(origin: str, data: dict[str, Any], error: ValidationError) -> Iterator[str]:
    said: set[tuple[str, ...]] = set()
    for detail in error.errors(include_url=False):
        key, value = _key_and_value(data, detail)
        if key in said:  # a key of several types complains once for each
            continue
        said.add(key)
        own_words = detail.get("ctx", {}).get("error") if isinstance(value, dict) else None
        if own_words:
            yield f"{origin}: {'.'.join(key)}: {own_words}"
        else:
            yield f"{origin}: {'.'.join(key)} is {_shown(value)}; allowed: {allowed(key)}"


def _key_and_value(data: dict[str, Any], detail: ErrorDetails) -> tuple[tuple[str, ...], object]:
    key: list[str] = []
    model: type[BaseModel] | None = Config
    value: object = data
    for part in detail["loc"]:
        if model is None or not isinstance(value, dict):
            break  # the rest is inside a value: an index, the name of a type
        key.append(str(part))
        value = value.get(str(part))
        model = _section(model, str(part))
    return tuple(key), value


def _section(model: type[BaseModel], key: str) -> type[BaseModel] | None:
    kind = model.model_fields[key].annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _unknown(origin: str, model: type[BaseModel], data: dict[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    known = model.model_fields
    for key, value in data.items():
        if key in known:
            section = _section(model, key)
            if section is not None:
                yield from _unknown(origin, section, value, (*path, key))
        elif not key.startswith(("_", "$")):  # comments, "$schema"
            shared = issubclass(model, SharedSection)
            candidates = [name for name in known if not shared or name not in data]
            for near in difflib.get_close_matches(key, candidates, 1, _SURE if shared else 0.0):
                name, meant = ".".join((*path, key)), ".".join((*path, near))
                yield f"{origin}: {name} is unknown and ignored; the nearest known key is {meant}"


def _overridden(config: Config, environ: Mapping[str, str]) -> Config:
    video_file, level = environ.get("VIDEO_FILE"), environ.get("LOG_LEVEL")
    camera, logging = config.vision.camera, config.system.logging
    if video_file:
        camera = camera.model_copy(update={"video_file_path": video_file, "loop_video": True})
    if level:
        try:
            logging = type(logging)(level=level)  # type: ignore[arg-type] # pydantic is to say whether it is one
        except ValidationError:
            raise ConfigError(
                f"environment: LOG_LEVEL is {_shown(level)}; allowed: {allowed(('system', 'logging', 'level'))}"
            ) from None
    return config.model_copy(
        update={
            "vision": config.vision.model_copy(update={"camera": camera}),
            "system": config.system.model_copy(update={"logging": logging}),
        }
    )


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 - a line's worth

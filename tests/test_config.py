"""The configuration: its defaults, what is refused in which words, what is left alone, and the schema for editors."""

import json
import re
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from billiards_video import SharedMemoryFrameReader
from billiards_video.config import Config, ConfigError, Loaded, load
from billiards_video.config.schema import FILE, text
from capture_process import CaptureProcess, write_config
from told_status import status_when

ROOT = Path(__file__).parent.parent

DEFAULTS = {
    "video.shared_memory_name": "billiards_video",
    "video.shared_memory_attach_timeout_sec": 5.0,
    "video.max_buffers": 8,
    "video.access": "owner",
    "video.enable_distortion_correction": False,
    "video.calibration_file_path": None,
    "video.preprocessing.rotate": 0,
    "video.preprocessing.flip": "none",
    "video.preprocessing.crop": None,
    "video.preprocessing.resize": None,
    "video.preprocessing.grayscale": False,
    "video.process.shutdown_timeout": 10.0,
    "video.process.main_loop_sleep": 0.001,
    "vision.camera.device_id": 0,
    "vision.camera.video_file_path": None,
    "vision.camera.backend": "auto",
    "vision.camera.pixel_format": None,
    "vision.camera.rtsp_transport": "auto",
    "vision.camera.stream_options": {},
    "vision.camera.decoder_threads": None,
    "vision.camera.resolution": [1920, 1080],
    "vision.camera.fps": 30,
    "vision.camera.exposure_mode": "auto",
    "vision.camera.exposure_value": None,
    "vision.camera.exposure_dynamic_framerate": None,
    "vision.camera.gain": None,
    "vision.camera.brightness": None,
    "vision.camera.contrast": None,
    "vision.camera.saturation": None,
    "vision.camera.auto_focus": None,
    "vision.camera.focus": None,
    "vision.camera.auto_white_balance": None,
    "vision.camera.white_balance_temperature": None,
    "vision.camera.buffer_size": 2,
    "vision.camera.loop_video": False,
    "vision.camera.video_start_frame": 0,
    "vision.camera.video_end_frame": None,
    "vision.camera.video_pace": "realtime",
    "vision.camera.auto_reconnect": True,
    "vision.camera.reconnect_delay": 1.0,
    "vision.camera.max_reconnect_attempts": 5,
    "vision.camera.exit_after_reconnect_attempts": False,
    "vision.camera.open_timeout": None,
    "vision.camera.read_timeout": 5.0,
    "vision.camera.bad_picture_after": 10.0,
    "vision.camera.stop_timeout": 5.0,
    "vision.camera.frame_log_interval": 30,
    "system.logging.level": "INFO",
}


def flat(data: dict[str, Any], path: str = "") -> dict[str, Any]:
    """A nested configuration with dotted keys."""
    found: dict[str, Any] = {}
    for key, value in data.items():
        found |= flat(value, f"{path}{key}.") if value and isinstance(value, dict) else {f"{path}{key}": value}
    return found


def nested(key: str, value: object) -> dict[str, Any]:
    """The configuration that sets one dotted key."""
    for part in reversed(key.split(".")):
        value = {part: value}
    assert isinstance(value, dict)
    return value


def loaded(folder: Path, data: object, **environ: str) -> Loaded:
    """What a file of that content is read as."""
    path = folder / "some.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return load(path, environ)


def refusal(folder: Path, data: object, **environ: str) -> str:
    """The words with which a file of that content is refused."""
    with pytest.raises(ConfigError) as caught:
        loaded(folder, data, **environ)
    return str(caught.value)


def test_defaults_are_those_promised() -> None:
    """Every key has the name and the default that programs and people rely on, and there is no other key."""
    assert flat(json.loads(Config().model_dump_json())) == DEFAULTS


def test_the_file_of_the_repository_shows_the_defaults() -> None:
    """config.json is complete, is what would hold without it, and is read without a word."""
    shown = load(ROOT / "config.json", {})
    assert (shown.config, shown.warnings) == (Config(), ())
    data = json.loads((ROOT / "config.json").read_text(encoding="utf-8"))
    assert flat(data) == DEFAULTS | {"$schema": "./python/billiards_video/config/config.schema.json"}


def test_the_schema_for_editors_is_current() -> None:
    """The schema that ships is the one that the model gives; if not: python -m billiards_video.config."""
    assert FILE.read_text(encoding="utf-8") == text()


def test_the_manual_has_every_key_with_its_default() -> None:
    """docs/configuration.md has a row for each key, with the default as it is written in JSON, and for no other."""
    manual = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    sections = re.split(r"^## `([a-z_.]+)`$", manual, flags=re.MULTILINE)
    rows: dict[str, Any] = {}
    for section, body in zip(sections[1::2], sections[2::2], strict=True):
        for key, default in re.findall(r"^\| `([a-z_]+)` \| [^|]+ \| `([^`]+)` \|", body, flags=re.MULTILINE):
            rows[f"{section}.{key}"] = json.loads(default)
    assert rows == DEFAULTS


def test_the_manual_has_every_key_of_the_status(tmp_path: Path, segment_name: str) -> None:
    """docs/configuration.md has a row for each key that a running process gives to `reader.status()`, in its order."""
    manual = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    section = manual.partition("\n## Status\n")[2].partition("\n## ")[0]
    reader = SharedMemoryFrameReader(segment_name)
    with CaptureProcess(write_config(tmp_path, segment_name, {"device_id": "synthetic:320x240@60"})) as process:
        reader.attach(20)
        status = status_when(reader, lambda told: told)
        process.stop()
    reader.detach()
    assert re.findall(r"^\| `([a-z_]+)` \|", section, flags=re.MULTILINE) == list(status)


@pytest.mark.parametrize(
    ("name", "good"),
    [
        *((name, True) for name in ("a", "_", "-", "0", "cam.1", "Cam_1-b.", "lock", "x.lock.y", "x" * 100)),
        *((name, False) for name in ("", ".", ".a", "a/b", "a b", "a\n", "\na", "a\0", "ä", "x" * 101)),
        *((name, False) for name in ("x.lock", "x.leases", "x.status", "\u0661")),
    ],
    ids=ascii,
)
def test_the_process_and_its_readers_agree_on_names(name: str, good: bool) -> None:  # noqa: FBT001 - a parameter
    """The configuration takes a name exactly if the core does: the rule is written down in both."""
    for make in (
        lambda: Config.model_validate({"video": {"shared_memory_name": name}}),
        lambda: SharedMemoryFrameReader(name),
    ):
        with nullcontext() if good else pytest.raises(ValueError, match=r"shared_memory_name|valid shared memory name"):
            make()


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("video.max_buffers", 2, "an integer from 3 to 16"),
        ("video.max_buffers", 17, "an integer from 3 to 16"),
        ("video.max_buffers", 8.5, "an integer from 3 to 16"),
        ("video.max_buffers", True, "an integer from 3 to 16"),
        ("video.access", "all", 'one of "owner", "group", "everyone"'),
        ("video.shared_memory_name", "a/b", "1 to 100 of A-Z a-z 0-9 _ - ."),
        ("video.shared_memory_name", "cam.lock", "not ending in .lock, .leases or .status"),
        ("video.enable_distortion_correction", "yes", "true or false"),
        ("video.calibration_file_path", "", "text or null"),
        ("video.preprocessing", True, "an object, { ... }"),
        ("video.preprocessing.rotate", 45, "one of 0, 90, 180, 270"),
        ("video.preprocessing.flip", True, 'one of "none", "horizontal", "vertical", "both"'),
        (
            "video.preprocessing.crop",
            [0, 0, 10],
            "a list of 4: an integer from 0 to 16383, an integer from 0 to 16383,",
        ),
        ("video.preprocessing.crop", [0, 0, 0, 10], "an integer from 1 to 16384, an integer from 1 to 16384 or null"),
        ("video.preprocessing.crop", [-1, 0, 10, 10], "a list of 4"),
        ("video.preprocessing.resize", [640], "a list of 2, each an integer from 1 to 16384 or null"),
        ("video.preprocessing.grayscale", 1, "true or false"),
        ("video.process", 5, "an object, { ... }"),
        ("video.process.shutdown_timeout", 0, "a number above 0 to 3600"),
        ("vision.camera.device_id", -1, "an integer from 0 to 255 or text"),
        ("vision.camera.device_id", None, "an integer from 0 to 255 or text"),
        ("vision.camera.fps", "30", "a number above 0 to 1000"),
        ("vision.camera.fps", [30], "a number above 0 to 1000"),
        ("vision.camera.resolution", [1920], "a list of 2, each an integer from 1 to 16384"),
        ("vision.camera.resolution", [1920, "x"], "a list of 2, each an integer from 1 to 16384"),
        ("vision.camera.resolution", "1920x1080", "a list of 2, each an integer from 1 to 16384"),
        ("vision.camera.gain", "high", "a number or null"),
        ("vision.camera.auto_focus", 1, "true or false or null"),
        ("vision.camera.pixel_format", "H.264", "in V4L2's letters: MJPG, YUYV, NV12, ...;"),
        ("vision.camera.stream_options", {"fflags": "nobuffer|a"}, "each as text, without ; and |."),
        ("vision.camera.stream_options", {"timeout": 5}, "each as text, without ; and |."),
        ("vision.camera.loop_video", "yes", "true or false"),
        ("vision.camera.video_end_frame", 0, "an integer from 1 or null"),
        ("vision.camera.video_pace", "fast", 'one of "realtime", "unlimited"'),
        ("system.logging.level", "LOUD", 'one of "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"'),
        ("vision", "camera", "an object, { ... }"),
    ],
)
def test_a_wrong_value_is_one_line(tmp_path: Path, key: str, value: object, allowed: str) -> None:
    """A wrong type or range is one line with file, key, value and what is allowed."""
    words = refusal(tmp_path, nested(key, value))
    assert words.startswith(f"{tmp_path / 'some.json'}: {key} is {json.dumps(value)}; allowed: ")
    assert allowed in words
    assert "\n" not in words


def test_every_mistake_has_its_line(tmp_path: Path) -> None:
    """Several mistakes are told at once, a line each."""
    words = refusal(tmp_path, {"video": {"max_buffers": 0}, "vision": {"camera": {"fps": 0, "device_id": []}}})
    keys = [line.split(": ")[1].split(" is ")[0] for line in words.splitlines()]
    assert keys == ["video.max_buffers", "vision.camera.device_id", "vision.camera.fps"]


def test_an_end_before_the_start_is_refused(tmp_path: Path) -> None:
    """A part of a film that has no frame is a mistake that names both keys."""
    words = refusal(tmp_path, {"vision": {"camera": {"video_start_frame": 5, "video_end_frame": 5}}})
    assert "vision.camera: video_end_frame 5 leaves nothing to show" in words
    assert "video_start_frame 5" in words
    assert "\n" not in words


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{\n  "video": {,}\n}', "line 2, column 13"),
        (b"", "line 1, column 1"),
        (b"[1, 2]", "holds [1, 2]; allowed: an object"),
        (b'{"a": "\xff"}', "is not UTF-8 text (byte 7)"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_broken_file_is_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    """What is no JSON object is refused with the file and the place in it."""
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert str(caught.value).startswith(f"{path}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_of_an_editor_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    """Some editors begin a file with three bytes that are no JSON."""
    path = tmp_path / "config.json"
    path.write_bytes(b'\xef\xbb\xbf{"video": {"max_buffers": 5}}')
    assert load(path, {}).config.video.max_buffers == 5


def test_without_a_file_the_defaults_hold_with_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No argument means ./config.json; where there is none, one warning says that the defaults are used."""
    monkeypatch.chdir(tmp_path)
    defaults = load(None, {})
    assert (defaults.config, defaults.origin) == (Config(), "defaults")
    assert len(defaults.warnings) == 1
    assert str(tmp_path) in defaults.warnings[0]
    (tmp_path / "config.json").write_text('{"video": {"max_buffers": 5}}')
    found = load(None, {})
    assert (found.config.video.max_buffers, found.warnings) == (5, ())


def test_a_file_that_was_named_and_is_missing_is_an_error(tmp_path: Path) -> None:
    """A slip in the file's name does not silently run with defaults."""
    with pytest.raises(ConfigError, match="does not exist"):
        load(tmp_path / "missing.json", {})
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path, {})


def test_sections_of_other_programs_are_left_alone(tmp_path: Path) -> None:
    """Unknown sections, also beside ours in `vision` and `system`, and comments, are read over without a word."""
    other = {
        "api": {"port": 8000},
        "vision": {"detection": {"model": "yolo"}, "camera": {"fps": 60, "_note": "USB 3"}},
        "system": {"debug": True},
    }
    read = loaded(tmp_path, other)
    assert (read.config.vision.camera.fps, read.warnings) == (60, ())


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("vision.camera.loop", "vision.camera.loop_video"),
        ("vision.camera.exposure", "vision.camera.exposure_mode"),
        ("video.shared_memory_nam", "video.shared_memory_name"),
        ("video.process.shutdown", "video.process.shutdown_timeout"),
        ("system.logging.lvl", "system.logging.level"),
        ("vision.camra", "vision.camera"),
    ],
)
def test_an_unknown_key_of_ours_is_a_warning(tmp_path: Path, key: str, nearest: str) -> None:
    """A slip inside our sections, or of their names, does not stop the process, and the key that was meant is named."""
    read = loaded(tmp_path, nested(key, 1))
    assert read.config == Config()
    [warning] = read.warnings
    assert f"{key} is unknown" in warning
    assert warning.endswith(nearest)


def test_the_environment_wins_and_writes_nothing(tmp_path: Path) -> None:
    """VIDEO_FILE is played in a loop instead of the source of the file, LOG_LEVEL counts; the file stays as it was."""
    data = {"vision": {"camera": {"device_id": 3, "fps": 60}}, "system": {"logging": {"level": "ERROR"}}}
    read = loaded(tmp_path, data, VIDEO_FILE="film.mp4", LOG_LEVEL="debug").config
    camera = read.vision.camera
    assert (camera.video_file_path, camera.loop_video, camera.fps) == ("film.mp4", True, 60)
    assert read.system.logging.level == "DEBUG"
    assert json.loads((tmp_path / "some.json").read_text()) == data
    unchanged = loaded(tmp_path, data, VIDEO_FILE="", LOG_LEVEL="").config
    assert (unchanged.vision.camera.video_file_path, unchanged.system.logging.level) == (None, "ERROR")


def test_a_wrong_level_in_the_environment_is_refused(tmp_path: Path) -> None:
    """LOG_LEVEL is checked as the key in the file is."""
    assert refusal(tmp_path, {}, LOG_LEVEL="loud").startswith(
        'environment: LOG_LEVEL is "loud"; allowed: one of "DEBUG"'
    )

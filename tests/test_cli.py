"""The command line: what it takes, what it says, how it ends."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from billiards_video import __version__
from capture_process import PACKAGE, CaptureProcess, write_config

LEVELS = "DEBUG|INFO|WARNING|ERROR"
LOG_LINE = re.compile(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d,\d{{3}} - billiards_video[\w.]* - (?:{LEVELS}) - .+")
SMALL = {"device_id": "synthetic:160x120@30"}


def run(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end."""
    return subprocess.run([*PACKAGE, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False)


def test_help_names_what_there_is() -> None:
    """--help shows the argument, the environment and the exit codes, and is a success."""
    ended = run("--help")
    assert (ended.returncode, ended.stderr) == (0, "")
    for word in ("config", "VIDEO_FILE", "LOG_LEVEL", "Exit codes"):
        assert word in ended.stdout


def test_version_is_the_packages() -> None:
    """--version says the name and the release."""
    ended = run("--version")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"billiards_video {__version__}\n", "")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "does not exist"),
        ('{"video": }', "line 1, column 11"),
        ('{"video": {"max_buffers": 99}}', "video.max_buffers is 99; allowed: an integer from 3 to 16"),
        ('{"vision": {"camera": {"device_id": "synthetic:big"}}}', "a synthetic source is written"),
    ],
)
def test_a_bad_configuration_ends_with_2_and_one_line(tmp_path: Path, content: str | None, words: str) -> None:
    """A configuration that cannot be used is one line on standard error, and nothing is started."""
    path = tmp_path / "bad.json"
    if content is not None:
        path.write_text(content)
    ended = run(path)
    assert (ended.returncode, ended.stdout) == (2, "")
    [line] = ended.stderr.splitlines()
    assert line.startswith("billiards_video: error: ")
    assert words in line


def test_an_unknown_option_ends_with_2() -> None:
    """A slip in an option is a matter of configuration, too."""
    ended = run("--fast")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "--fast" in ended.stderr


@pytest.mark.parametrize("content", [None, b"", b"no film"])
def test_a_video_that_cannot_be_read_ends_with_1_and_one_line(
    tmp_path: Path, segment_name: str, content: bytes | None
) -> None:
    """A missing or bad video is one ERROR line, without a traceback or a second attempt."""
    film = tmp_path / "film.mp4"
    if content is not None:
        film.write_bytes(content)
    ended = run(write_config(tmp_path, segment_name, {"video_file_path": str(film)}))
    assert (ended.returncode, ended.stderr) == (1, "")
    errors = [line for line in ended.stdout.splitlines() if " - ERROR - " in line]
    assert len(errors) == 1
    assert str(film) in errors[0]
    assert all(LOG_LINE.fullmatch(line) for line in ended.stdout.splitlines())


def test_a_device_that_is_not_to_be_reconnected_ends_with_1(tmp_path: Path, segment_name: str) -> None:
    """Without auto_reconnect a camera that is not there is a failure at once."""
    ended = run(write_config(tmp_path, segment_name, {"device_id": 213, "auto_reconnect": False}))
    assert ended.returncode == 1
    assert "ERROR - device 213 does not exist" in ended.stdout


def test_a_device_that_is_not_there_is_waited_for(tmp_path: Path, segment_name: str) -> None:
    """With auto_reconnect a camera that is not there is looked for again, until the process is stopped."""
    config = write_config(
        tmp_path, segment_name, {"device_id": 213, "reconnect_delay": 0.05, "max_reconnect_attempts": 2}
    )
    with CaptureProcess(config) as process:
        process.wait_for("WARNING - device 213 does not exist")
        process.wait_for("attempt 2 to open it again in 0.05 s")
        assert "ERROR" in process.wait_for("attempt 3 to open it again in 0.25 s")
        assert process.stop()[0] == 0


def test_log_lines_have_their_form(tmp_path: Path, segment_name: str) -> None:
    """Every line on standard output is `time - logger - level - message`; standard error stays empty."""
    with CaptureProcess(write_config(tmp_path, segment_name, SMALL)) as process:
        process.wait_for("Frame 0")
        assert process.stop()[0] == 0
    assert len(process.lines) > 5
    assert [line for line in process.lines if not LOG_LINE.fullmatch(line)] == []


def test_without_a_configuration_the_defaults_are_used(tmp_path: Path) -> None:
    """In a folder without config.json the process runs on defaults, says so, and plays what VIDEO_FILE names."""
    with CaptureProcess(cwd=tmp_path, VIDEO_FILE="missing.mp4") as process:
        assert process.wait() == 1
    assert "WARNING - no config.json" in process.output
    assert "ERROR - file missing.mp4 does not exist" in process.output


def test_warnings_of_the_configuration_are_logged(tmp_path: Path, segment_name: str) -> None:
    """A key that is not known does not stop the process, and is seen."""
    with CaptureProcess(write_config(tmp_path, segment_name, SMALL | {"loop": True})) as process:
        assert " - WARNING - " in process.wait_for("vision.camera.loop is unknown")
        process.wait_for("Frame 0")
        assert process.stop()[0] == 0


def test_the_level_of_the_log(tmp_path: Path, segment_name: str) -> None:
    """LOG_LEVEL wins over the file, and lines below the level are not written."""
    config = write_config(tmp_path, segment_name, {"video_file_path": str(tmp_path / "missing.mp4")})
    with CaptureProcess(config, LOG_LEVEL="error") as process:
        assert process.wait() == 1
    [line] = process.lines
    assert " - ERROR - " in line


@pytest.mark.parametrize("interval", [1, 10])
def test_frames_are_logged_at_their_interval(tmp_path: Path, segment_name: str, interval: int) -> None:
    """frame_log_interval says how many frames go by from one line to the next; 1 logs each."""
    with CaptureProcess(write_config(tmp_path, segment_name, SMALL | {"frame_log_interval": interval})) as process:
        process.wait_for(f"Frame {3 * interval}")
        assert process.stop()[0] == 0
    logged = [int(line.rpartition("Frame ")[2]) for line in process.lines if re.search(r"- Frame \d+$", line)]
    assert logged == list(range(0, logged[-1] + 1, interval))


def test_a_name_has_one_process(tmp_path: Path, segment_name: str) -> None:
    """A second process under a name that is taken ends with 1, names the first one's pid, and does not disturb it."""
    config = write_config(tmp_path, segment_name, SMALL)
    with CaptureProcess(config) as first:
        first.wait_for("Frame 0")
        second = run(config)
        assert second.returncode == 1
        errors = [line for line in second.stdout.splitlines() if " - ERROR - " in line]
        assert len(errors) == 1
        assert str(first.pid) in errors[0]
        assert first.stop()[0] == 0


def test_a_name_that_is_taken_is_seen_before_the_source_is_opened(tmp_path: Path, segment_name: str) -> None:
    """A second process does not try, for ever, to open the camera that the first one uses."""
    with CaptureProcess(write_config(tmp_path, segment_name, SMALL)) as first:
        first.wait_for("Frame 0")
        second = run(write_config(tmp_path, segment_name, {"device_id": 213}))
        assert second.returncode == 1
        assert "device 213" not in second.stdout
        assert f"pid {first.pid}" in second.stdout
        assert first.stop()[0] == 0


def test_configuration_needs_no_decoder() -> None:
    """A mistake in the configuration is told before OpenCV is loaded, which takes a quarter of a second."""
    code = "import sys, billiards_video.__main__; sys.exit('cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

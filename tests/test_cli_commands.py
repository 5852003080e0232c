"""The command `billiards-video`: help, completion, what it loads, how it ends, and its smaller commands."""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import cv2
import numpy as np
import pytest

from billiards_video import FrameFormat, SharedMemoryFrameReader, SharedMemoryFrameWriter, State, __version__
from billiards_video.cli.parser import parser
from capture_process import CaptureProcess, write_config
from cli_command import COMMAND, Terminal, environment, run
from small_stream import HEIGHT, WIDTH, picture

COMMANDS = ["run", "status", "top", "view", "snapshot", "doctor", "list", "completion"]
SLOW = {"cv2", "pydantic", "rich", "shtab", "asyncio", "prometheus_client", "starlette", "uvicorn"}


def test_help_teaches_by_example(capsys: pytest.CaptureFixture[str]) -> None:
    """--help names every command and the exit codes; each command's own help has examples that it would accept."""
    shown = run("--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert re.findall(r"^    (\w+)  ", shown.stdout, re.MULTILINE) == COMMANDS
    assert "exit codes" in shown.stdout
    for command in COMMANDS:
        with pytest.raises(SystemExit) as ended:
            parser().parse_args([command, "--help"])
        assert ended.value.code == 0
        taught = capsys.readouterr().out.partition("examples:")[2]
        examples = re.findall(rf"billiards-video ({command}\b[^|>)]*?)(?:  |$| \||\)| [12]?>)", taught, re.MULTILINE)
        assert len(examples) >= 2, taught
        for example in examples:
            assert parser().parse_args(example.split()).command == command


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_fits_a_terminal(command: str | None) -> None:
    """No line is broken where a terminal of 80 columns would break it."""
    shown = run(*filter(None, [command]), "--help", variables={"COLUMNS": "80"}).stdout
    assert shown
    assert [line for line in shown.splitlines() if len(line) > 80] == []


def test_without_a_command_it_shows_its_help() -> None:
    """No command is a mistake, and is answered with what there is."""
    ended = run()
    assert (ended.returncode, ended.stderr) == (2, "")
    assert ended.stdout == run("--help").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("frobnicate",),
        ("status", "--jsno"),
        ("top", "--interval", "0"),
        ("top", "--interval", "often"),
        ("view", "--port", "70000"),
        ("view", "--port", "http"),
        ("view", "--token", ""),
        ("snapshot", "--quality", "0"),
        ("snapshot", "-o", "picture.gif"),
        ("completion", "tcl"),
        ("run", "--profile=/nowhere/at/all.html"),
    ],
    ids=" ".join,
)
def test_mistakes_in_the_arguments_are_2(arguments: tuple[str, ...]) -> None:
    """What cannot be is refused with a word on what can, and nothing on standard output."""
    ended = run(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines()[-1].startswith("billiards-video")
    assert not re.search(r"Traceback|\b_\w+", ended.stderr)  # nor names from the inside


def test_version() -> None:
    """--version is the package's."""
    assert run("--version").stdout == f"billiards_video {__version__}\n"


def test_the_script_is_declared() -> None:
    """Installing the package installs the command."""
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"billiards-video": "billiards_video.cli:main"}


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["snapshot", "--help"], ["list"], ["status"], ["status", "--json"]],
    ids=" ".join,
)
def test_light_commands_load_nothing_slow(writer: SharedMemoryFrameWriter, arguments: list[str]) -> None:
    """Neither OpenCV nor what validates, draws or completes is loaded by a command that does not need it."""
    writer.write_frame(picture(0))
    code = (
        "import atexit, sys; from billiards_video.cli import main\n"
        f"atexit.register(lambda: print(sorted({SLOW} & set(sys.modules)), file=sys.stderr)); main(sys.argv[1:])"
    )
    named = [*arguments, writer.name] if arguments[0] == "status" else arguments
    ended = subprocess.run([sys.executable, "-c", code, *named], capture_output=True, text=True, check=False)
    assert ended.stderr == "[]\n"


def _processor_seconds(command: list[str]) -> float:
    """The least that a command takes, of three."""
    taken = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, capture_output=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(taken)


def test_light_commands_are_there_at_once(writer: SharedMemoryFrameWriter) -> None:
    """Showing a status costs its imports and twice a help at most; help does without the reader's imports."""
    writer.write_frame(picture(0))
    imports = _processor_seconds([sys.executable, "-c", "import billiards_video.ipc"])
    status = _processor_seconds([*COMMAND, "status", writer.name])
    help_text = _processor_seconds([*COMMAND, "snapshot", "--help"])
    assert status < imports + 2 * help_text, (status, imports, help_text)
    assert help_text < imports, (help_text, imports)


def test_a_reader_that_goes_away_is_no_mistake(writer: SharedMemoryFrameWriter) -> None:
    """With nobody left to read the output, as after `| head`, it ends without a word of complaint."""
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [*COMMAND, "status", writer.name], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_run_is_the_capture_process(tmp_path: Path, segment_name: str) -> None:
    """`run` does what the module does: captures, logs, hears signals, refuses bad configurations with 2."""
    config = write_config(tmp_path, segment_name, {"device_id": "synthetic:160x120@30"})
    with CaptureProcess("run", config, command=COMMAND) as process:
        process.wait_for("Frame 0")
        with SharedMemoryFrameReader(segment_name) as reader:
            assert (reader.width, reader.writer_pid) == (160, process.pid)
        assert process.stop()[0] == 0
    config.write_text('{"video": {"max_buffers": 99}}', encoding="utf-8")
    ended = run("run", config)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "video.max_buffers is 99" in ended.stderr


@pytest.mark.parametrize("form", list(FrameFormat), ids=lambda form: form.name)
def test_a_snapshot_has_the_frame_s_pixels(tmp_path: Path, segment_name: str, form: FrameFormat) -> None:
    """A PNG has every pixel in its place and colour, whatever the format of the frames."""
    channels = {FrameFormat.GRAY8: 1, FrameFormat.RGBA32: 4, FrameFormat.BGRA32: 4}.get(form, 3)
    frame = picture(7, channels)
    with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT, form) as writer:
        writer.write_frame(picture(3, channels))
        writer.write_frame(frame, 41)
        ended = run("snapshot", segment_name, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert f"{segment_name}.png: frame 41 of '{segment_name}', {WIDTH}x{HEIGHT}, " in ended.stderr
    read = cv2.imread(str(tmp_path / f"{segment_name}.png"), cv2.IMREAD_UNCHANGED)
    if form is FrameFormat.RGB24:
        frame = frame[:, :, ::-1]
    if form is FrameFormat.RGBA32:
        frame = frame[:, :, [2, 1, 0, 3]]
    assert read is not None
    assert np.array_equal(read, frame)


@pytest.mark.parametrize(
    ("options", "begins"),
    [
        (["-o", "now.jpg"], b"\xff\xd8\xff"),
        (["-o", "now.JPEG", "--quality", "5"], b"\xff\xd8\xff"),
        (["-o", "now.png"], b"\x89PNG"),
        (["-o", "now", "--format", "jpeg"], b"\xff\xd8\xff"),
        (["-o", "-"], b"\x89PNG"),
        (["-o", "-", "--format", "jpeg"], b"\xff\xd8\xff"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_snapshot_is_what_its_name_says(
    tmp_path: Path, writer: SharedMemoryFrameWriter, options: list[str], begins: bytes
) -> None:
    """The file's ending, or --format, says whether it is PNG or JPEG; - is standard output."""
    writer.write_frame(picture(0))
    ended = subprocess.run([*COMMAND, "snapshot", writer.name, *options], cwd=tmp_path, capture_output=True, check=True)
    data = ended.stdout if options[1] == "-" else (tmp_path / options[1]).read_bytes()
    assert data.startswith(begins)
    assert (ended.stdout == b"") == (options[1] != "-")


def test_a_snapshot_that_cannot_be(tmp_path: Path, writer: SharedMemoryFrameWriter) -> None:
    """No frame, no stream, no place to write to: each is one line and 1."""
    for arguments, words in (
        (("snapshot", writer.name), "has no frame yet"),
        (("snapshot", f"{writer.name}-x"), "is not there: no process publishes it"),
    ):
        ended = run(*arguments, cwd=tmp_path)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert words in ended.stderr
    writer.write_frame(picture(0))
    ended = run("snapshot", writer.name, "-o", tmp_path / "missing" / "now.png")
    assert ended.returncode == 1
    assert "cannot be written: No such file or directory" in ended.stderr


def test_a_picture_is_not_for_a_terminal(writer: SharedMemoryFrameWriter) -> None:
    """On a terminal `-o -` is refused, and not one byte of the picture is written."""
    writer.write_frame(picture(0))
    with Terminal("snapshot", writer.name, "-o", "-") as terminal:
        assert terminal.end() == 2
    assert "PNG" not in terminal.text
    assert "a picture is nothing for a terminal" in terminal.text


def test_a_snapshot_of_a_stream_that_stalls_is_its_last_frame(tmp_path: Path, writer: SharedMemoryFrameWriter) -> None:
    """What is newest may be old; its age is said."""
    writer.write_frame(picture(0), captured_ns=1)
    writer.set_state(State.STALLED, "no frames arrive")
    ended = run("snapshot", writer.name, cwd=tmp_path)
    assert ended.returncode == 0
    assert re.search(r", (\d+ (d|h|min) )+.*old,", ended.stderr)


@pytest.mark.parametrize(
    ("command", "missing", "extra"),
    [("view", "starlette", "view"), ("completion", "shtab", "cli"), ("top", "rich", "cli")],
)
def test_what_an_extra_brings_is_named(segment_name: str, command: str, missing: str, extra: str) -> None:
    """Without the libraries of an extra, one line says which pip command installs them."""
    code = f"import sys; sys.modules[{missing!r}] = None; from billiards_video.cli import main; sys.exit(main())"
    argument = "bash" if command == "completion" else segment_name
    with Terminal(command, argument, command=[sys.executable, "-c", code], columns=200) as terminal:
        assert terminal.end() == 1
    assert f"needs {missing}" in terminal.text
    assert f"pip install 'billiards-video[{extra}]'" in terminal.text
    assert "Traceback" not in terminal.text


def test_completion_in_bash() -> None:
    """Commands, options and their choices are completed, by bash itself."""
    script = run("completion", "bash").stdout
    asked = """
    COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMPREPLY=(); $function; echo "${{COMPREPLY[@]}}"
    """
    lines = [
        'function=$(complete -p billiards-video | sed "s/.*-F \\([^ ]*\\).*/\\1/")',
        *(asked.format(words=words) for words in ("billiards-video st", "billiards-video status --al")),
        asked.format(words="billiards-video snapshot --format jp"),
    ]
    ended = subprocess.run(
        ["bash", "-c", "\n".join([script, *lines])], capture_output=True, text=True, env=environment(), check=True
    )
    assert ended.stdout.split() == ["status", "--all", "jpeg"]


@pytest.mark.parametrize(("shell", "check"), [("zsh", "-n"), ("fish", "--no-execute")])
def test_completion_elsewhere(tmp_path: Path, shell: str, check: str) -> None:
    """The scripts for zsh and fish are in their languages, as those themselves see it where they are installed."""
    script = tmp_path / "completion"
    script.write_text(run("completion", shell).stdout, encoding="utf-8")
    assert "snapshot" in script.read_text(encoding="utf-8")
    if shutil.which(shell) is None:
        sys.stderr.write(f"NOT TESTED ({shell} is not installed): whether its completion can be read by it\n")
        pytest.skip(f"no {shell}")
    subprocess.run([shell, check, str(script)], check=True)


def test_json_is_for_programs(writer: SharedMemoryFrameWriter) -> None:
    """Where --json is given, standard output is one JSON object, in a terminal as well."""
    writer.write_frame(picture(0))
    with Terminal("status", writer.name, "--json", columns=40) as terminal:
        assert terminal.end() == 0
    assert json.loads(terminal.text)["live"] is True

"""`billiards-video status`: what it says of streams that live, that have trouble, that are not there."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from billiards_video import SharedMemoryFrameReader, SharedMemoryFrameWriter, State
from billiards_video.cli.words import seconds, size
from billiards_video.ipc import Reservation
from capture_process import CaptureProcess, write_config
from cli_command import Terminal, run
from small_stream import HEIGHT, WIDTH, picture

_WRITER = """
import os, select, sys
import numpy as np
from billiards_video import SharedMemoryFrameWriter
os.setuid(int(sys.argv[3]))
with SharedMemoryFrameWriter(sys.argv[1], 64, 48, access=sys.argv[2]) as writer:
    writer.set_status('{"uptime_sec": 75, "fps": 30}')
    writer.write_frame(np.zeros((48, 64, 3), np.uint8))
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0.5)[0]:
        writer.tend()
"""

_AS_A_THIRD = """
import os, sys
import locale, pathlib, billiards_video.cli.parser, billiards_video.cli.status
os.setuid(12346)  # who may not read this interpreter's files
sys.exit(billiards_video.cli.main(["status", sys.argv[1], "--owner", "12345"]))
"""


@contextmanager
def writing(name: str, access: str = "owner", user: int | None = None) -> Iterator[subprocess.Popen[str]]:
    """A process that has published one frame under a name, as another user where one is given."""
    command = [sys.executable, "-c", _WRITER, name, access, str(os.getuid() if user is None else user)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            assert process.stdin
            process.stdin.close()


def test_a_capture_process_and_its_readers(tmp_path: Path, segment_name: str) -> None:
    """Source, geometry, rates, counts, and each reader by its name, pid and what it holds; exit code 0."""
    config = write_config(tmp_path, segment_name, {"device_id": "synthetic:160x120@30"})
    with CaptureProcess(config) as process:
        process.wait_for("Frame 0")
        with SharedMemoryFrameReader(segment_name, reader_name="detector") as reader:
            frame = reader.lease(5)
            ended = run("status", segment_name)
            told = json.loads(run("status", segment_name, "--json").stdout)
            del frame
        assert process.stop()[0] == 0
    assert (ended.returncode, ended.stderr) == (0, "")
    heading, *lines = ended.stdout.splitlines()
    assert heading.startswith(f"{segment_name}  LIVE")
    text = "\n".join(lines)
    for words in ("synthetic billiard table", "160x120 BGR24", f"pid {process.pid}", "0 dropped", "1 held by readers"):
        assert words in text
    (row,) = [line for line in lines if "detector" in line]
    assert str(os.getpid()) in row
    assert "1 buffer, " in row
    assert (told["live"], told["state"], told["width"], told["writer"]["pid"]) == (True, "LIVE", 160, process.pid)
    (detector,) = told["readers"]
    assert (detector["name"], detector["pid"], detector["held"]) == ("detector", os.getpid(), 1)
    assert detector["held_sec"] > 0
    assert 0 <= told["frame"]["age_sec"] < 30
    assert told["told"]["source"] == "synthetic billiard table"


def test_it_takes_no_line_and_no_frame_from_anybody(writer: SharedMemoryFrameWriter) -> None:
    """Looking does not make a reader, and is possible while all 64 lines are taken."""
    writer.write_frame(picture(1))
    readers = [SharedMemoryFrameReader(writer.name) for _ in range(64)]
    for reader in readers:
        reader.attach()
    ended = run("status", writer.name, "--json")
    for reader in readers:
        reader.detach()
    assert ended.returncode == 0
    assert len(json.loads(ended.stdout)["readers"]) == 64


def test_how_far_a_reader_is_behind(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """The lag is the frames published since a reader's last one; what it never saw is missed once it reads again."""
    writer.write_frame(picture(0))
    reader.read_frame()
    for value in range(1, 6):
        writer.write_frame(picture(value))
    (told,) = json.loads(run("status", writer.name, "--json").stdout)["readers"]
    assert (told["lag_frames"], told["missed"], told["frames_read"], told["held"]) == (5, 0, 1, 0)


def test_trouble_is_said_and_is_1(writer: SharedMemoryFrameWriter) -> None:
    """A state that is not LIVE is shown with its reason, since when, and the last error; the exit code says it too."""
    writer.write_frame(picture(0))
    writer.set_status(json.dumps({"last_error": "device 0 is gone: \x1b[31munplugged", "last_error_ns": 1}))
    writer.set_state(State.RECONNECTING, "the source is gone")
    ended = run("status", writer.name)
    assert ended.returncode == 1
    assert "RECONNECTING: the source is gone" in ended.stdout
    assert "device 0 is gone" in ended.stdout
    assert "\x1b" not in ended.stdout


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[1]",
        '{"fps": "fast", "settings": 7, "source": null}',
        pytest.param(json.dumps({"fps": 10**400, "errors": 10**400}), id="too large for a float"),
    ],
)
def test_a_writer_may_tell_anything(writer: SharedMemoryFrameWriter, text: str) -> None:
    """What a writer tells is another process's word: none, or nonsense, is no reason to fail."""
    writer.write_frame(picture(0))
    writer.set_status(text)
    ended = run("status", writer.name)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "frame 0" in ended.stdout


def test_before_the_first_frame(writer: SharedMemoryFrameWriter) -> None:
    """A stream that has no frame yet says so, and is not taken for one that has fallen silent."""
    shown, told = run("status", writer.name).stdout, json.loads(run("status", writer.name, "--json").stdout)
    assert shown.startswith(f"{writer.name}  LIVE\n")
    assert "no frame yet" in shown
    assert (told["frame"], told["writer"]["heartbeat_age_sec"]) == (None, None)


def test_a_writer_that_was_killed(segment_name: str) -> None:
    """Its last frame is shown, the word is DEAD, and the next step is there."""
    with writing(segment_name) as process:
        alive = run("status", segment_name).stdout
        process.kill()
        process.wait()
        ended = run("status", segment_name)
        told = json.loads(run("status", segment_name, "--json").stdout)
        refused = run("snapshot", segment_name)
    assert (refused.returncode, "billiards-video run" in refused.stderr, "allow_dead" in refused.stderr) == (
        1,
        True,
        False,
    )
    assert ended.returncode == 1
    assert f"{segment_name}  DEAD: its writer, pid {process.pid}, has died" in ended.stdout
    assert "billiards-video run" in ended.stdout
    assert "frame 0" in ended.stdout
    assert f"pid {process.pid}, up 1 min 15 s" in alive
    assert "64x48 BGR24, 30.0 a second\n" in alive
    assert f"pid {process.pid}, was up 1 min 15 s" in ended.stdout
    assert "a second" not in ended.stdout, "its rate is of the past"
    assert (told["live"], told["writer"]["alive"]) == (False, False)
    with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT):
        pass  # clears away what is left


def test_a_writer_that_is_stopped(segment_name: str) -> None:
    """One that lives and does nothing is not taken for a live stream: it is said for how long it has been silent."""
    with writing(segment_name) as process, SharedMemoryFrameReader(segment_name, observe=True) as reader:
        process.send_signal(signal.SIGSTOP)
        beaten = reader.counters.heartbeat_ns
        assert reader.wait_for_frame(0.1)[0] is not None
        while True:
            ended = run("status", segment_name)
            if "SILENT" in ended.stdout:
                break
        assert reader.counters.heartbeat_ns == beaten
    assert ended.returncode == 1
    assert f"pid {process.pid}, lives, and has given no sign of it for " in ended.stdout


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_no_such_stream(segment_name: str, options: list[str]) -> None:
    """Where nobody publishes, one line says what to start; for programs it is JSON all the same."""
    ended = run("status", segment_name, *options)
    assert ended.returncode == 1
    if options:
        told = json.loads(ended.stdout)
        assert (told["live"], told["state"]) == (False, None)
        assert "no process publishes it" in told["problem"]
    else:
        assert ended.stdout == ""
        (line,) = ended.stderr.splitlines()
        assert line.startswith(f"billiards-video: error: stream '{segment_name}' is not there: no process publishes it")
        assert "billiards-video run" in line


def test_a_source_without_a_frame_yet(segment_name: str) -> None:
    """Where a process holds the name and waits for its camera, that is said, with its pid."""
    with Reservation(segment_name):
        ended = run("status", segment_name)
    assert ended.returncode == 1
    assert f"pid {os.getpid()} holds the name, but its source has given no frame yet" in ended.stderr


@pytest.mark.parametrize("name", ["../x", "a b", "x.lock", ""])
def test_what_is_no_name(name: str) -> None:
    """What cannot be a name is a mistake in the arguments."""
    ended = run("status", name)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "is no name of a stream" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_the_name_comes_from_the_configuration(tmp_path: Path, writer: SharedMemoryFrameWriter) -> None:
    """Without a name it is the one in ./config.json; a file that cannot be read is a matter of configuration."""
    writer.write_frame(picture(0))
    write_config(tmp_path, writer.name, {})
    assert run("status", cwd=tmp_path).stdout.startswith(writer.name)
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    ended = run("status", cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "config.json is no JSON" in ended.stderr


def test_all_streams(segment_name: str) -> None:
    """--all has the streams of this machine, the dead ones too, and is 1 where one of them is not live."""
    one, other = f"{segment_name}-one", f"{segment_name}-other"
    with SharedMemoryFrameWriter(one, WIDTH, HEIGHT) as first, writing(other) as second:
        first.write_frame(picture(0))
        second.kill()
        second.wait()
        first.tend()  # a writer of which nothing was heard for three seconds is not live
        told = {each["name"]: each for each in json.loads(run("status", "--all", "--json").stdout)["streams"]}
        first.tend()
        ended = run("status", "--all")
        assert ended.returncode == 1
        assert (told[one]["live"], told[other]["live"]) == (True, False)
        assert f"{one}  LIVE" in ended.stdout
        assert f"{other}  DEAD" in ended.stdout
    with SharedMemoryFrameWriter(other, WIDTH, HEIGHT):
        pass
    assert run("status", "--all", one).returncode == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root, to be another user")
@pytest.mark.parametrize("access", ["owner", "everyone"])
def test_another_user_s_stream(segment_name: str, access: str) -> None:
    """It is not read unawares: --owner names the user; then it is shown, its readers are not."""
    with writing(segment_name, access, user=12345):
        ended = run("status", segment_name)
        assert ended.returncode == 1
        assert "add --owner 12345" in ended.stderr
        named = run("status", segment_name, "--owner", "12345")
        assert named.returncode == 0, named.stderr
        assert f"{segment_name}  LIVE" in named.stdout
        command = [sys.executable, "-c", _AS_A_THIRD, segment_name]
        shown = subprocess.run(command, capture_output=True, text=True, check=False)
        if access == "everyone":
            assert (shown.returncode, shown.stderr) == (0, "")
            assert "readers   not to be seen" in shown.stdout
        else:
            assert shown.returncode == 1
            assert "publish with a wider access mode (video.access)" in shown.stderr
    assert run("status", segment_name, "--owner", "nobody-of-that-name").returncode == 2


def test_in_a_terminal_there_are_colours(writer: SharedMemoryFrameWriter) -> None:
    """A terminal shows the state in colour, unless NO_COLOR is set or the terminal has none; lines fit into it."""
    writer.write_frame(picture(0))
    with SharedMemoryFrameReader(writer.name, reader_name="a reader whose name is as long as names may be, 64 bytes"):
        for more, coloured in ((dict[str, str](), True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
            writer.tend()  # which was not heard for three seconds is not live
            with Terminal("status", writer.name, variables=more) as terminal:
                assert terminal.end() == 0
                assert ("\x1b[" in terminal.shown) == coloured
                assert max(map(len, terminal.text.splitlines())) <= 80


def test_numbers_are_for_people() -> None:
    """Times and sizes have units that suit them."""
    shown = [seconds(value) for value in (0, 84e-6, 0.0123, 0.25, 3.21, 75, 7500, 100000)]
    assert shown == ["0 us", "84 us", "12.3 ms", "250 ms", "3.2 s", "1 min 15 s", "2 h 5 min", "1 d 3 h"]
    assert [size(count) for count in (12, 4096, 18_666_496, 2.5e9)] == ["12 bytes", "4.1 kB", "18.7 MB", "2.5 GB"]

"""The demonstration as a user meets it: real processes, real signals, a real terminal."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from billiards_video import FrameFormat, FrameMetadata
from billiards_video.demo.figures import Figures
from billiards_video.frame_code import seal
from demonstration import SMALL, command, demonstration

LINE = re.compile(
    r"frame=(?P<frame>\d+) fps=(?P<fps>[\d.]+)"
    r" publish_to_array_p50=[\d.]+(us|ms) p99=[\d.]+(us|ms) capture_to_array_p50=[\d.]+(us|ms) p99=[\d.]+(us|ms)"
    r" missed=\d+ torn=(?P<torn>\d+)"
)
MICROSECOND = 1000
SECOND = 1_000_000_000


@contextmanager
def _demo(name: str, *arguments: str) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """A demonstration that shows figures and has no page, with the capture process's pid."""
    with demonstration(name, "--no-page", *arguments) as process:
        assert process.stdout is not None
        match = re.match(r"Capture process (\d+) ", first := process.stdout.readline())
        assert match, first
        while not LINE.match(process.stdout.readline()):
            assert process.poll() is None
        yield process, int(match[1])


def _ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """The exit code and standard error of a demonstration that comes to its end."""
    _, errors = process.communicate(timeout=20)
    return process.returncode, errors


@contextmanager
def _wait_for_end(pid: int) -> Iterator[None]:
    """Waits, at the end of the block, until a process that is not a child of this one has ended."""
    handle = os.pidfd_open(pid)
    try:
        yield
        assert select.select([handle], [], [], 20)[0], f"process {pid} is still there"
    finally:
        os.close(handle)


def test_it_shows_figures_and_ends_by_itself(segment_name: str) -> None:
    """Two seconds of 1080p: lines of figures, frames come, none is torn, exit code 0, nothing on standard error.

    A VIDEO_FILE in the environment is the capture process's business elsewhere, and does not take the source's place.
    """
    ended = subprocess.run(
        command(segment_name, "--seconds", "2", "--no-page"),
        env=os.environ | {"VIDEO_FILE": "/nowhere/film.mp4"},
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    assert "1920x1080" in ended.stdout
    lines = list(LINE.finditer(ended.stdout))
    assert len(lines) >= 2
    assert [line["torn"] for line in lines] == ["0"] * len(lines)
    assert int(lines[-1]["frame"]) > 10
    assert 5 < float(lines[-1]["fps"]) < 31


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_ends_both_processes(segment_name: str, number: signal.Signals) -> None:
    """A signal to the demonstration ends it and the capture process with exit code 0 and no word of complaint."""
    with _demo(segment_name) as (demo, capture), _wait_for_end(capture):
        demo.send_signal(number)
        assert _ended(demo) == (0, "")


def test_ctrl_c_at_a_terminal(segment_name: str) -> None:
    """At a terminal the figures are a block written in place, and the Ctrl-C key ends everything in good order."""
    at_terminal = (
        "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    )
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", at_terminal, *command(segment_name, *SMALL, "--no-page")],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm", "LINES": "24", "COLUMNS": "80"},
        start_new_session=True,
    ) as process:
        os.close(theirs)
        shown = b""
        while shown.count(b"torn") < 3:
            shown += os.read(ours, 4096)
        os.write(ours, b"\x03")
        while True:
            try:
                shown += os.read(ours, 4096)
            except OSError:  # how Linux says that nobody has the other end open any more
                break
        assert process.wait(20) == 0
    os.close(ours)
    text = shown.decode()
    assert re.search(r"\x1b\[\d+F", text), "no block was written in place"
    assert "latency" in text
    assert "All processes have ended." in text
    assert "Traceback" not in text


def test_a_killed_demonstration_leaves_nothing(segment_name: str) -> None:
    """After `kill -9` of the demonstration the capture process ends by itself, and takes its shared memory along."""
    with _demo(segment_name) as (demo, capture), _wait_for_end(capture):
        demo.kill()
        assert _ended(demo) == (-signal.SIGKILL, "")


def test_a_dead_capture_process_is_told(segment_name: str) -> None:
    """After `kill -9` of the capture process the demonstration says so with the end of its log; the next one heals."""
    with _demo(segment_name) as (demo, capture):
        os.kill(capture, signal.SIGKILL)
        code, errors = _ended(demo)
    assert code == 1
    assert f"The capture process (pid {capture}) was killed by signal 9" in errors
    assert "Source: synthetic" in errors
    assert "Traceback" not in errors
    healed = subprocess.run(
        command(segment_name, *SMALL, "--seconds", "0.5"), capture_output=True, text=True, timeout=30, check=False
    )
    assert (healed.returncode, healed.stderr) == (0, "")


def test_a_capture_process_that_cannot_start_is_told(segment_name: str) -> None:
    """Where the capture process refuses its source, its own words are shown, and the exit code is 1."""
    ended = subprocess.run(
        command(segment_name, "--picture", "8x8@30"), capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode == 1
    assert "from 160x120 to 16384x16384" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_two_demonstrations_need_two_names(segment_name: str) -> None:
    """A second one under the same name says which process has it, and the first goes on unharmed."""
    with _demo(segment_name) as (first, capture), _wait_for_end(capture):
        second = subprocess.run(
            command(segment_name, *SMALL, "--no-page"), capture_output=True, text=True, timeout=30, check=False
        )
        assert second.returncode == 1
        assert f"Process {capture} publishes under the name" in second.stderr
        assert first.poll() is None
        first.send_signal(signal.SIGINT)
        assert _ended(first) == (0, "")


def test_a_reader_that_goes_away_ends_it(segment_name: str) -> None:
    """With nobody left to read its output, as after `| head`, it ends both processes in good order."""
    with _demo(segment_name) as (demo, capture), _wait_for_end(capture):
        assert demo.stdout is not None
        demo.stdout.close()
        assert demo.wait(20) == 0
        assert demo.stderr is not None
        assert demo.stderr.read() == ""


@pytest.mark.parametrize("arguments", [("--seconds", "0"), ("--seconds", "soon"), ("--name", "../x")], ids=str)
def test_bad_arguments_are_refused(arguments: tuple[str, str]) -> None:
    """What cannot be is refused in a line, without a traceback."""
    ended = subprocess.run(
        [sys.executable, "-m", "billiards_video.demo", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode in {1, 2}
    assert arguments[1] in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "_seconds" not in ended.stderr


def test_the_reading_side_loads_no_opencv() -> None:
    """The process that reads the frames has loaded neither OpenCV nor the validation library."""
    code = "import sys, billiards_video.demo.__main__; sys.exit(bool({'cv2', 'pydantic'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _frame(number: int) -> np.ndarray:
    frame = np.random.default_rng(number).integers(0, 256, (24, 32, 3), np.uint8)
    seal(frame, number)
    return frame


def _metadata(number: int, *, at: int = SECOND, missed: int = 0, discontinuity: bool = False) -> FrameMetadata:
    return FrameMetadata(
        number,
        0,
        0,
        32,
        24,
        FrameFormat.BGR24,
        published_ns=at,
        captured_ns=at - 1000 * MICROSECOND,
        missed=missed,
        discontinuity=discontinuity,
    )


def test_latency_and_rate() -> None:
    """Percentiles are of the last 1000 frames, the rate is of the last two seconds."""
    figures = Figures()
    step = 10_000 * MICROSECOND
    for number in range(1200):
        latency = 900 if number < 200 else 50 if number % 50 else 300
        at = SECOND + number * step
        figures.add(_frame(number), _metadata(number, at=at), at + latency * MICROSECOND)
    assert tuple(figures.publish_latency) == (50, 300)
    assert tuple(figures.capture_latency) == (1050, 1300)
    assert figures.rate(SECOND + 1200 * step) == pytest.approx(100, rel=0.01)
    assert figures.rate(SECOND + 5000 * step) == 0
    assert (figures.frames, figures.number, figures.torn) == (1200, 1199, 0)


def test_torn_frames_are_counted() -> None:
    """A picture made of two frames, or one that came with another frame's metadata, counts as torn and says why."""
    figures = Figures()
    figures.add(_frame(0), _metadata(0), SECOND)
    figures.add(np.concatenate((_frame(1)[:9], _frame(0)[9:])), _metadata(1), SECOND)
    assert figures.torn == 1
    assert "rows 0 to 8 are of frame 1" in figures.fault
    figures.add(_frame(2), _metadata(2), SECOND)
    figures.add(_frame(4), _metadata(3), SECOND)
    assert figures.torn == 2
    assert "frame 4 came with the metadata of 3" in figures.fault


def test_gaps_are_not_torn() -> None:
    """Frames that were missed are added up; numbers may jump where the source says that it left some out."""
    figures = Figures()
    figures.add(_frame(0), _metadata(0), SECOND)
    figures.add(_frame(5), _metadata(5, missed=4), SECOND)
    figures.add(_frame(9), _metadata(6, discontinuity=True), SECOND)
    figures.add(_frame(10), _metadata(7), SECOND)
    assert (figures.missed, figures.torn, figures.frames) == (4, 0, 4)

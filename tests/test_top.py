"""`billiards-video top`, in a real terminal: what it shows, how it ends, and how it leaves the terminal."""

import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from billiards_video import SharedMemoryFrameReader, SharedMemoryFrameWriter, State
from billiards_video.cli.pulse import Pulse, intervals
from billiards_video.cli.sparkline import sparkline
from cli_command import COMMAND, Terminal, environment
from small_stream import HEIGHT, WIDTH, picture

_ALTERNATE = ("\x1b[?1049h", "\x1b[?1049l")
_CURSOR = ("\x1b[?25l", "\x1b[?25h")


@contextmanager
def publishing(writer: SharedMemoryFrameWriter, fps: float = 50) -> Iterator[None]:
    """Frames that come evenly, from a thread."""
    stop = threading.Event()

    def publish() -> None:
        value = 0
        while not stop.wait(1 / fps):
            value += 1
            writer.write_frame(np.full((writer.height, writer.width, 3), value % 200, np.uint8))

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def screens(shown: str) -> list[list[str]]:
    """The screens that were drawn one after the other, as lines without colours."""
    parts = [part for part in shown.split("\x1b[H") if "lag" in part]
    return [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", part).replace("\r", "").split("\n") for part in parts]


def is_in_order(terminal: Terminal) -> bool:
    """Whether the terminal was left as it was found: its settings, the cursor, the screen of before."""
    ends = all(terminal.shown.rfind(on) < terminal.shown.rfind(off) for on, off in (_ALTERNATE, _CURSOR))
    return ends and terminal.settings_now() == terminal.settings


def test_it_shows_the_stream_as_it_goes(writer: SharedMemoryFrameWriter) -> None:
    """State, rate, interval, drops and buffers with small plots, and each reader; it fits into 80x24."""
    with publishing(writer), SharedMemoryFrameReader(writer.name, reader_name="detector") as reader:
        frame = reader.lease(5)
        with Terminal("top", writer.name, "--interval", "0.1") as terminal:
            terminal.wait_for("detector")
            terminal.wait_for("▅")
            terminal.wait_for("1 buffer, ")
            terminal.press("q")
            assert terminal.end() == 0
        del frame
    for words in (f"{writer.name}  LIVE", "fps", "interval", "since capture", "dropped", "1 held", "holds"):
        assert words in terminal.text
    assert "billiards-video top" not in terminal.text, "it is itself no reader worth showing"
    drawn = screens(terminal.shown)
    assert drawn
    assert max(len(lines) for lines in drawn) <= 24
    assert max(len(line.rstrip()) for lines in drawn for line in lines) <= 80


@pytest.mark.parametrize("way", ["q", "\x03", signal.SIGTERM, signal.SIGHUP], ids=["q", "Ctrl-C", "SIGTERM", "SIGHUP"])
def test_however_it_ends_the_terminal_is_in_order(writer: SharedMemoryFrameWriter, way: str | signal.Signals) -> None:
    """A key and a signal end it alike: exit code 0, settings, cursor and screen as before, no word of complaint."""
    writer.write_frame(picture(0))
    with Terminal("top", writer.name) as terminal:
        terminal.wait_for("q or Ctrl-C ends")
        assert terminal.settings_now() != terminal.settings
        if isinstance(way, signal.Signals):
            terminal.process.send_signal(way)
        else:
            terminal.press(way)
        assert terminal.end() == 0
        assert is_in_order(terminal)
    assert "Traceback" not in terminal.text


def test_it_waits_for_a_stream_and_follows_it(segment_name: str) -> None:
    """Where there is none it says why; it shows the stream when it comes, its trouble, its end, and its successor."""
    with Terminal("top", segment_name, "--interval", "0.05") as terminal:
        terminal.wait_for("NOT THERE")
        terminal.wait_for("no process publishes it")
        with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT) as writer, publishing(writer):
            terminal.wait_for("LIVE")
            writer.set_state(State.STALLED, "no frames arrive")
            terminal.wait_for("STALLED: no frames arrive")
        terminal.wait_for("CLOSED")
        with SharedMemoryFrameWriter(segment_name, 2 * WIDTH, HEIGHT) as writer, publishing(writer):
            terminal.wait_for(f"{2 * WIDTH}x{HEIGHT}")
        terminal.press("q")
        assert terminal.end() == 0
        assert is_in_order(terminal)


def test_what_was_before_a_restart_is_forgotten(segment_name: str) -> None:
    """Rate and intervals are those of the segment that is read now: its sequences begin anew, and so do they."""
    with Pulse(segment_name, None) as pulse:
        with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT) as writer, publishing(writer):
            while len(pulse.beats(60)) < 10:
                time.sleep(0.01)
        restarted_ns = time.monotonic_ns()
        with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT) as writer, publishing(writer):
            while (last := pulse.last) is None or last.captured_ns < restarted_ns:
                time.sleep(0.01)
            beats = pulse.beats(60)
    assert min(beat.captured_ns for beat in beats) >= restarted_ns
    assert all(interval > 0 for interval in intervals(beats))


def test_more_readers_than_there_is_room_for(writer: SharedMemoryFrameWriter) -> None:
    """A small terminal shows the first readers and says how many more there are."""
    writer.write_frame(picture(0))
    readers = [SharedMemoryFrameReader(writer.name, reader_name=f"reader {number}") for number in range(20)]
    for reader in readers:
        reader.attach()
    with Terminal("top", writer.name, lines=18) as terminal:
        terminal.wait_for("reader 3")
        terminal.wait_for(" more")
        terminal.press("q")
        assert terminal.end() == 0
    for reader in readers:
        reader.detach()
    assert "reader 19" not in terminal.text
    assert max(len(lines) for lines in screens(terminal.shown)) <= 18


@pytest.mark.parametrize(("height", "shown"), [(14, 4), (13, 2), (10, 1), (6, 1), (4, 1)])
def test_readers_are_seen_in_a_low_terminal(writer: SharedMemoryFrameWriter, height: int, shown: int) -> None:
    """Where not all fits, empty lines and figures give way to the readers; how many are not shown is said."""
    writer.write_frame(picture(0))
    readers = [SharedMemoryFrameReader(writer.name, reader_name=f"reader {number}") for number in range(4)]
    for reader in readers:
        reader.attach()
    with publishing(writer, 5), Terminal("top", writer.name, lines=height) as terminal:
        terminal.wait_for(f"and {len(readers) - shown} more" if shown < len(readers) else "reader 3")
        terminal.press("q")
        assert terminal.end() == 0
    for reader in readers:
        reader.detach()
    drawn = screens(terminal.shown)[-1]
    assert len(drawn) <= height
    assert drawn[0].startswith(f"{writer.name}  LIVE")
    assert sum(line.startswith("reader ") for line in drawn) == 1 + shown  # the titles, too


def test_without_colour(writer: SharedMemoryFrameWriter) -> None:
    """NO_COLOR leaves the figures and takes the colours."""
    writer.write_frame(picture(0))
    colours = re.compile(r"\x1b\[[0-9;]*3[1-7]m")
    for more, coloured in ((dict[str, str](), True), ({"NO_COLOR": "1"}, False)):
        with Terminal("top", writer.name, variables=more) as terminal:
            terminal.wait_for("q or Ctrl-C ends")
            terminal.press("q")
            assert terminal.end() == 0
        assert bool(colours.search(terminal.shown)) == coloured


def test_without_a_terminal_it_is_a_line_a_second(writer: SharedMemoryFrameWriter) -> None:
    """In a pipe there are plain lines, as they come, until Ctrl-C."""
    with (
        publishing(writer),
        subprocess.Popen(
            [*COMMAND, "top", writer.name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        ) as process,
    ):
        assert process.stdout is not None
        line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    assert re.match(rf"{writer.name} LIVE fps=[\d.]+ interval=\S+ longest=\S+ age=\S+ dropped=0", line), line
    assert "\x1b" not in line + rest


def test_sparklines() -> None:
    """The last values, from nothing to the full height; more than full is full."""
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([0, 5, 99], 4, 10) == " ▁▅█"
    assert sparkline([], 3) == "   "
    assert sparkline([0, 0], 2) == "▁▁"

"""`python -m billiards_video.demo`: a synthetic camera in one process, its page in another, its frames read here."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from billiards_video.demo.capture import CaptureProcess
from billiards_video.demo.display import Display, line
from billiards_video.demo.figures import Figures
from billiards_video.demo.page import PageProcess
from billiards_video.ipc import EndOfStream, SharedMemoryFrameReader

if TYPE_CHECKING:
    from types import FrameType

    from billiards_video.ipc import Frame

OK = 0
FAILURE = 1

_ATTACH_SECONDS = 20.0
_SLICE_SECONDS = 0.25  # how soon a signal and the end of the capture process are noticed where no frame comes


class DemoError(Exception):
    """The demonstration cannot go on; the text says why."""


class Ending:
    """When to end: after a signal, or after `seconds` from `begin` on."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._deadline = float("inf")
        self.signals = 0
        """Signals received."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def begin(self) -> None:
        """Starts the clock."""
        if self._seconds is not None:
            self._deadline = time.monotonic() + self._seconds

    @property
    def due(self) -> bool:
        """Whether it is time."""
        return self.signals > 0 or time.monotonic() >= self._deadline

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.signals += 1


def main(arguments: list[str] | None = None) -> int:
    """Runs the demonstration; gives the exit code: 0 ended as asked, 1 something failed or a frame was torn."""
    parser = argparse.ArgumentParser(
        prog="python -m billiards_video.demo",
        description="Starts the capture process on a synthetic camera, and a page that shows its picture in a browser,"
        " and reads its frames here, until Ctrl-C.",
        epilog="Exit codes: 0 ended as asked; 1 something failed, or a frame was torn; 2 wrong arguments.",
    )
    parser.add_argument("--seconds", type=_seconds, help="end after so many seconds of reading (default: at Ctrl-C)")
    parser.add_argument("--picture", default="1920x1080@30", help="size and frames a second (default: %(default)s)")
    parser.add_argument("--name", default="billiards_video_demo", help="of the shared memory (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="of the page (default: a free one)")
    parser.add_argument("--no-page", action="store_true", help="only the figures")
    parser.add_argument("--no-browser", action="store_true", help="only say where the page is")
    asked = parser.parse_args(arguments)
    ending = Ending(asked.seconds)
    try:
        with ExitStack() as stack:
            capture = stack.enter_context(CaptureProcess(asked.name, f"synthetic:{asked.picture}"))
            page = None if asked.no_page else PageProcess(asked.name, asked.port, browser=not asked.no_browser)
            if page is not None:
                stack.enter_context(page)
            return _run(asked.name, capture, page, ending, Display(sys.stdout))
    except BrokenPipeError:  # nobody reads any more, as after `| head`; both ends of the demonstration are down already
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except (DemoError, OSError, RuntimeError, ValueError) as error:
        sys.stdout.flush()
        sys.stderr.write(f"{error}\n")
        return FAILURE


def _run(name: str, capture: CaptureProcess, page: PageProcess | None, ending: Ending, display: Display) -> int:
    reader = SharedMemoryFrameReader(name, reader_name="demo")
    figures = Figures()
    try:
        if _attach(reader, capture, ending):
            display.say(
                f"Capture process {capture.pid} draws {reader.width}x{reader.height} into {reader.path};"
                f" this process, {os.getpid()}, reads them there."
            )
            ending.begin()
            _watch(reader, capture, page, ending, display, figures=figures)
    finally:
        reader.detach()
    if page is not None:
        page.stop(lambda: ending.signals > 1)
    code = capture.stop(lambda: ending.signals > 1)
    if code != OK:
        raise DemoError(capture.last_words())
    display.say(f"All processes have ended. {line(figures)} frames={figures.frames}")
    if figures.torn:
        raise DemoError(figures.fault)
    return OK


def _attach(reader: SharedMemoryFrameReader, capture: CaptureProcess, ending: Ending) -> bool:
    """Waits for the capture process's first frame; False if it was time to end before."""
    deadline = time.monotonic() + _ATTACH_SECONDS
    while not ending.due:
        try:
            reader.attach(timeout=_SLICE_SECONDS)
        except TimeoutError as error:
            if not capture.running:
                raise DemoError(capture.last_words()) from error
            if time.monotonic() > deadline:
                raise DemoError(f"{error}\n{capture.last_words()}") from error
            continue
        if reader.writer_pid != capture.pid:
            raise DemoError(
                f"Process {reader.writer_pid} publishes under the name {reader.name!r} already, perhaps another"
                f" demonstration: end it, or give this one another name with --name."
            )
        return True
    return False


def _watch(
    reader: SharedMemoryFrameReader,
    capture: CaptureProcess,
    page: PageProcess | None,
    ending: Ending,
    display: Display,
    *,
    figures: Figures,
) -> None:
    """Reads every frame as it comes, in place, until it is time to end."""
    told = ""
    reader.read_frame()  # what is there already was published before this reader came: its age is no latency
    while not ending.due:
        try:
            with reader.lease(timeout=_SLICE_SECONDS) as frame:
                _take(frame, figures)
        except TimeoutError:
            pass  # the figures show it
        except EndOfStream as error:
            capture.stop(lambda: False)
            raise DemoError(capture.last_words()) from error
        if not capture.running:
            raise DemoError(capture.last_words())
        if page is not None and page.news != told:
            told = page.news
            display.say(told)
        display.show(figures, capture.warning)


def _take(frame: Frame, figures: Figures) -> None:
    """In a function of its own, so that no name keeps the array, and with it the buffer, beyond the lease."""
    array = frame.array
    arrived_ns = time.monotonic_ns()
    figures.add(array, frame.metadata, arrived_ns)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds above 0")
    return seconds


if __name__ == "__main__":
    sys.exit(main())

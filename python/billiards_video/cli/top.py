"""`billiards-video top`: a stream as it goes, live in the terminal; elsewhere a line a second."""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING

from billiards_video.cli.history import History, others
from billiards_video.cli.keyboard import Keyboard
from billiards_video.cli.outcome import OK, USAGE, CommandError
from billiards_video.cli.pulse import Pulse
from billiards_video.cli.status_text import condition
from billiards_video.cli.stream_choice import owner_of, stream_name
from billiards_video.cli.words import seconds
from billiards_video.metrics.reading import read

if TYPE_CHECKING:
    import argparse
    from types import FrameType

    from billiards_video.metrics.reading import Reading


_LINE_SECONDS = 1.0


def command(asked: argparse.Namespace) -> int:
    """Shows it until q, Ctrl-C, SIGTERM, or until the terminal is gone."""
    name, owner = stream_name(asked.name), owner_of(asked)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)  # so that the terminal is left in order
    try:
        pulse = Pulse(name, owner)
    except (OverflowError, ValueError) as error:
        raise CommandError(f"{name!r} is no name of a stream: {' '.join(str(error).split())}", USAGE) from None
    show = _show if sys.stdout.isatty() else _print_lines
    try:
        with pulse:
            show(pulse, name, asked.interval)
    except KeyboardInterrupt:
        pass  # one of the ways to end it
    return OK


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _look(pulse: Pulse) -> Reading | None:
    """None while there is no stream; the pulse knows why."""
    try:
        return read(pulse.reader)
    except (OSError, RuntimeError):
        return None


def _show(pulse: Pulse, name: str, interval: float) -> None:
    try:
        from rich.console import Console  # noqa: PLC0415 - for this command alone
        from rich.live import Live  # noqa: PLC0415 - likewise

        from billiards_video.cli.top_screen import screen, waiting  # noqa: PLC0415 - likewise
    except ModuleNotFoundError as error:
        raise CommandError(
            f"top in a terminal needs {error.name}, which is not installed: pip install 'billiards-video[cli]'"
            " ('billiards-video top | cat' does without)"
        ) from None
    console = Console()
    history = History()
    with Keyboard() as keyboard, Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            next_look = time.monotonic() + interval
            status = _look(pulse)
            if status is None:
                picture = waiting(name, pulse.problem)
            else:
                picture = screen(status, history.look(pulse, status), history, console.options)
            live.update(picture, refresh=True)
            while time.monotonic() < next_look:
                if "q" in keyboard.wait(next_look).lower():
                    return


def _print_lines(pulse: Pulse, name: str, interval: float) -> None:
    history = History()
    while True:
        time.sleep(max(interval, _LINE_SECONDS))
        status = _look(pulse)
        print(f"{name} NOT THERE: {pulse.problem}" if status is None else _line(pulse, status, history), flush=True)  # noqa: T201


def _line(pulse: Pulse, status: Reading, history: History) -> str:
    moment = history.look(pulse, status)
    readers = " ".join(
        f"{reader.name or 'reader'}[{reader.pid}]:lag={lag if (lag := status.lag(reader)) is not None else '-'},"
        f"missed={reader.missed}"
        for reader in others(status)
    )
    times = {"interval": moment.middle, "longest": moment.longest, "age": moment.age}
    shown = " ".join(f"{key}={_short(value)}" for key, value in times.items())
    fps = "-" if moment.fps is None else f"{moment.fps:.1f}"
    word, _ = condition(status)
    return f"{status.name} {word} fps={fps} {shown} dropped={status.counters.dropped} {readers}".rstrip()


def _short(value: float | None) -> str:
    return "-" if value is None else seconds(value).replace(" ", "")

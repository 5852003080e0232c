"""Shows figures: a block that is kept up to date on a terminal, otherwise one line a second."""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from billiards_video.demo.figures import Figures, Latency

_BLOCK_SECONDS = 0.25
_LINE_SECONDS = 1.0
_MILLISECOND = 1000.0  # in microseconds


class Display:
    """Writes to `output`; it is a block where that is a terminal that can move its cursor and has room for it."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._block = output.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._shown = 0
        self._next = time.monotonic() + (0.0 if self._block else _LINE_SECONDS)
        self._warning = ""

    def show(self, figures: Figures, warning: str) -> None:
        """Shows the figures if it is time to; `warning` is what the capture process said last."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = max(self._next + (_BLOCK_SECONDS if self._block else _LINE_SECONDS), now)
        size = shutil.get_terminal_size()
        lines = block(figures, warning)
        if not self._block or len(lines) >= size.lines:
            if warning != self._warning:
                self._warning = warning
                self.say(warning)
            self.say(line(figures))
            return
        up = f"\x1b[{self._shown}F" if self._shown else ""
        # Cut to the width, since a line that wraps would upset the count; and a column less, where some wrap already.
        self._output.write(up + "".join(f"{text[: size.columns - 1]}\x1b[K\n" for text in lines) + "\x1b[J")
        self._output.flush()
        self._shown = len(lines)

    def say(self, text: str) -> None:
        """Writes lines that stay."""
        self._shown = 0
        self._output.write(f"{text}\n")
        self._output.flush()


def block(figures: Figures, warning: str) -> Sequence[str]:
    """The figures for a terminal, one below the other."""
    return [
        "",
        f"  frame     {figures.number:>12,}",
        f"  fps       {figures.rate(time.monotonic_ns()):>12.2f}",
        f"  latency   {'p50':>12} {'p99':>12}",
        f"    publish to array {_padded(figures.publish_latency)}",
        f"    capture to array {_padded(figures.capture_latency)}",
        f"  missed    {figures.missed:>12,}",
        f"  torn      {figures.torn:>12,}    of {figures.frames:,} frames, every byte checked",
        "",
        *([f"  capture process: {warning}"] if warning else []),
        "  Ctrl-C ends it all.",
    ]


def line(figures: Figures) -> str:
    """The figures in one line."""
    publish, capture = figures.publish_latency, figures.capture_latency
    return (
        f"frame={figures.number} fps={figures.rate(time.monotonic_ns()):.2f}"
        f" publish_to_array_p50={_short(publish.p50)} p99={_short(publish.p99)}"
        f" capture_to_array_p50={_short(capture.p50)} p99={_short(capture.p99)}"
        f" missed={figures.missed} torn={figures.torn}"
    )


def _padded(latency: Latency) -> str:
    return f"{_short(latency.p50):>12}{_short(latency.p99):>12}"


def _short(microseconds: float) -> str:
    """A time with a unit that suits it: "84us", "1.62ms"."""
    return f"{microseconds:.0f}us" if microseconds < _MILLISECOND else f"{microseconds / _MILLISECOND:.2f}ms"

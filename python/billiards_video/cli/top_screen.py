"""What `top` shows: lines for a terminal of any size from 40x10 on, made of `rich`'s text and table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from billiards_video.cli.history import others
from billiards_video.cli.sparkline import sparkline
from billiards_video.cli.status_text import condition, explanation
from billiards_video.cli.terminal import GREEN, RED, YELLOW, printable
from billiards_video.cli.words import seconds, size, some

if TYPE_CHECKING:
    from rich.console import ConsoleOptions, RenderableType

    from billiards_video.cli.history import History, Moment
    from billiards_video.cli.stream_status import StreamStatus

_COLOURS = {GREEN: "green", YELLOW: "yellow", RED: "red"}
_FACTS = 11  # lines of everything but the readers
_LAG_WIDTH = 12
_LONG_HOLD_SECONDS = 1.0
_LATE_FRAMES = 2
_ENDS = Text("q or Ctrl-C ends", style="dim")


def waiting(name: str, problem: str) -> RenderableType:
    """Where there is no stream."""
    heading = Text.assemble((printable(name), "bold"), "  ", ("NOT THERE", "bold yellow"))
    return Group(
        heading, Text(), Text(printable(problem)), Text(), Text("It is shown as soon as it is there.", "dim"), _ENDS
    )


def screen(status: StreamStatus, moment: Moment, history: History, options: ConsoleOptions) -> RenderableType:
    """A stream, and its readers: as many as there is room for."""
    word, colour = condition(status)
    heading = Text.assemble(
        (printable(status.name), "bold"), "  ", (word, f"bold {_COLOURS[colour]}"), explanation(status)
    )
    source = printable(status.told_text("source"))
    about = f"{source + ', ' if source else ''}{status.width}x{status.height} {status.format}, pid {status.pid}"
    room = max(3, options.max_height - _FACTS)
    return Group(
        heading,
        Text(about, style="dim", overflow="ellipsis", no_wrap=True),
        Text(),
        _figures(status, moment, history, options.max_width),
        Text(),
        *_readers(status, history, room),
        Text(),
        _ENDS,
    )


def _figures(status: StreamStatus, moment: Moment, history: History, width: int) -> Table:
    plot = max(8, width - 52)
    nominal = status.told_number("nominal_fps")
    counters = status.counters
    held = sum(reader.held for reader in others(status))
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), expand=False)
    for justify, least in (("left", 8), ("right", 9), ("left", plot), ("left", None)):
        table.add_column(justify=justify, min_width=least, no_wrap=True, overflow="ellipsis")  # type: ignore[arg-type]
    table.add_row(
        "fps",
        _or_none(None if moment.fps is None else f"{moment.fps:.1f}"),
        sparkline(history.fps, plot, max(nominal or 0, *history.fps)),
        "" if nominal is None else f"of {nominal:.4g}",
    )
    table.add_row(
        "interval",
        _time(moment.middle),
        sparkline(moment.intervals, plot, 2 * moment.middle if moment.middle else None),
        "" if moment.longest is None else f"longest {seconds(moment.longest)}",
    )
    table.add_row("age", _time(moment.age), sparkline(history.ages, plot), "since capture")
    table.add_row("wake-up", _time(moment.latency), "", "from publication to here")
    table.add_row("dropped", f"{counters.dropped:,}", sparkline(history.drops, plot), f"of {counters.published:,}")
    table.add_row("buffers", f"{counters.buffers}", f"of {size(status.frame_bytes)}", f"{held} held")
    return table


def _readers(status: StreamStatus, history: History, room: int) -> list[RenderableType]:
    if status.readers is None:
        return [Text("readers are not to be seen: the stream is another user's", style="dim")]
    readers = others(status)
    if not readers:
        return [Text("no readers but this one", style="dim")]
    shown = readers if len(readers) <= room - 1 else readers[: room - 2]
    table = Table(box=None, header_style="dim", padding=(0, 1, 0, 0), expand=True)
    table.add_column("reader", no_wrap=True, overflow="ellipsis", ratio=1, min_width=8)
    for title in ("pid", "fps", "missed", "lag"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True, min_width=_LAG_WIDTH)
    table.add_column("holds", no_wrap=True, min_width=16)
    for reader in shown:
        past, lag, held = history.of(reader), status.lag(reader), status.held_seconds(reader)
        late = lag is not None and lag > _LATE_FRAMES
        table.add_row(
            Text(printable(reader.name) or "(no name)"),
            str(reader.pid),
            "-" if past.fps is None else f"{past.fps:.1f}",
            f"{reader.missed:,}",
            Text("-" if lag is None else f"{lag:,}", style="yellow" if late else ""),
            sparkline(past.lags, _LAG_WIDTH, max(4, *past.lags)),
            Text(
                "nothing" if held is None else f"{some(reader.held, 'buffer')}, {seconds(held)}",
                style="yellow" if held is not None and held > _LONG_HOLD_SECONDS else "",
            ),
        )
    rest = len(readers) - len(shown)
    return [table, *([Text(f"and {rest} more", style="dim")] if rest else [])]


def _time(value: float | None) -> str:
    return _or_none(None if value is None else seconds(value))


def _or_none(text: str | None) -> str:
    return "-" if text is None else text

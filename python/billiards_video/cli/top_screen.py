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
    from billiards_video.metrics.reading import Reading

_COLOURS = {GREEN: "green", YELLOW: "yellow", RED: "red"}
_FIGURES = 6  # lines
_TIGHT = 3 + _FIGURES  # lines of everything but the readers
_ROOMY = 3 + _TIGHT  # the same, with empty ones in between
_FEW = 3  # lines that the readers have in any case: their titles, one of them, and how many more there are
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


def screen(status: Reading, moment: Moment, history: History, options: ConsoleOptions) -> RenderableType:
    """A stream, and its readers: as many as there is room for; in a low terminal, with fewer figures."""
    word, colour = condition(status)
    heading = Text.assemble(
        (printable(status.name), "bold"), "  ", (word, f"bold {_COLOURS[colour]}"), explanation(status)
    )
    source = printable(status.told.text("source") or "")
    about = f"{source + ', ' if source else ''}{status.width}x{status.height} {status.format}, pid {status.pid}"
    height, least = options.max_height, min(_FEW, 1 + len(others(status)))
    gap = [Text()] if height >= _ROOMY + least else []
    heading.no_wrap, heading.overflow = not gap, "ellipsis"
    figures = min(_FIGURES, max(0, height - 1 - least))
    if height < _TIGHT + least:
        readers = _readers(status, history, max(1, height - 1 - figures))
        return Group(heading, *_figures(status, moment, history, options.max_width, figures), *readers)
    return Group(
        heading,
        Text(about, style="dim", overflow="ellipsis", no_wrap=True),
        *gap,
        *_figures(status, moment, history, options.max_width, figures),
        *gap,
        *_readers(status, history, height - (_ROOMY if gap else _TIGHT)),
        *gap,
        _ENDS,
    )


def _figures(status: Reading, moment: Moment, history: History, width: int, lines: int) -> list[RenderableType]:
    plot = max(8, width - 52)
    nominal = status.told.number("nominal_fps")
    counters = status.counters
    held = sum(reader.held for reader in others(status))
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), expand=False)
    for justify, least in (("left", 8), ("right", 9), ("left", plot), ("left", None)):
        table.add_column(justify=justify, min_width=least, no_wrap=True, overflow="ellipsis")  # type: ignore[arg-type]
    rows = [
        (
            "fps",
            _or_none(None if moment.fps is None else f"{moment.fps:.1f}"),
            sparkline(history.fps, plot, max(nominal or 0, *history.fps)),
            "" if nominal is None else f"of {nominal:.4g}",
        ),
        (
            "interval",
            _time(moment.middle),
            sparkline(moment.intervals, plot, 2 * moment.middle if moment.middle else None),
            "" if moment.longest is None else f"longest {seconds(moment.longest)}",
        ),
        ("age", _time(moment.age), sparkline(history.ages, plot), "since capture"),
        ("wake-up", _time(moment.latency), "", "from publication to here"),
        ("dropped", f"{counters.dropped:,}", sparkline(history.drops, plot), f"of {counters.published:,}"),
        ("buffers", f"{counters.buffers}", f"of {size(status.frame_bytes)}", f"{held} held"),
    ]
    for row in rows[:lines]:
        table.add_row(*row)
    return [table] if lines else []


def _readers(status: Reading, history: History, room: int) -> list[RenderableType]:
    if status.readers is None:
        return [Text("readers are not to be seen: the stream is another user's", style="dim")]
    readers = others(status)
    if not readers:
        return [Text("no readers but this one", style="dim")]
    shown = readers if len(readers) < room else readers[: max(0, room - 2)]
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

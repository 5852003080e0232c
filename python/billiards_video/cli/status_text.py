"""A stream's status in words: a heading, facts with their names, a table of the readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from billiards_video.cli.terminal import BOLD, DIM, GREEN, RED, YELLOW, printable
from billiards_video.cli.words import seconds, size, some
from billiards_video.ipc import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from billiards_video.cli.terminal import Paint
    from billiards_video.metrics.reading import Reading

_LABEL = 10
_LONG_HOLD_SECONDS = 1.0
_NAME = 24
_OTHER_COLUMNS = 60  # of the table of readers, all but the name


def lines(status: Reading, paint: Paint, width: int | None) -> list[str]:
    """The lines to show; cut to `width` where there is one."""
    facts = [
        f"  {paint(label.ljust(_LABEL), DIM)}{_cut(text, width, 2 + _LABEL)}" for label, text in _facts(status) if text
    ]
    return [heading(status, paint), *facts, *readers(status, paint, width)]


def heading(status: Reading, paint: Paint) -> str:
    """The stream's name, and in words how it does."""
    word, colour = condition(status)
    return f"{paint(printable(status.name), BOLD)}  {paint(word, BOLD, colour)}{explanation(status)}"


def condition(status: Reading) -> tuple[str, str]:
    """One word for the state, and its colour."""
    if status.dead:
        return "DEAD", RED
    if status.silent:
        return "SILENT", RED
    if status.state is State.LIVE:
        return "LIVE", GREEN
    return status.state.name, YELLOW if status.state in (State.STALLED, State.RECONNECTING) else RED


def explanation(status: Reading) -> str:
    """What goes after that word: why it is so, since when, and what to do."""
    if status.dead:
        return (
            f": its writer, pid {status.pid}, has died; start it again: 'billiards-video run';"
            " the next start under this name clears away what is left"
        )
    if status.silent:
        silent = seconds(status.heartbeat_age or 0)
        return (
            f": its writer, pid {status.pid}, lives, and has given no sign of it for {silent}:"
            " it is stopped, hangs, or is a program with nothing to publish"
        )
    since = "" if status.state_age is None else f" for {seconds(status.state_age)}"
    return f"{since}{': ' if status.reason else ''}{printable(status.reason)}"


def _facts(status: Reading) -> Iterator[tuple[str, str]]:
    counters = status.counters
    yield "source", printable(status.told.text("source") or "")
    yield "frames", f"{status.width}x{status.height} {status.format}{_rate(status)}"
    if status.newest is None:
        yield "newest", "no frame yet"
    else:
        jump = ", the first after a gap" if status.newest.discontinuity else ""
        yield "newest", f"frame {status.newest.frame_number:,}, {seconds(status.frame_age or 0)} old{jump}"
    counts = [
        f"{counters.captured:,} captured" if counters.captured else "",
        f"{counters.published:,} published",
        f"{counters.dropped:,} dropped",
        *(_told(count, *words) for key, *words in _TOLD if (count := status.told.number(key))),
    ]
    yield "counts", ", ".join(filter(None, counts))
    held = sum(reader.held for reader in status.readers or ())
    yield "buffers", f"{counters.buffers} of {size(status.frame_bytes)} in {status.path}, {held} held by readers"
    uptime = status.told.number("uptime_sec")
    up = "up" if status.alive else "was up"
    yield "writer", f"pid {status.pid}" + ("" if uptime is None else f", {up} {seconds(uptime)}")
    if error := printable(status.told.text("last_error") or ""):
        ago = "" if status.error_age is None else f" ({seconds(status.error_age)} ago)"
        yield "error", f"{error}{ago}"
    for setting in _settings(status):
        yield "setting", setting


_TOLD = (
    ("frames_skipped", "skipped by the source", "skipped by the source"),
    ("reconnects", "reconnect", "reconnects"),
    ("stalls", "stall", "stalls"),
    ("loops", "loop", "loops"),
    ("errors", "error", "errors"),
)


def _told(count: float, once: str, often: str) -> str:
    return f"{count:,} {once if count == 1 else often}"


def _rate(status: Reading) -> str:
    fps, nominal = status.told.number("fps"), status.told.number("nominal_fps")
    if fps is None or not status.alive:
        return ""
    return f", {fps:.1f} a second" + ("" if nominal is None else f" (the source promises {nominal:.4g})")


def _settings(status: Reading) -> Iterator[str]:
    """Those that are not as they were asked for."""
    for row in status.told.settings():
        if row.get("note"):
            got = row.get("measured") or row.get("accepted") or "nothing"
            yield printable(f"{row.get('name')}: asked {row.get('asked')}, got {got}: {row['note']}")


def readers(status: Reading, paint: Paint, width: int | None) -> list[str]:
    """The readers, in a table."""
    if status.readers is None:
        return [f"  {paint('readers'.ljust(_LABEL), DIM)}not to be seen: the stream is another user's"]
    if not status.readers:
        return [f"  {paint('readers'.ljust(_LABEL), DIM)}none"]
    room = _NAME if width is None else max(8, min(_NAME, width - _OTHER_COLUMNS))
    head = f"  {'reader'.ljust(room)} {'pid':>8} {'read':>9} {'missed':>8} {'lag':>5}  holds"
    rows = [paint(head, DIM)]
    for reader in sorted(status.readers, key=lambda reader: reader.attached_ns):
        lag, held = status.lag(reader), status.held_seconds(reader)
        holds = "nothing" if held is None else f"{some(reader.held, 'buffer')}, {seconds(held)}"
        colour = (YELLOW,) if held is not None and held > _LONG_HOLD_SECONDS else ()
        name = printable(reader.name) or "(no name)"
        rows.append(
            f"  {_cut(name, room).ljust(room)} {reader.pid:>8} {reader.frames_read:>9,} {reader.missed:>8,}"
            f" {'-' if lag is None else f'{lag:,}':>5}  {paint(holds, *colour)}"
        )
    return rows


def _cut(text: str, width: int | None, used: int = 0) -> str:
    if width is None or len(text) <= max(width - used, 1):
        return text
    return text[: max(width - used - 1, 0)] + "…"

"""The table of what was asked of a source, what it accepted, and what came in fact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from billiards_video.capture.source import Setting

if TYPE_CHECKING:
    from collections.abc import Iterable

_NS = 1_000_000_000
_LEAST_SECONDS = 2
_LEAST_FRAMES = 10
_AS_AGREED = 0.9
_HEADINGS = Setting("setting", "asked", "accepted", "measured", "")
_NOTHING = "-"


class FirstFrames:
    """The rate at which frames come, over the first two seconds, or as long as ten of them take.

    Without those of the first `settle` seconds, in which a stream may still give out what was waiting.
    """

    def __init__(self, settle: float = 0) -> None:
        self._settle_ns = round(settle * _NS)
        self._begin_ns: int | None = None
        self._first_ns: int | None = None
        self._frames = 0
        self.fps: float | None = None
        """Frames a second; None until there have been enough."""

    def count(self, taken_ns: int, frames: int = 1) -> None:
        """Another frame, and when it was taken; with those that the source has sent before it and that were not."""
        if self.fps is not None:
            return
        if self._begin_ns is None:
            self._begin_ns = taken_ns
        if self._first_ns is None:
            if taken_ns - self._begin_ns >= self._settle_ns:
                self._first_ns = taken_ns
            return
        self._frames += frames
        lasted_ns = taken_ns - self._first_ns
        if self._frames >= _LEAST_FRAMES and lasted_ns >= _LEAST_SECONDS * _NS:
            self.fps = self._frames * _NS / lasted_ns


def with_rate(settings: Iterable[Setting], fps: float | None) -> tuple[Setting, ...]:
    """The settings, with the rate that was measured in its place."""
    return tuple(row if fps is None or row.name != "fps" else _with_rate(row, fps) for row in settings)


def _with_rate(row: Setting, fps: float) -> Setting:
    too_few = row.accepted is not None and fps < _AS_AGREED * float(row.accepted)
    return row._replace(measured=f"{fps:.4g}", note="fewer come than were agreed to" if too_few else row.note)


def table(settings: Iterable[Setting]) -> list[str]:
    """The settings as lines for the log, in columns, with a heading; nothing where there are none."""
    rows = [_HEADINGS, *settings]
    if len(rows) == 1:
        return []
    columns = [[cell or _NOTHING for cell in column] for column in zip(*(row[:4] for row in rows), strict=True)]
    widths = [max(map(len, column)) for column in columns]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)), row.note]).rstrip()
        for cells, row in zip(zip(*columns, strict=True), rows, strict=True)
    ]

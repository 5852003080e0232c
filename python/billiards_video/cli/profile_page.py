"""A profile as a page that needs nothing else: a table, and a picture of each stage's durations."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from billiards_video.cli.profile import WORDS, rows
from billiards_video.cli.words import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from billiards_video.cli.profile import Profile, Stage

_COLUMNS = 48
_WIDTH, _HEIGHT, _FLOOR = 720, 150, 22  # of a picture, in pixels; its floor has the scale
_LABELS, _LABEL_WIDTH = 8, 40
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fdfdfc; --faint: #8a929c; --bar: #2f7d5b; --line: #e3e6e9 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8ea; --paper: #15181b; --faint: #8b949e; --bar: #4fb286; --line: #2b3036 }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 760px; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.05rem; margin: 2rem 0 0 }
p { color: var(--faint); margin: 0 0 .5rem }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: right; padding: .3rem .5rem; border-bottom: 1px solid var(--line); font-weight: normal }
th { color: var(--faint) } th:first-child, td:first-child { text-align: left }
svg { width: 100%; height: auto; display: block } rect { fill: var(--bar) } rect:hover { opacity: .7 }
text { fill: var(--faint); font: 11px system-ui, sans-serif } line { stroke: var(--faint); stroke-dasharray: 3 3 }
"""


def as_page(profile: Profile) -> str:
    """The page, as HTML."""
    count = max(stage.frames for stage in profile.stages)
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>Where a frame's time went</title><style>{_STYLE}</style></head><body>",
            f"<h1>Where a frame's time went</h1><p>{count:,} frames in {seconds(profile.lasted)}</p>",
            *_table(profile),
            *(line for stage in profile.stages for line in _section(stage)),
            "</body></html>",
            "",
        ]
    )


def _table(profile: Profile) -> Iterator[str]:
    yield "<table><thead><tr><th>stage</th><th>frames</th><th>mean</th><th>p50</th><th>p90</th><th>p99</th>"
    yield "<th>longest</th><th>of all time</th></tr></thead><tbody>"
    for stage in profile.stages:
        times = (stage.mean, stage.p50, stage.p90, stage.p99, stage.longest)
        cells = "".join(f"<td>{seconds(time)}</td>" for time in times)
        share = stage.total / profile.lasted
        yield f"<tr><td>{escape(stage.name)}</td><td>{stage.frames:,}</td>{cells}<td>{share:.1%}</td></tr>"
    yield "</tbody></table>"


def _section(stage: Stage) -> Iterator[str]:
    yield f"<h2>{escape(stage.name)}</h2><p>{escape(WORDS.get(stage.name, ''))}</p>"
    described = f"{stage.name}: half within {seconds(stage.p50)}, 99 % within {seconds(stage.p99)}"
    yield f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(described)}">'
    yield from _bars(stage)
    yield "</svg>"


def _bars(stage: Stage) -> Iterator[str]:
    joined = rows(stage.bins, _COLUMNS)
    low, high = joined[0].low, joined[-1].high
    room = _HEIGHT - _FLOOR
    most = max(row.frames for row in joined)

    def across(duration: float) -> float:
        share = math.log(max(duration, low) / low) / math.log(high / low)
        return _WIDTH * min(share, 1.0)

    step = math.ceil(len(joined) / _LABELS)
    for number, row in enumerate(joined):
        left, right = across(row.low), across(row.high)
        tall = room * row.frames / most
        if row.frames:
            tall = max(tall, 1.0)
            yield (
                f'<rect x="{left + 0.5:.1f}" y="{room - tall:.1f}" width="{right - left - 1:.1f}" height="{tall:.1f}">'
                f"<title>{seconds(row.low)} to {seconds(row.high)}: {row.frames:,}</title></rect>"
            )
        if number % step == 0:
            last = left > _WIDTH - _LABEL_WIDTH
            place = f'x="{_WIDTH}" text-anchor="end"' if last else f'x="{left:.1f}"'
            yield f'<text {place} y="{_HEIGHT - 6}">{seconds(row.low)}</text>'
    for name, duration in (("p50", stage.p50), ("p99", stage.p99)):
        at = across(duration)
        anchor = "end" if at > 0.9 * _WIDTH else "start"
        nudge = -4 if anchor == "end" else 4
        yield f'<line x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="{room}"/>'
        yield f'<text x="{at + nudge:.1f}" y="{11 if name == "p50" else 25}" text-anchor="{anchor}">{name}</text>'

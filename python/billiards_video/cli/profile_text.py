"""A profile for a terminal, or for a log: a table, and a histogram of each stage in characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from billiards_video.cli.profile import WORDS, rows
from billiards_video.cli.words import seconds

if TYPE_CHECKING:
    from billiards_video.cli.profile import Profile, Stage

_BAR = 40
_ROWS = 12
_EIGHTHS = " ▏▎▍▌▋▊▉"


def as_text(profile: Profile) -> str:
    """Lines of at most 80 characters."""
    if not profile.stages:
        return "\nWhere a frame's time went: there was no frame.\n"
    count = max(stage.frames for stage in profile.stages)
    lines = [
        "",
        f"Where a frame's time went: {count:,} frames in {seconds(profile.lasted)}",
        "",
        f"  {'stage':<10} {'p50':>9} {'p99':>9} {'longest':>9} {'of all the time':>15}",
    ]
    for stage in profile.stages:
        share = stage.total / profile.lasted
        lines.append(
            f"  {stage.name:<10} {seconds(stage.p50):>9} {seconds(stage.p99):>9} {seconds(stage.longest):>9}"
            f" {share:>15.1%}"
        )
    rest = max(0.0, 1 - sum(stage.total for stage in profile.stages) / profile.lasted)
    lines.append(f"  {'the rest':<10} {'':>29} {rest:>15.1%}")
    for stage in profile.stages:
        lines += ["", f"  {stage.name}: {WORDS.get(stage.name, '')}", *_histogram(stage)]
    return "\n".join(lines) + "\n"


def _histogram(stage: Stage) -> list[str]:
    joined = rows(stage.bins, _ROWS)
    most = max(row.frames for row in joined)
    return [
        f"  {seconds(row.low):>8} - {seconds(row.high):>8} {bar(row.frames / most, _BAR):<{_BAR}}"
        f" {row.frames / stage.frames:>6.1%}"
        for row in joined
    ]


def bar(share: float, width: int) -> str:
    """A bar that is `share` (0 to 1) of `width` characters long; what is not nothing is to be seen."""
    eighths = round(share * width * 8)
    if share > 0:
        eighths = max(1, eighths)
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_EIGHTHS[rest] if rest else "")

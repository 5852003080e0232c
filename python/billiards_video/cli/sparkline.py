"""A row of small bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int, full: float | None = None) -> str:
    """The last `width` values from left to right, as bars from 0 to `full`, or else to the greatest of them."""
    shown = list(values)[-width:]
    most = full or max(shown, default=0.0)
    if most <= 0:
        return (_BARS[0] * len(shown)).rjust(width)
    steps = len(_BARS) - 1
    return "".join(_BARS[min(steps, max(0, round(value / most * steps)))] for value in shown).rjust(width)

"""The clock by which frames are dated."""

from __future__ import annotations

import time
from pathlib import Path

from billiards_video.cli.checks.check import Check
from billiards_video.cli.words import seconds

CLOCK_SOURCE = Path("/sys/devices/system/clocksource/clocksource0")

_CLOCK = "clock"
_SLOW = ("hpet", "acpi_pm", "jiffies", "pit", "refined-jiffies")
_READINGS = 2000
_COARSE_SECONDS = 1e-6
_DEAR_SECONDS = 2e-6


def clock(source: Path = CLOCK_SOURCE) -> Check:
    """How fine the monotonic clock is, what it costs to read, and what it stands on."""
    resolution = time.get_clock_info("monotonic").resolution
    costs = []
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(_READINGS):
            time.monotonic_ns()
        costs.append((time.perf_counter() - began) / _READINGS)
    cost = min(costs)
    current = _read(source / "current_clocksource")
    origin = current or "a source that is not told"
    text = f"CLOCK_MONOTONIC by {origin}, in steps of {_short(resolution)}, {_short(cost)} a reading"
    if resolution > _COARSE_SECONDS:
        return Check(_CLOCK, "warning", f"{text}: too coarse to tell short times apart")
    if current in _SLOW or cost > _DEAR_SECONDS:
        others = [name for name in _read(source / "available_clocksource").split() if name not in _SLOW]
        remedy = "'dmesg | grep -i clocksource' says why"
        if others:
            remedy = f"echo {others[0]} | sudo tee {source}/current_clocksource"
        return Check(_CLOCK, "warning", f"{text}: slow to read", remedy)
    return Check(_CLOCK, "ok", text)


def _short(value: float) -> str:
    return f"{value * 1e9:.0f} ns" if value < 0.9995e-6 else seconds(value)  # noqa: PLR2004 - what rounds to 1 us


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""

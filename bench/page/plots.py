"""`python -m bench.page.plots RESULTS FOLDER`: what grows with the work, as SVG. Run in the rivals' environment."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl

if TYPE_CHECKING:
    from collections.abc import Callable

mpl.use("svg")
from matplotlib import pyplot as plt
from matplotlib.ticker import LogLocator

MEGAPIXELS = {"VGA": 0.3072, "720p": 0.9216, "1080p": 2.0736, "2160p": 8.2944, "4320p": 33.1776}
COLOURS = {
    "wake floor": "#999999",
    "copy floor": "#555555",
    "ours, in place": "#0072b2",
    "ours, by copy": "#56b4e9",
    "iceoryx2, in place": "#d55e00",
    "iceoryx2, by copy": "#e69f00",
}
MANY = 100  # from here on a tick is written out
BY_COPY = {"copy floor", "ours, by copy", "iceoryx2, by copy"}
CURVES: dict[str, tuple[str, Callable[[dict[str, Any]], float]]] = {
    "by size": ("frame size, megapixels", lambda record: MEGAPIXELS[record["size"]]),
    "by readers": ("readers", lambda record: record["readers"]),
    "by rate": ("frames a second", lambda record: float(record["pace"].removesuffix("/s"))),
    "by sources": ("sources, each with a writer and a reader", lambda record: record["sources"]),
}
FIGURES = {
    "p50": ("latency, p50, us", 1.0),
    "writer_cpu": ("writer's CPU, us a frame", 1.0),
    "reader_share": ("reader's CPU, % of a core", 100.0),
}


def middle(values: list[float | None]) -> float | None:
    """Return the median of the blocks that have a value."""
    there = [value for value in values if value is not None and value not in (0.0, float("inf"))]
    return statistics.median(there) if there else None


def draw(curve: str, records: list[dict[str, Any]], folder: Path) -> None:
    """Draw one curve: a panel for each figure, a line for each way, the blocks' range behind it."""
    label, where = CURVES[curve]
    chart, panels = plt.subplots(1, len(FIGURES), figsize=(13, 4))
    for panel, (figure, (title, scale)) in zip(panels, FIGURES.items(), strict=True):
        for way, colour in COLOURS.items():
            points = []
            for record in records:
                found = record["ways"].get(way)
                value = middle(found[figure]) if found and not found["failed"] else None
                if value is not None:
                    there = [each for each in found[figure] if each is not None]
                    points.append((where(record), scale * value, scale * min(there), scale * max(there)))
            if points:
                at, values, lowest, highest = zip(*points, strict=True)
                panel.plot(at, values, "--" if way in BY_COPY else "-", marker="o", ms=3, color=colour, label=way)
                panel.fill_between(at, lowest, highest, color=colour, alpha=0.12, lw=0)
        panel.set(xscale="log", yscale="log", xlabel=label, title=title)
        ticks = sorted({where(record) for record in records})
        panel.set_xticks(ticks, [f"{tick:.2g}" if tick < MANY else f"{tick:g}" for tick in ticks])
        panel.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        panel.yaxis.set_major_formatter("{x:g}")
        panel.minorticks_off()
        panel.grid(visible=True, which="major", alpha=0.3)
    panels[0].legend(fontsize=8)
    chart.tight_layout()
    chart.savefig(folder / f"{curve.replace(' ', '-')}.svg", metadata={"Date": None})
    plt.close(chart)


def main() -> None:
    """Draw all curves that were measured."""
    results, folder = (Path(argument) for argument in sys.argv[1:])
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "billiards_video", "font.size": 9})
    measured = json.loads(results.read_text(encoding="utf-8")).get("curves", {})
    for curve in CURVES:
        if curve in measured:
            draw(curve, measured[curve], folder)


if __name__ == "__main__":
    main()

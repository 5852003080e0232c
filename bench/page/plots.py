"""`python -m bench.page.plots RESULTS FOLDER`: the plots, as SVG. Run in the rivals' environment."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

from bench.page.curves import CURVES, FIGURES, points

mpl.use("svg")
from matplotlib import pyplot as plt
from matplotlib.ticker import LogLocator

COLOURS = {
    "wake floor": "#999999",
    "copy floor": "#555555",
    "ours, in place": "#0072b2",
    "ours, by copy": "#56b4e9",
    "iceoryx2, in place": "#d55e00",
    "iceoryx2, by copy": "#e69f00",
}
FLOOR, OURS, THEIRS = "#999999", "#0072b2", "#d55e00"
MANY = 100  # from here on a tick is written out
BY_COPY = {"copy floor", "ours, by copy", "iceoryx2, by copy"}
STANDARD = ("1080p", "60/s")


def draw(name: str, records: list[dict[str, Any]], folder: Path) -> None:
    """Draw one curve: a panel for each figure, a line for each way, the blocks' range behind it."""
    curve = CURVES[name]
    chart, panels = plt.subplots(1, len(FIGURES), figsize=(13, 4))
    for panel, (figure, (title, _)) in zip(panels, FIGURES.items(), strict=True):
        for way, colour in COLOURS.items():
            found = points(curve, records, way, figure)
            if found:
                at = [point.at for point in found]
                style = "--" if way in BY_COPY else "-"
                panel.plot(at, [point.value for point in found], style, marker="o", ms=3, color=colour, label=way)
                lowest, highest = [point.lowest for point in found], [point.highest for point in found]
                panel.fill_between(at, lowest, highest, color=colour, alpha=0.12, lw=0)
        panel.set(xscale="log", yscale="log", xlabel=curve.label, title=title)
        ticks = sorted({curve.where(record) for record in records})
        panel.set_xticks(ticks, [f"{tick:.2g}" if tick < MANY else f"{tick:g}" for tick in ticks])
        panel.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        panel.yaxis.set_major_formatter("{x:g}")
        panel.minorticks_off()
        panel.grid(visible=True, which="major", alpha=0.3)
    panels[0].legend(fontsize=8)
    chart.tight_layout()
    chart.savefig(folder / f"{name.replace(' ', '-')}.svg", metadata={"Date": None})
    plt.close(chart)


def colour_of(way: str) -> str:
    """Return the colour of a way among all: floors, ours, others."""
    return FLOOR if way.endswith("floor") else OURS if way.startswith("ours") else THEIRS


def draw_everybody(cells: list[dict[str, Any]], folder: Path) -> None:
    """Draw everybody's latency at the standard size and rate: a panel for each number of readers."""
    chart, panels = plt.subplots(1, len(cells), figsize=(13, 4.5), sharey=True, squeeze=False)
    ways = list(reversed(cells[0]["ways"]))
    for panel, cell in zip(panels[0], cells, strict=True):
        for height, way in enumerate(ways):
            found = cell["ways"].get(way)
            there = [value for value in found["p50"] if value] if found and not found["failed"] else []
            if there:
                middle, colour = statistics.median(there), colour_of(way)
                panel.plot([min(there), max(there)], [height, height], color=colour, lw=1.2)
                panel.plot(middle, height, marker="o", ms=6, color=colour)
                panel.plot(found["p99"], height, marker="d", ms=5, mfc="none", color=colour)
                panel.text(middle, height + 0.2, f"{middle:.0f}", fontsize=7, va="bottom", ha="center")
        panel.set(xscale="log", title=f"{cell['size']}, {cell['readers']} readers", xlabel="latency, us")
        panel.set_yticks(range(len(ways)), ways)
        panel.xaxis.set_major_formatter("{x:g}")
        panel.grid(visible=True, which="major", axis="x", alpha=0.3)
    chart.tight_layout()
    chart.savefig(folder / "everybody.svg", metadata={"Date": None})
    plt.close(chart)


def main() -> None:
    """Draw all that was measured."""
    results, folder = (Path(argument) for argument in sys.argv[1:])
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "billiards_video", "font.size": 9})
    measured = json.loads(results.read_text(encoding="utf-8"))
    for curve in CURVES:
        if curve in measured.get("curves", {}):
            draw(curve, measured["curves"][curve], folder)
    paced = [cell for cell in measured.get("matrix", {}).get("cells", []) if cell["pace"] == STANDARD[1]]
    standard = [cell for cell in paced if cell["size"] == STANDARD[0]] or paced
    if standard:
        draw_everybody(standard, folder)


if __name__ == "__main__":
    main()

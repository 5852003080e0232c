"""The run as a Markdown page for people and as JSON with every block's value."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, astuple, dataclass, field
from typing import TYPE_CHECKING

from bench.blocks import CONFIDENCE, Figure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

HEADINGS = ("figure", "case", "unit", "floor", "ours", "ratio", "95 % interval", "blocks", "target", "reached")
COUNT_HEADINGS = (
    "frames counted in",
    "case",
    "torn: floor",
    "torn: ours",
    "missed: floor",
    "missed: ours",
    "published over 1 ms late",
)


@dataclass(frozen=True)
class Count:
    """What must be zero or small in a comparison: a torn frame shows here, and a disturbed machine."""

    measure: str
    case: str
    floor_torn: int  # frames whose first and last byte did not bear the same number
    ours_torn: int
    floor_missed: int  # frames that the waiting reader did not see
    ours_missed: int
    late: int  # frames that were published over a millisecond after their time, on either side


@dataclass
class Report:
    """What a run has found."""

    machine: dict[str, str]
    settings: dict[str, str]
    figures: list[Figure] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)

    def markdown(self) -> str:
        """Return the whole page."""
        return "\n\n".join(
            [
                "# Measured beside the floor",
                table(("machine", ""), [(key, value) for key, value in self.machine.items()]),
                table(("run", ""), [(key, value) for key, value in self.settings.items()]),
                table(HEADINGS, [_row(figure) for figure in self.figures]),
                (
                    "*floor* and *ours* are medians over their blocks; *ratio* is the median of the ratios of"
                    " neighbouring blocks, which need not be the quotient of the two columns. A target is reached"
                    " where the interval's lower end is at or below it."
                ),
                table(COUNT_HEADINGS, [[str(value) for value in astuple(count)] for count in self.counts]),
            ]
        )

    def as_json(self) -> str:
        """Return every value, by block."""
        return json.dumps(
            {
                "machine": self.machine,
                "settings": self.settings,
                "counts": [asdict(count) for count in self.counts],
                "figures": [
                    {
                        "name": figure.name,
                        "case": figure.case,
                        "unit": figure.unit,
                        "floor": figure.floor,
                        "ours": figure.ours,
                        "ratios": figure.ratios,
                        "ratio": figure.ratio,
                        "interval": [figure.interval.low, figure.interval.high],
                        "coverage": figure.interval.coverage,
                        "target": figure.target,
                        "verdict": figure.verdict,
                    }
                    for figure in self.figures
                ],
            },
            indent=1,
        )

    @property
    def torn(self) -> int:
        """Torn frames of ours in the whole run; the floor promises nothing."""
        return sum(count.ours_torn for count in self.counts)

    def write(self, directory: Path) -> Path:
        """Write `report.md` and `report.json`, and return the first one's path."""
        directory.mkdir(parents=True, exist_ok=True)
        page = directory / "report.md"
        page.write_text(self.markdown() + "\n")
        (directory / "report.json").write_text(self.as_json() + "\n")
        return page


def _row(figure: Figure) -> tuple[str, ...]:
    interval = figure.interval
    enclosed = f"{interval.low:.3f} - {interval.high:.3f}"
    if interval.coverage < CONFIDENCE:
        enclosed += f" (only {interval.coverage:.0%})"
    return (
        figure.name,
        figure.case,
        figure.unit,
        f"{statistics.median(figure.floor):.4g}",
        f"{statistics.median(figure.ours):.4g}",
        f"{figure.ratio:.3f}",
        enclosed,
        str(len(figure.ratios)),
        "" if figure.target is None else f"{figure.target:g}",
        figure.verdict,
    )


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)

"""The results of a run, as the page asks for them."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.blocks import Figure

if TYPE_CHECKING:
    from pathlib import Path

Record = dict[str, Any]


@dataclass(frozen=True)
class Measured:
    """What the stages of a run have written; a stage that did not run is empty."""

    stages: dict[str, Record]

    @classmethod
    def read(cls, path: Path) -> Measured:
        """Read the results of all stages from one file."""
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def stage(self, name: str) -> Record:
        """Return what a stage has found."""
        return self.stages.get(name, {})

    def figures(self, name: str) -> list[Figure]:
        """Return the comparisons of this name with a floor, one for each case."""
        return [
            Figure(
                found["name"],
                found["case"],
                found["unit"],
                tuple(found["floor"]),
                tuple(found["ours"]),
                found["target"],
            )
            for stage in ("floors", "rust")
            for found in self.stage(stage).get("figures", [])
            if found["name"] == name
        ]

    def cells(self, pace: str) -> list[Record]:
        """Return the cells of the matrix at this pace, by size and number of readers."""
        return [cell for cell in self.stage("matrix").get("cells", []) if cell["pace"] == pace]

    def ways(self) -> list[str]:
        """Return the ways that were measured, in their order."""
        names = dict.fromkeys(name for cell in self.stage("matrix").get("cells", []) for name in cell["ways"])
        return list(names)


def ratio(cell: Record, way: str, floor: str, what: str = "p50", target: float | None = None) -> Figure | None:
    """Return a way's figure beside a floor's, block by block; None where either failed in that cell."""
    theirs, floors = cell["ways"].get(way), cell["ways"].get(floor)
    if not theirs or not floors or theirs["failed"] or floors["failed"]:
        return None
    case = f"{cell['size']}, {cell['readers']} readers, {cell['pace']}"
    # Fewer than the floor's where the way was so slow that it was cut short; none of a block in which nothing arrived.
    values = tuple(math.inf if value is None else value for value in theirs[what])
    return Figure(way, case, "us", tuple(floors[what])[: len(values)], values, target)


THOUSAND = 1000


def rounded(value: float | None) -> str:
    """Return three digits of a figure, as people write them; a dash for none."""
    if value is None or math.isinf(value) or math.isnan(value):
        return "-"
    if abs(value) >= THOUSAND:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{float(f'{value:.3g}'):g}"

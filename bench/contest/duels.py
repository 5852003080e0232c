"""Ours beside the wake floor at every size and number of readers, next to each other and in blocks of many frames.

In the matrix a dozen others come between two blocks of the same way, and a block is too short for a 99th percentile of
its own. Here each block has at least a hundred latencies, and its neighbour is what it is divided by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.contest.field import Field, at
from bench.contest.matrix import NAMES
from bench.rivals.registry import DUELLISTS
from bench.sides import SIZES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.rivals.registry import Way

ROUNDS = 9
FRAMES = {1: 100, 4: 50, 16: 25}  # in a block, by the number of readers, each of which has a latency for each


def duels(ways: Sequence[Way], *, quick: bool) -> dict[str, object]:
    """Return a record for each size and number of readers."""
    cells: list[dict[str, object]] = []
    with Field([way for way in ways if way.name in DUELLISTS]) as field:
        for name in ("VGA",) if quick else NAMES:
            for readers, frames in {2: 4}.items() if quick else FRAMES.items():
                cells += field.cell(SIZES[name], readers, [at(60, frames)], 2 if quick else ROUNDS)
        return {"missing": field.missing, "cells": cells}

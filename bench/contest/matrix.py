"""The same work by all: three sizes, one to sixteen readers, paced and unpaced, in short blocks by turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.contest.field import Field, at, unpaced
from bench.sides import SIZES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.rivals.registry import Way

ROUNDS = 7  # the fewest that say anything: see bench.blocks
READERS = (1, 4, 16)
NAMES = ("720p", "1080p", "2160p")
PACES = (at(60, 14), at(30, 5), unpaced(0.1))
QUICK_PACES = (at(60, 4), unpaced(0.02))


def matrix(ways: Sequence[Way], *, quick: bool) -> dict[str, object]:
    """Return a record for each size, number of readers and pace."""
    cells: list[dict[str, object]] = []
    with Field(ways) as field:
        for name in ("VGA",) if quick else NAMES:
            for readers in (2,) if quick else READERS:
                cells += field.cell(SIZES[name], readers, QUICK_PACES if quick else PACES, 2 if quick else ROUNDS)
        return {"versions": field.versions, "missing": field.missing, "cells": cells}

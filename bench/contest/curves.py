"""What grows with the work, and how: one thing varied at a time, for those few ways whose shape says something."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from bench.contest.field import Field, Pace, Results, at, progress
from bench.contest.link import CrewError, CrewLink
from bench.contest.orders import Opened
from bench.sides import SIZES, Size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.rivals.registry import Way

WAYS_DRAWN = (
    "wake floor",
    "copy floor",
    "ours, in place",
    "ours, by copy",
    "iceoryx2, in place",
    "iceoryx2, by copy",
)
ROUNDS = 3
BY_SIZE = ("VGA", "720p", "1080p", "2160p", "4320p")
BY_READERS = (1, 2, 4, 8, 16, 32, 64)
BY_RATE = (1, 3, 10, 30, 60, 120, 240, 500, 1000)
BY_SOURCES = (1, 2, 4, 8)
STANDARD = at(60, 14)


def frames_at(per_second: float) -> Pace:
    """Return a pace whose block takes half a second or four frames."""
    return Pace(f"{per_second:g}/s", per_second, max(3, round(per_second / 3)), 0.1, look=False, warm=2)


def curves(ways: Sequence[Way], *, quick: bool) -> dict[str, object]:
    """Return the records of the four curves."""
    drawn = [way for way in ways if way.name in WAYS_DRAWN]
    sizes = ("VGA", "720p") if quick else BY_SIZE
    counts = (1, 2) if quick else BY_READERS
    rates = (60, 240) if quick else BY_RATE
    sources = (1, 2) if quick else BY_SOURCES
    standard = SIZES["VGA" if quick else "1080p"]
    rounds = 1 if quick else ROUNDS
    with Field(drawn) as field:
        found: dict[str, object] = {
            "by size": [record for name in sizes for record in field.cell(SIZES[name], 1, [STANDARD], rounds)],
            "by readers": [
                record for readers in counts for record in field.cell(standard, readers, [STANDARD], rounds)
            ],
            "by rate": field.cell(standard, 1, [frames_at(rate) for rate in rates], rounds),
            "missing": field.missing,
        }
    found["by sources"] = [by_sources(drawn, standard, number, rounds) for number in sources]
    return found


def by_sources(ways: Sequence[Way], size: Size, sources: int, rounds: int) -> dict[str, object]:
    """Let several crews of a way, each a writer and a reader of its own, run their blocks at the same time."""
    began = time.monotonic()
    results: dict[str, Results] = {}
    for way in ways:
        result = results[way.name] = Results()
        with Field([way] * sources) as field:
            if len(field.crews) < sources:
                result.failed = next(iter(field.missing.values()))
                continue
            try:
                together(field, size, rounds, result)
            except CrewError as error:
                result.failed = str(error)
    progress(f"{sources} sources: {time.monotonic() - began:.0f} s")
    return {"size": size.name, "sources": sources, "ways": {name: asdict(result) for name, result in results.items()}}


def together(field: Field, size: Size, rounds: int, result: Results) -> None:
    """Run the blocks of all crews of one field at once, round after round."""
    crews: list[CrewLink] = field.crews
    for crew in crews:
        opened = field.open(crew, size, 1)
        if not isinstance(opened, Opened):
            raise CrewError(opened)
    for number in range(rounds):
        for crew in crews:
            crew.begin(STANDARD.run(number + 1, crew.way))
        for crew in crews:
            result.add(crew.block(), 1)
    for crew in crews:
        crew.close()

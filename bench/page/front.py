"""The table in the README: the figures of the page that somebody who chooses looks at first."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from bench.page.measured import Measured, rounded
from bench.page.rivals import named
from bench.report import table

if TYPE_CHECKING:
    from pathlib import Path

BEGIN, END = "<!-- made by make bench: -->", "<!-- until here -->"
WAYS = (
    "wake floor",
    "ours, low latency",
    "ours, in place",
    "iceoryx2, in place",
    "GStreamer, in place",
    "ours, by copy",
    "shared memory, condition",
    "iceoryx2, by copy",
    "zenoh",
    "pyzmq",
)
CELLS = (("1080p", 1), ("2160p", 1), ("1080p", 16))


def front(measured: Measured) -> str:
    """Return the table: median latencies at 60 a second, and what waiting at 30 a second takes of a core."""

    def blocks(pace: str, wanted: tuple[str, int], way: str, what: str) -> list[float]:
        found = [cell["ways"] for cell in measured.cells(pace) if (cell["size"], cell["readers"]) == wanted]
        return [each for ways in found if way in ways and not ways[way]["failed"] for each in ways[way][what] if each]

    headings = [f"{size}, {readers} reader{'s' if readers > 1 else ''}" for size, readers in CELLS]
    rows = [
        [
            named(way),
            *(median(blocks("60/s", cell, way, "p50")) for cell in CELLS),
            median([100 * share for share in blocks("30/s", CELLS[0], way, "reader_share")]),
        ]
        for way in WAYS
    ]
    return table(["us", *headings, "waiting at 30/s, % of a core"], rows)


def median(blocks: list[float]) -> str:
    """Return a median, as tables have it; a dash of nothing."""
    return rounded(statistics.median(blocks)) if blocks else "-"


def put_into(readme: Path, measured: Measured) -> None:
    """Put the table where the README has one; `ValueError` where it has no place for it."""
    before, begin, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{readme} has no lines '{BEGIN}' and '{END}', between which its table belongs: put them back")
    readme.write_text(f"{before}{BEGIN}\n\n{front(measured)}\n\n{END}{after}", encoding="utf-8")

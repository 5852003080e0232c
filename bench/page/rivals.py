"""The tables in which everything else stands beside ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.page.measured import Measured, Record, ratio, rounded
from bench.page.replaced import spread
from bench.report import table
from bench.rivals.registry import OURS, WAYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.rivals.registry import Way

STANDARD = "1080p"


def heading(cell: Record) -> str:
    """Return the head of a cell's column."""
    return f"{cell['size']}, {cell['readers']}"


def named(way: str) -> str:
    """Return a way's name as it stands in a table: ours in bold."""
    return f"**{way}**" if way in OURS else way


def across(measured: Measured, pace: str, entry: Callable[[Record, Record], str], first: str) -> str:
    """Return a table of the ways by the cells of one pace: size and number of readers."""
    cells = measured.cells(pace)
    rows = []
    for way in measured.ways():
        entries = []
        for cell in cells:
            found = cell["ways"].get(way)
            if found is None:
                entries.append("-")
            else:
                entries.append("failed" if found["failed"] else entry(cell, found))
        rows.append([named(way), *entries])
    return table([first, *(heading(cell) for cell in cells)], rows)


def latency(measured: Measured, pace: str) -> str:
    """Return the table of median latencies at this pace, in us."""
    return across(measured, pace, lambda _, found: spread(found["p50"]), "us")


def tail(measured: Measured) -> str:
    """Return the table of the latencies' 99th percentile at 60 a second, of all blocks together, in us."""
    return across(measured, "60/s", lambda _, found: rounded(found["p99"]), "us")


def ratios(measured: Measured) -> str:
    """Return the table of latencies beside the floor that does as much as the way has to."""

    def entry(cell: Record, way: Way) -> str:
        figure = ratio(cell, way.name, way.floor)
        if figure is None:
            return "-"
        return f"{rounded(figure.ratio)} ({rounded(figure.interval.low)} - {rounded(figure.interval.high)})"

    cells = measured.cells("60/s")
    ways = [WAYS[name] for name in measured.ways() if name in WAYS and WAYS[name].floor != name]
    rows = [[named(way.name), way.floor, *(entry(cell, way) for cell in cells)] for way in ways]
    return table(["p50, ratio", "to the", *(heading(cell) for cell in cells)], rows)


def reader_share(measured: Measured) -> str:
    """Return the table of a waiting reader's CPU at 30 a second."""
    return across(
        measured, "30/s", lambda _, found: spread([100 * each for each in found["reader_share"] if each]), "% of a core"
    )


def writer_cpu(measured: Measured) -> str:
    """Return the table of the writer's CPU per frame at 60 a second."""
    return across(measured, "60/s", lambda _, found: spread(found["writer_cpu"]), "us a frame")


def reading_cpu(measured: Measured) -> str:
    """Return the table of what a reader spends on a frame whose every pixel it reads."""
    return across(measured, "unpaced", lambda _, found: spread(found["reader_cpu"]), "us a frame")


def published(measured: Measured) -> str:
    """Return the table of frames a second that a writer publishes, unpaced."""
    return across(measured, "unpaced", lambda _, found: spread(found["published"]), "published a second")


def taken(measured: Measured) -> str:
    """Return the table of frames a second that one reader then takes."""
    return across(measured, "unpaced", lambda _, found: spread(found["taken"]), "taken a second, by each")


def losses(measured: Measured) -> str:
    """Return the table of torn frames by pace, and of what happens to frames that nobody could take in time."""
    rows = []
    for way in measured.ways():
        entries = [named(way)]
        for pace in ("60/s", "30/s", "unpaced"):
            found = [cell["ways"][way] for cell in measured.cells(pace) if way in cell["ways"]]
            entries += [str(sum(each[what] for each in found)) for what in ("torn", "dropped")]
        rows.append(entries)
    return table(
        ["all sizes and readers", "torn at 60/s", "dropped", "torn at 30/s", "dropped", "torn unpaced", "dropped"], rows
    )


def memory(measured: Measured) -> str:
    """Return the table of memory at the standard size, writer and readers together."""
    cells = [cell for cell in measured.cells("60/s") if cell["size"] == STANDARD]
    rows = []
    for way in measured.ways():
        entries = []
        for cell in cells:
            found = cell["memory"].get(way)
            entries.append(f"{found['own'] / 1e6:.0f} + {found['shared'] / 1e6:.0f}" if found else "-")
        rows.append([named(way), *entries])
    return table(["MB, own + shared", *(heading(cell) for cell in cells)], rows)


def kills(measured: Measured) -> str:
    """Return the table of who goes on when another is killed."""
    found = measured.stage("kills").get("ways", {})

    def entry(outcome: Record) -> str:
        told = f"{outcome['went on']} of {outcome['trials']}"
        if outcome["median seconds"] is not None:
            told += f", after {rounded(1e3 * outcome['median seconds'])} ms"
        return told

    rows = [[named(way), entry(found[way]["writer"]), entry(found[way]["reader"])] for way in found]
    return table(
        ["", "writer killed and started again: the same readers go on", "reader killed: the others go on"], rows
    )


def not_measured(measured: Measured) -> str:
    """Return what could not be measured, or failed, and why."""
    missing = measured.stage("matrix").get("missing", {})
    lines = [f"- {way}: not measured: {why}" for way, why in missing.items()]
    for cell in measured.stage("matrix").get("cells", []):
        lines += [
            f"- {way}, {cell['size']}, {cell['readers']} readers, {cell['pace']}: failed: {found['failed']}"
            for way, found in cell["ways"].items()
            if found["failed"]
        ]
    if not lines:
        return "Nothing was left out, and nothing failed."
    return "\n".join(["What is missing in these tables, and why:", "", *lines])

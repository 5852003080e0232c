"""The tables that are ours alone: the machine, the targets, the course of memory."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from bench.measures import WAKE_LATENCY_TARGET
from bench.memory import Course, Sample
from bench.page.measured import Measured, rounded
from bench.page.targets import MISSED, REACHED, WITHIN, targets
from bench.report import table

if TYPE_CHECKING:
    from collections.abc import Iterable


def machine(measured: Measured) -> str:
    """Return the table of where it was measured, with what, and for how long."""
    facts = dict(measured.stage("floors").get("machine", {}))
    facts["Python of the comparison with others"] = measured.stage("matrix").get("python", "-")
    versions = measured.stage("matrix").get("versions", {})
    facts |= {way.split(",")[0]: version for way, version in versions.items() if version}
    facts["duration"] = ", ".join(
        f"{name} {seconds / 60:.0f} min" for name, seconds in measured.stage("run").get("seconds", {}).items()
    )
    return table(("", ""), facts.items())


def reached(measured: Measured) -> str:
    """Return the table of targets; what is said in the line above is not said again."""
    rows, last = [], ""
    for target in targets(measured):
        what = "" if target.what == last else target.what
        rows.append([what, target.case, target.asked, target.measured, target.spread, target.verdict])
        last = target.what
    return table(["", "case", "target", "measured", "95 % interval", ""], rows)


def missed(measured: Measured) -> str:
    """Return a sentence that names the targets that this run has not reached."""
    verdicts = [(target.verdict, target.what) for target in targets(measured)]
    names = dict.fromkeys(what for verdict, what in verdicts if verdict == MISSED)
    if names:
        return f"In this run these were not reached: {'; '.join(names)}."
    if any(verdict not in {REACHED, WITHIN} for verdict, _ in verdicts):
        return "In this run no target was missed, but not all could be judged."
    return "In this run all targets were met."


def control(measured: Measured) -> str:
    """Return a sentence on what the same thing measured twice comes to."""
    for figure in measured.figures("control: wake floor against itself, p50"):
        low, high = figure.interval.low, figure.interval.high
        return f"The wake floor against itself came to {figure.ratio:.2f} ({low:.2f} - {high:.2f}) in this run."
    return ""


def bare_wakes(measured: Measured) -> str:
    """Return a sentence on what the pinned wake floor of each language takes, and ours between them."""
    medians = {}
    for name, case in (("Rust: latency p50", "1080p, 60/s, pinned"), ("lease latency p50", "1080p, 60/s")):
        for figure in measured.figures(name):
            if figure.case == case:
                medians[name] = statistics.median(figure.floor), statistics.median(figure.ours)
    if len(medians) < len(("Rust", "Python")):
        return ""
    (rust, _), (python, ours) = medians.values()
    return (
        f"In this run, at 1080p and with a processor each, a bare wake takes {rounded(rust)} us in Rust, and"
        f" {rounded(python)} us in Python; a lease takes {rounded(ours)} us. {WAKE_LATENCY_TARGET:g} times the"
        f" Python floor would be {rounded(WAKE_LATENCY_TARGET * python)} us."
    )


def absolute(measured: Measured, stage: str) -> str:
    """Return the table of a stage's comparisons with the floors, in their own units."""
    rows = []
    for found in measured.stage(stage).get("figures", []):
        floor, ours = (rounded(statistics.median(found[side])) for side in ("floor", "ours"))
        low, high = found["interval"]
        rows.append(
            [
                found["name"],
                found["case"],
                found["unit"],
                floor,
                ours,
                f"{found['ratio']:.2f}",
                f"{low:.2f} - {high:.2f}",
            ]
        )
    return table(["", "case", "unit", "floor", "ours", "ratio", "95 % interval"], rows) if rows else "Not measured."


def memory(measured: Measured) -> str:
    """Return the table of memory over many frames."""
    found = measured.stage("memory")
    courses = [
        Course(course["name"], tuple(Sample(**sample) for sample in course["samples"]))
        for course in found.get("courses", [])
    ]
    return table(["own memory, KiB", "at first", "at last", ""], _rows(courses)) if courses else "Not measured."


def _rows(courses: Iterable[Course]) -> list[list[str]]:
    return [
        [
            course.name,
            f"{course.samples[0].own:,}",
            f"{course.samples[-1].own:,}",
            "flat" if course.flat else "**grows**",
        ]
        for course in courses
    ]

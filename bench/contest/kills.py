"""SIGKILL, to a reader and to the writer: and who then goes on by himself."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from bench.contest.field import Field, progress
from bench.contest.link import CrewError, CrewLink
from bench.contest.orders import Kill, Opened, Run, Survived
from bench.sides import SIZES, Size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.rivals.registry import Way

TRIALS = 12
IN_VAIN = 3  # a way that fails so often in a row is not tried again: each failure takes seconds
READERS = 2
PATIENCE = 3.0
AFTER = 0.1
STEP = 0.003  # by which the moment of the kill moves from trial to trial
BLOCK = Run(block=10, warm=3, frames=12, per_second=60.0, seconds=1.0, look=False)


def kills(ways: Sequence[Way], *, quick: bool) -> dict[str, object]:
    """Return, for each way, how often the others went on after a reader's and after the writer's death."""
    size = SIZES["VGA" if quick else "1080p"]
    found: dict[str, object] = {}
    with Field(ways) as field:
        for crew in list(field.crews):
            began = time.monotonic()
            of_writer = attempts(field, crew, size, 1 if quick else TRIALS, writer=True)
            of_reader = attempts(field, crew, size, 1 if quick else TRIALS, writer=False)
            found[crew.way.name] = {"writer": of_writer, "reader": of_reader}
            progress(f"{crew.way.name}: killed for {time.monotonic() - began:.0f} s")
        return {"size": size.name, "readers": READERS, "missing": field.missing, "ways": found}


def attempts(field: Field, crew: CrewLink, size: Size, trials: int, *, writer: bool) -> dict[str, object]:
    """Kill again and again, each time in a new transport."""
    outcomes: list[Survived] = []
    for number in range(trials):
        outcomes.append(attempt(field, crew, size, AFTER + number * STEP, writer=writer))
        crew.close()
        if len(outcomes) == IN_VAIN and not any(outcome.went_on for outcome in outcomes):
            break
    seconds = [outcome.seconds for outcome in outcomes if outcome.went_on]
    return {
        "trials": len(outcomes),
        "went on": len(seconds),
        "median seconds": statistics.median(seconds) if seconds else None,
        "longest seconds": max(seconds, default=None),
        "why not": next((outcome.why for outcome in outcomes if not outcome.went_on), ""),
    }


def attempt(field: Field, crew: CrewLink, size: Size, after: float, *, writer: bool) -> Survived:
    """Kill once."""
    opened = field.open(crew, size, READERS)
    if not isinstance(opened, Opened):
        return Survived(went_on=False, seconds=PATIENCE, why=opened)
    frames = BLOCK.frames if writer else 2 * BLOCK.frames
    run = Run(BLOCK.block, BLOCK.warm, frames, BLOCK.per_second, BLOCK.seconds, BLOCK.look)
    try:
        return crew.kill(Kill(run, writer, after, PATIENCE))
    except CrewError as error:
        crew.restart()
        return Survived(went_on=False, seconds=PATIENCE, why=str(error))

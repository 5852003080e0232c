"""The status text that a writer publishes, taken with care: another writer may put anything there, or nothing."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class StageTimes(NamedTuple):
    """How long a stage of the capture process took, frame by frame."""

    buckets: list[tuple[float, int]]
    """Upper bounds in seconds, rising, and how many frames took no longer: cumulative."""
    frames: int
    sum_s: float


class StatusText:
    """The keys of a status. Asked for by its name, one that is not what it should be is as if it were not there."""

    def __init__(self, text: str) -> None:
        try:
            parsed = json.loads(text) if text else {}
        except (RecursionError, ValueError):
            parsed = {}
        self.keys: Mapping[str, Any] = parsed if isinstance(parsed, dict) else {}
        """All of them, whatever they are."""

    def number(self, key: str) -> float | None:
        """A finite number that is not negative, or None."""
        return _number(self.keys.get(key))

    def text(self, key: str) -> str | None:
        """A text that is not empty, or None."""
        value = self.keys.get(key)
        return value if isinstance(value, str) and value else None

    def counts(self, key: str) -> dict[str, float] | None:
        """Numbers by a reason in words; None where the key is no object."""
        value = self.keys.get(key)
        if not isinstance(value, dict):
            return None
        return {reason: number for reason, one in value.items() if (number := _number(one)) is not None}

    def settings(self) -> list[dict[str, object]]:
        """What was asked of the source and what it does, one object a setting, as the writer has them."""
        value = self.keys.get("settings")
        return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []

    def stages(self) -> dict[str, StageTimes]:
        """The times of the stages, by their names."""
        value = self.keys.get("stages")
        found = value.items() if isinstance(value, dict) else ()
        return {stage: times for stage, one in found if (times := _stage_times(one)) is not None}


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if value >= 0 and _is_finite(value) else None


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond what a float can be, of which nobody can make use
        return False


def _stage_times(value: object) -> StageTimes | None:
    try:
        buckets = [(float(bound), int(count)) for bound, count in value["buckets"]]  # type: ignore[index]
        times = StageTimes(buckets, int(value["count"]), float(value["sum_s"]))  # type: ignore[index]
    except (KeyError, OverflowError, TypeError, ValueError):
        return None
    counts = [count for _, count in buckets] + [times.frames]
    bounds = [bound for bound, _ in buckets]
    rising = bounds == sorted(set(bounds)) and counts == sorted(counts) and counts[0] >= 0
    return times if rising and all(map(_is_finite, (times.sum_s, *bounds, *counts))) else None

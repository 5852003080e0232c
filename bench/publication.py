"""A block of frames published at a steady rate, in whichever process the publisher lives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.pacing import Pace

if TYPE_CHECKING:
    from bench.sides import Publisher


@dataclass
class Published:
    """What a block looked like from the writer; of the frames that count, but for `late`."""

    began_ns: dict[int, int] = field(default_factory=dict)  # by frame number: when its publishing call began
    cost_ns: list[int] = field(default_factory=list)
    lateness_ns: list[int] = field(default_factory=list)  # how long after a frame's time the publisher woke
    late: int = 0  # frames that were published over a millisecond after their time


@dataclass(frozen=True)
class Frames:
    """The numbers of a block's frames: those from `counted` to `last` count."""

    first: int
    counted: int
    last: int


def publish_block(publisher: Publisher, frames: Frames, per_second: float) -> Published:
    """Publish these frames at the given rate."""
    pace = Pace(per_second)
    published = Published()
    for number in range(frames.first, frames.last + 1):
        late_by = pace.wait()
        before, cost = publisher.publish(number)
        if number >= frames.counted:
            published.began_ns[number] = before
            published.cost_ns.append(cost)
            published.lateness_ns.append(late_by)
    published.late = pace.late
    return published

"""What the page says of a stream that is not live: why, and only what belongs to now."""

import json
from collections.abc import Callable

import pytest

from billiards_video import SharedMemoryFrameReader, State
from billiards_video.metrics.reading import Reading, Segment
from billiards_video.metrics.status_text import StatusText
from billiards_video.view.situation import situation

SECOND = 10**9
NOW = 1000 * SECOND


@pytest.fixture
def reading(reader: SharedMemoryFrameReader) -> Callable[[int], Reading]:
    """A stream that is stalled for three seconds, and had its last error so many seconds ago."""
    counters = reader.counters

    def read(ago: int) -> Reading:
        told = {
            "state_since_ns": NOW - 3 * SECOND,
            "last_error": "stream http://camera gives no more frames",
            "last_error_ns": NOW - ago * SECOND,
        }
        segment = Segment(State.STALLED, "no frames arrive", True, 1, 64, 48, "BGR24", counters, ())
        return Reading(NOW, segment, "", None, StatusText(json.dumps(told)))

    return read


@pytest.mark.parametrize(("ago", "told"), [(3, True), (60, False)], ids=["now", "a minute ago"])
def test_an_error_of_before_explains_nothing(reading: Callable[[int], Reading], ago: int, *, told: bool) -> None:
    """The last error is told beside the reason where it came with the state, and not where it is an older one."""
    shown = situation(reading(ago))
    assert shown.title == "Stalled"
    assert shown.reason.startswith("No frames arrive.")
    assert ("gives no more frames" in shown.reason) is told

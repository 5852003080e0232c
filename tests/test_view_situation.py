"""What the page says of a stream that is not live: why, and only what belongs to now."""

import json
import os
import time
from collections.abc import Callable

import pytest

from billiards_video import SharedMemoryFrameReader, SharedMemoryFrameWriter, State
from billiards_video.cli.status_text import condition, explanation
from billiards_video.metrics.probe import Look
from billiards_video.metrics.reading import read
from billiards_video.metrics.status_text import StatusText
from billiards_video.view.situation import situation
from small_stream import picture

SECOND = 10**9


Change = dict[str, object]


@pytest.fixture
def look(reader: SharedMemoryFrameReader) -> Callable[[Change, Change], Look]:
    """A look at a stream whose writer is this process, with something in it changed, and these words of its writer."""

    def look(change: Change, told: Change) -> Look:
        reading = read(reader)._replace(told=StatusText(json.dumps(told)), **change)  # type: ignore[arg-type]
        return Look(reading.at_ns, reading, "")

    return look


@pytest.mark.parametrize(("ago", "told"), [(3, True), (60, False)], ids=["now", "a minute ago"])
def test_an_error_of_before_explains_nothing(look: Callable[[Change, Change], Look], ago: int, *, told: bool) -> None:
    """The last error is told beside the reason where it came with the state, and not where it is an older one."""
    now = time.monotonic_ns()
    words: Change = {
        "state_since_ns": now - 3 * SECOND,
        "last_error": "stream http://camera gives no more frames",
        "last_error_ns": now - ago * SECOND,
    }
    shown = situation(look({"state": State.STALLED, "reason": "no frames arrive"}, words))
    assert shown.title == "Stalled"
    assert shown.reason.startswith("No frames arrive.")
    assert ("gives no more frames" in shown.reason) is told


def test_a_writer_that_gives_no_sign_of_life_is_not_live(
    writer: SharedMemoryFrameWriter, look: Callable[[Change, Change], Look]
) -> None:
    """One that is stopped or hangs is told as the command line tells it: silent, since its last sign."""
    writer.write_frame(picture(0))
    alive = look({}, {})
    assert alive.reading is not None
    assert situation(alive).title != "Silent"
    shown = situation(look({"at_ns": alive.at_ns + 4 * SECOND}, {}))
    assert (shown.mood, shown.title) == ("waiting", "Silent")
    assert shown.reason == f"The capture process, {os.getpid()}, lives, and has given no sign of it."
    assert shown.since_ns == alive.reading.counters.heartbeat_ns


@pytest.mark.parametrize(
    ("state", "title", "remedy"),
    [
        (State.ENDED, "Ended", "The picture comes back when the source is started again."),
        (State.FAILED, "Failed", "The log of the capture process says what failed; mend that, and start it again."),
        (State.CLOSED, "Stopped", "Start the capture process: billiards-video run"),
    ],
)
def test_a_stream_that_is_over_is_not_silent(
    writer: SharedMemoryFrameWriter, look: Callable[[Change, Change], Look], state: State, title: str, remedy: str
) -> None:
    """Whoever has said that it is over owes no sign of life, while its process lives on: its last word is shown."""
    writer.write_frame(picture(0))
    later = look({"state": state, "reason": "this is why", "at_ns": time.monotonic_ns() + 60 * SECOND}, {})
    assert later.reading is not None
    shown = situation(later)
    assert (shown.title, shown.reason, shown.remedy) == (title, "This is why.", remedy)
    assert condition(later.reading)[0] == state.name
    assert explanation(later.reading) == ": this is why"
    assert not later.reading.live


def test_a_writer_that_never_gave_a_sign_is_waited_for(look: Callable[[Change, Change], Look]) -> None:
    """Before the first frame there is nothing to measure a silence from: the first frame is what is awaited."""
    shown = situation(look({"at_ns": time.monotonic_ns() + 60 * SECOND}, {}))
    assert shown.title == "Waiting for the first frame"


def test_a_writer_that_has_died_says_what_to_start(look: Callable[[Change, Change], Look]) -> None:
    """The next step is the command that the command line names."""
    shown = situation(look({"alive": False}, {}))
    assert (shown.mood, shown.title) == ("broken", "Capture process died")
    assert shown.remedy.endswith("billiards-video run")
    assert situation(look({"alive": False, "state": State.ENDED}, {})).title == "Ended"

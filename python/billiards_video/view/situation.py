"""What a stream is doing, in words for people: what is so, why, since when, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from billiards_video.ipc import State

if TYPE_CHECKING:
    from billiards_video.metrics.probe import Look

Mood = Literal["live", "waiting", "broken"]

_MOMENT_NS = 1_000_000_000
_RUN = "Start the capture process: billiards-video run"
_SILENT = "It is stopped, hangs, or is a program with nothing to publish: billiards-video doctor"
_TITLES: dict[State, tuple[Mood, str, str]] = {
    State.LIVE: ("live", "Live", ""),
    State.STALLED: ("waiting", "Stalled", "The capture process goes on trying; its log says more."),
    State.RECONNECTING: ("waiting", "Reconnecting", "The capture process goes on trying; its log says more."),
    State.ENDED: ("waiting", "Ended", "The picture comes back when the source is started again."),
    State.FAILED: (
        "broken",
        "Failed",
        "The log of the capture process says what failed; mend that, and start it again.",
    ),
    State.SUPERSEDED: ("waiting", "Changing over", "A new segment is coming."),
    State.CLOSED: ("broken", "Stopped", _RUN),
}


@dataclass(frozen=True)
class Situation:
    """The state of a stream, as a person would tell it."""

    mood: Mood
    """Whether frames come, should come again by themselves, or need somebody."""
    title: str
    """A word or two."""
    reason: str
    """Why; "" where there is nothing to say."""
    remedy: str
    """What to do, or what will happen; "" where there is nothing."""
    since_ns: int | None
    """Since when, `time.monotonic_ns()` of the server's machine; None where nobody knows."""


def situation(look: Look) -> Situation:
    """Tells what came of a look."""
    reading = look.reading
    if reading is None:
        # Its words begin with what could not be attached to, and end with what to do.
        return Situation("broken", "No stream", _sentence(look.problem.partition(": ")[2] or look.problem), "", None)
    last_ns = reading.newest.captured_ns if reading.newest else None
    if reading.dead:
        died = f"The capture process, {reading.pid}, has died."
        return Situation("broken", "Capture process died", died, _RUN, reading.counters.heartbeat_ns or None)
    if reading.silent:
        silent = f"The capture process, {reading.pid}, lives, and has given no sign of it."
        return Situation("waiting", "Silent", silent, _SILENT, reading.counters.heartbeat_ns or None)
    mood, title, remedy = _TITLES[reading.state]
    if reading.state == State.LIVE and reading.newest is None:
        return Situation("waiting", "Waiting for the first frame", "", "It comes by itself.", None)
    reason = _sentence(reading.reason)
    if reason == f"{title}.":
        reason = ""
    error = reading.told.text("last_error") if reading.state != State.LIVE else None
    since, failed = reading.told.number("state_since_ns"), reading.told.number("last_error_ns")
    # An error of before explains nothing: what leads to a state comes a moment before it.
    is_old = since is not None and failed is not None and failed < since - _MOMENT_NS
    if error and error != reading.reason and not is_old:
        reason = f"{reason} {_sentence(error)}".strip()
    return Situation(mood, title, reason, remedy, last_ns if since is None else int(since))


def _sentence(text: str) -> str:
    text = text.strip()
    return f"{text[0].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}" if text else ""

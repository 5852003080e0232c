"""One capture thread after the other on the same stream.

There is one thread as long as its source behaves. A thread whose source hangs is left behind, and another one goes on
with a new source; one whose settings have changed hands over to another one likewise.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from billiards_video.backoff import Backoff
from billiards_video.capture import SourceError
from billiards_video.capture_health import NO_FRAMES
from billiards_video.capture_loop import CaptureLoop
from billiards_video.capture_plan import CapturePlan, Gap, Outcome, delay_after
from billiards_video.capture_stream import CANNOT_BE_OPENED, GONE
from billiards_video.ipc import State
from billiards_video.watched_source import WatchedSource, overdue_ns

if TYPE_CHECKING:
    from collections.abc import Callable

    from billiards_video.capture import Source, SourceFacts
    from billiards_video.capture_stream import CaptureStream
    from billiards_video.watched_source import Call

logger = logging.getLogger(__name__)

_NS = 1_000_000_000
_LOOK_NS = 3 * _NS  # looks are a second apart: after more, it was this process that stood still, not the source
_FOR_EVER = float("inf")
_MOST_HANGING = 4  # threads, each with a source's memory and descriptors: more would fill the machine in the end
_NEW_SETTINGS = "new settings"
_METHODS = {
    "open": ("opening it", CANNOT_BE_OPENED),
    "grab": ("a read", NO_FRAMES),
    "retrieve": ("a conversion", NO_FRAMES),
    "close": ("closing it", GONE),
}


class CaptureRelay:
    """Starts, watches and replaces capture threads; for the main thread, and never blocks it.

    `make_source` makes another source like the first, where that is possible.
    """

    def __init__(
        self,
        source: Source,
        make_source: Callable[[], Source] | None,
        plan: CapturePlan,
        stream: CaptureStream,
    ) -> None:
        self._make_source = make_source
        self._stream = stream
        camera = plan.camera
        self._backoff = Backoff(camera.reconnect_delay, camera.max_reconnect_attempts, remote=source.remote)
        self._facts: SourceFacts | None = None  # of the last source that was open in an earlier loop
        self._size: tuple[int, int] | None = None  # likewise, where that had the same settings
        self._left: list[CaptureLoop] = []
        self._next: tuple[Source, CapturePlan] | None = None  # for when the loop that was asked to end has done so
        self._looked_ns = self._awake_ns = time.monotonic_ns()
        self.loop = self._loop_for(source, plan)
        """The one that captures."""

    @property
    def source(self) -> Source:
        """The source that is captured from."""
        return self.loop.source.source

    @property
    def plan(self) -> CapturePlan:
        """By which it captures, or will once the source that comes next is open."""
        return self.loop.plan if self._next is None else self._next[1]

    @property
    def facts(self) -> SourceFacts | None:
        """What is known about the last source that was open."""
        return self.loop.facts or self._facts

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the frames that the source gives; None where it was not open yet with these settings."""
        if self._next is not None:
            return None
        facts = self.loop.facts
        return self._size if facts is None else (facts.width, facts.height)

    @property
    def hanging(self) -> int:
        """How many threads were left behind and have not come back."""
        self._left = [loop for loop in self._left if loop.alive]
        return len(self._left)

    def start(self) -> None:
        """Starts the first thread."""
        self.loop.start()

    def stop(self, timeout: float) -> bool:
        """Asks the thread to end and waits for it; False if it has not, `timeout` seconds later. May be repeated."""
        return self.loop.stop(timeout)

    def change(self, plan: CapturePlan, source: Source | None) -> None:
        """Goes on by another plan: at once, or, where that takes another source, as soon as the old one is closed."""
        camera = plan.camera
        self._backoff.delay, self._backoff.attempts = camera.reconnect_delay, camera.max_reconnect_attempts
        if source is not None:
            self._next = source, plan
            self.loop.ask_to_end()
        elif self._next is not None:
            self._next = self._next[0], plan
        else:
            self.loop.follow(plan)
            self.loop.try_now()

    def look(self) -> Outcome | None:
        """Replaces a thread that hangs or has handed over. Gives how the capture ended, once it has.

        To be called about once a second, and when the stream says that something has changed.
        """
        outcome = self.loop.outcome
        if outcome is not None:
            if self._next is None or outcome.state is State.FAILED:
                return outcome
            self._stream.set_state(State.RECONNECTING, "")
            self._go_on(Gap(_NEW_SETTINGS))
            return None
        now_ns = time.monotonic_ns()
        if now_ns - self._looked_ns > _LOOK_NS:
            self._awake_ns = now_ns
        self._looked_ns = now_ns
        call = self.loop.source.call
        return None if call is None or self._patience_ns(call) > 0 else self._leave(call)

    @property
    def patience(self) -> float:
        """The seconds after which a call that is under way is worth another `look`."""
        call = self.loop.source.call
        return _FOR_EVER if call is None else self._patience_ns(call) / _NS

    def _patience_ns(self, call: Call) -> float:
        if not self.source.live:  # a file may take its time
            return _FOR_EVER
        since_ns = max(call.began_ns, self._awake_ns)
        return since_ns + overdue_ns(self.loop.plan.camera)[call.method] - time.monotonic_ns()

    def _leave(self, call: Call) -> Outcome | None:
        """Goes on without a thread that hangs in `call`; where that cannot be, gives the end of it all."""
        what, reason = _METHODS[call.method]
        lasts = (time.monotonic_ns() - call.began_ns) / _NS
        error = f"{self.source.text}: {what} has not come back for {lasts:.1f} s"
        if call.method == "retrieve":  # it fills a buffer of the stream
            return Outcome(State.FAILED, reason, f"{error}, and a thread that converts a frame cannot be left behind")
        if not self.loop.source.give_up(call):
            return None
        self._stream.statistics.failed(error)
        self._left.append(self.loop)
        self.loop.ask_to_end()
        camera = self.plan.camera
        if self._next is None and self._make_source is None:
            why = "the source is the program's own object, of which there is no second"
        elif not camera.auto_reconnect:
            why = "vision.camera.auto_reconnect is false"
        elif self.hanging > _MOST_HANGING:
            why = f"{self.hanging} threads hang by now"
        else:
            try:
                delay = delay_after(f"{error}; its thread is abandoned", self._backoff, camera)
            except SourceError as problem:
                return Outcome(State.FAILED, reason, str(problem))
            self._stream.set_state(State.RECONNECTING, reason)
            self._go_on(Gap(reason, delay))
            return None
        return Outcome(State.FAILED, reason, f"{error}, and it is not opened again: {why}")

    def _go_on(self, after: Gap) -> None:
        """With another thread, and another source."""
        self._facts, self._size = self.facts, self.size
        self._stream.statistics.skipped += self.source.skipped
        if self._next is not None:
            source, plan = self._next
        else:
            source = self.source if self._make_source is None else self._make_source()
            plan = self.loop.plan
        self._next = None
        self._backoff.remote = source.remote
        self.loop = self._loop_for(source, plan, after)
        self.loop.start()

    def _loop_for(self, source: Source, plan: CapturePlan, after: Gap | None = None) -> CaptureLoop:
        return CaptureLoop(WatchedSource(source, self._stream.times), plan, self._stream, self._backoff, after)

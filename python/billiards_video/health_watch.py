"""Says LIVE or STALLED while the source is open: from outside, since a source that hangs says nothing itself."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from billiards_video.capture_health import NO_FRAMES, TOO_SLOW, Arrival, ArrivalRate
from billiards_video.ipc import State

if TYPE_CHECKING:
    from billiards_video.capture import SourceFacts
    from billiards_video.capture_loop import CaptureLoop
    from billiards_video.capture_stream import CaptureStream

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_NS = 1_000_000_000


class HealthWatch:
    """Judges by the statistics and by what is known of the source; for the main thread, and never blocks it."""

    def __init__(self, stream: CaptureStream) -> None:
        self._stream = stream
        self._judged: tuple[SourceFacts, float] | None = None  # the opening, and the grace, that the rest is about
        self._expected: float | None = None
        self._opened_ns = 0
        self._arrival = Arrival(None, 0, 0)
        self._rate = ArrivalRate(None)

    def look(self, loop: CaptureLoop) -> float:
        """Says whether frames come as they should; gives the seconds until the next one is missing."""
        facts, source = loop.facts, loop.source.source
        last_ns = self._stream.statistics.last_frame_ns
        if facts is None or self._stream.writer is None or not last_ns:
            return _LOOK_SECONDS
        now_ns = time.monotonic_ns()
        grace = loop.plan.camera.read_timeout
        if not source.live:
            return self._look_at_file(loop, now_ns, round(grace * _NS))
        if self._judged is None or facts is not self._judged[0] or grace != self._judged[1]:
            self._judged, self._expected, self._opened_ns = (facts, grace), facts.fps, now_ns
            self._arrival = Arrival(facts.fps, grace, now_ns)
            self._rate = ArrivalRate(facts.fps)
        if self._expected is None and loop.expected_fps is not None:  # nothing was announced, and it is measured by now
            self._expected = loop.expected_fps
            self._arrival = Arrival(self._expected, grace, self._opened_ns)
        self._rate.look(now_ns, self._stream.statistics.captured)
        late_ns = self._arrival.late_ns(last_ns)
        poor = loop.picture_problem or (TOO_SLOW if self._rate.slow else "")
        reason = NO_FRAMES if now_ns >= late_ns else poor
        if self._stream.judge(State.STALLED if reason else State.LIVE, reason) and reason:
            logger.warning("%s: %s (the last frame is %.1f s old)", source.text, reason, (now_ns - last_ns) / 1e9)
        return (late_ns - now_ns) / 1e9 if now_ns < late_ns else _LOOK_SECONDS

    def _look_at_file(self, loop: CaptureLoop, now_ns: int, limit_ns: int) -> float:
        """A file has no rate to keep, and may take its time. But that it does is told: its disk may be out of reach."""
        call = loop.source.call
        late_ns = (now_ns if call is None else call.began_ns) + limit_ns
        hangs = now_ns >= late_ns
        if self._stream.judge(State.STALLED if hangs else State.LIVE, NO_FRAMES if hangs else "") and hangs:
            logger.warning("%s: %s (a read has taken %.1f s)", loop.source.source.text, NO_FRAMES, limit_ns / _NS)
        return _LOOK_SECONDS if hangs else (late_ns - now_ns) / _NS

"""Whether frames come as they should, judged from outside of the call that may hang.

Three signals, each with a reason of its own that readers see beside the state STALLED: frames do not arrive, the
picture is bad or frozen (`picture_watch` looks at it), frames arrive too slowly. The first that is true is said.
"""

from __future__ import annotations

from collections import deque

NO_FRAMES = "no frames arrive"
PICTURE_BAD = "the picture is bad"
PICTURE_FROZEN = "the picture is frozen"
TOO_SLOW = "frames arrive too slowly"

_NS = 1_000_000_000
_MISSING_PERIODS = 5
_SHORTEST_LIMIT_NS = _NS // 2
"""Below that it is the machine's business, not the camera's: a busy scheduler, a paused virtual machine."""
_WINDOW_NS = 5 * _NS
_SLOW, _FAST_ENOUGH = 0.7, 0.8
"""Of the nominal rate. Two thresholds, so that a camera at the edge does not change its state all the time."""


def missing_after_ns(fps: float) -> int:
    """How long after a frame the next one is missing, in nanoseconds, where so many come in a second."""
    return max(_MISSING_PERIODS * round(_NS / fps), _SHORTEST_LIMIT_NS)


class Arrival:
    """When the last frame came, against when it should have. Times are `CLOCK_MONOTONIC`, ns.

    `grace` (seconds) is allowed for the second frame after an opening: cameras set their exposure and streams wait for
    a key frame. Without a nominal rate it is the limit throughout.
    """

    def __init__(self, fps: float | None, grace: float, opened_ns: int) -> None:
        self._grace_ns = round(grace * _NS)
        self._limit_ns = self._grace_ns if fps is None else missing_after_ns(fps)
        self._opened_ns = opened_ns

    def late_ns(self, last_frame_ns: int) -> int:
        """The moment from which on the next frame is missing, `last_frame_ns` being when the last one came."""
        came_ns = max(last_frame_ns, self._opened_ns)
        settling = came_ns - self._opened_ns < self._grace_ns
        return max(came_ns + self._limit_ns, self._opened_ns + self._grace_ns if settling else 0)


class ArrivalRate:
    """Frames a second over the last seconds, against what the source says it gives."""

    def __init__(self, fps: float | None) -> None:
        self._fps = fps
        self._looks: deque[tuple[int, int]] = deque()
        self.measured: float | None = None
        """Frames a second; None until there is a window's worth to count."""
        self.slow = False
        """Whether that is clearly less than nominal."""

    def look(self, now_ns: int, captured: int) -> None:
        """Takes note of how many frames there have been. To be called a few times a second."""
        self._looks.append((now_ns, captured))
        while now_ns - self._looks[0][0] > _WINDOW_NS and now_ns - self._looks[1][0] >= _WINDOW_NS:
            self._looks.popleft()
        since_ns, before = self._looks[0]
        if now_ns - since_ns < _WINDOW_NS:
            return
        self.measured = (captured - before) * _NS / (now_ns - since_ns)
        if self._fps is not None:
            self.slow = self.measured < self._fps * (_FAST_ENOUGH if self.slow else _SLOW)

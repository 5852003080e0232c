"""Who looks, and what was sent to them."""

from __future__ import annotations

import time
from collections import Counter, deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from billiards_video.view.picture_worker import Picture

_WINDOW_SECONDS = 5.0
KINDS = ("mjpeg", "websocket")
"""How a viewer gets its pictures."""


class Viewers:
    """Counts viewers and the pictures sent to them. The event loop's alone."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._sent: deque[float] = deque()
        self.active: Counter[str] = Counter(dict.fromkeys(KINDS, 0))
        """Viewers of streams now, by kind."""
        self.pictures: Counter[str] = Counter(dict.fromkeys((*KINDS, "single"), 0))
        """Pictures sent, by kind; "single" are those of one request each."""
        self.bytes_sent = 0
        """Bytes of JPEG in these."""
        self.last_sent: float | None = None
        """When the last one was sent, Unix time; None before the first."""

    @contextmanager
    def watching(self, kind: str) -> Iterator[None]:
        """Counts a viewer while the block lasts."""
        self.active[kind] += 1
        try:
            yield
        finally:
            self.active[kind] -= 1

    def sent(self, picture: Picture, kind: str) -> None:
        """Notes a picture that was given to a viewer's connection."""
        self.pictures[kind] += 1
        self.bytes_sent += len(picture.jpeg)
        self.last_sent = time.time()
        self._sent.append(time.monotonic())
        self._forget()

    @property
    def uptime(self) -> float:
        """Seconds since the server started."""
        return time.monotonic() - self._started

    @property
    def fps(self) -> float:
        """Pictures sent a second, over the last five, to one viewer on average."""
        self._forget()
        window = min(_WINDOW_SECONDS, max(self.uptime, 1e-3))
        return len(self._sent) / window / max(1, self.active.total())

    def _forget(self) -> None:
        oldest = time.monotonic() - _WINDOW_SECONDS
        while self._sent and self._sent[0] < oldest:
            self._sent.popleft()

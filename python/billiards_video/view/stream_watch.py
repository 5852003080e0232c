"""What the stream is doing, for everything in the server that asks: one look a second at most, shared."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from billiards_video.metrics.probe import Probe

if TYPE_CHECKING:
    from billiards_video.metrics.probe import Look

_DETACH_SECONDS = 10.0


class StreamWatch:
    """Looks at a stream. It looks only when asked, and lets go of the stream when nobody asks any more.

    Raises:
        ValueError: The name cannot be used.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        """The stream's name."""
        self._probe = Probe(name)
        self._thread = ThreadPoolExecutor(1, "figures")  # a look reads files, and copies a frame
        self._looking: asyncio.Future[Look] | None = None
        self._last: Look | None = None
        self._letting_go: asyncio.TimerHandle | None = None

    async def look(self, oldest_seconds: float = 0.5) -> Look:
        """What is known of the stream, at most so old."""
        if self._last is not None and time.monotonic_ns() - self._last.at_ns < oldest_seconds * 1e9:
            return self._last
        loop = asyncio.get_running_loop()
        if self._looking is None or self._looking.done():
            self._looking = loop.run_in_executor(self._thread, self._probe.look)
        self._last = await asyncio.shield(self._looking)
        if self._letting_go is not None:
            self._letting_go.cancel()
        self._letting_go = loop.call_later(_DETACH_SECONDS, self._thread.submit, self._probe.close)
        return self._last

    def stop(self) -> None:
        """Ends its thread."""
        if self._letting_go is not None:
            self._letting_go.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

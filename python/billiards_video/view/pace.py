"""When a viewer is due for its next picture."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from billiards_video.view.picture_request import PictureRequest
    from billiards_video.view.picture_worker import Picture, PictureWorker

_EARLY = 4
"""A frame may be taken by a fourth of the period too soon: the one after it would be far too late."""


class Pace:
    """One viewer's pictures: each newer than the one before, and no more of them a second than it wants."""

    def __init__(self, worker: PictureWorker, request: PictureRequest) -> None:
        self._worker = worker
        self._request = request
        self._due_ns = 0
        self._seen = 0

    async def next(self) -> Picture:
        """The viewer's next picture; waits for it."""
        period_ns = self._request.period_ns
        picture = await self._worker.next(self._request.variant, self._seen, self._due_ns - period_ns // _EARLY)
        self._seen = picture.serial
        now_ns = time.monotonic_ns()
        # On average the rate is kept; a whole period that was lost is not made up for.
        self._due_ns = (self._due_ns if now_ns - self._due_ns < period_ns else now_ns) + period_ns
        return picture

"""A stream of JPEGs that any browser shows in an `<img>`: multipart/x-mixed-replace."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from billiards_video.view.pace import Pace
    from billiards_video.view.picture_worker import Picture
    from billiards_video.view.viewers import Viewers

_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"connection", b"close"),
]


class MotionJPEG:
    """The response to a viewer of the stream: `first`, and then each newest picture, until the viewer goes.

    The next picture is asked for when the connection has taken the last one: a slow viewer gets fewer, and none of
    those that grew old meanwhile. One that takes nothing at all waits here, at no cost, until the kernel gives its
    connection up.
    """

    media_type = "multipart/x-mixed-replace; boundary=frame"
    """Of the response."""

    def __init__(self, first: Picture, pace: Pace, viewers: Viewers) -> None:
        self._first = first
        self._pace = pace
        self._viewers = viewers

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Streams until the viewer has gone, or the server ends."""
        streaming = asyncio.ensure_future(self._stream(send))
        leaving = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait((streaming, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            streaming.cancel()
            await asyncio.gather(streaming, leaving, return_exceptions=True)

    async def _stream(self, send: Send) -> None:
        with self._viewers.watching("mjpeg"):
            headers = [(b"content-type", self.media_type.encode()), *_HEADERS]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            picture, before = self._first, b"--frame\r\n"
            while True:
                head = b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(picture.jpeg)
                # The boundary comes with the part that it ends: browsers show a part when they have seen its end.
                body = b"".join((before, head, picture.jpeg, b"\r\n--frame\r\n"))
                await send({"type": "http.response.body", "body": body, "more_body": True})
                self._viewers.sent(picture, "mjpeg")
                picture, before = await self._pace.next(), b""


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

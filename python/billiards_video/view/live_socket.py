"""The WebSocket: pictures as they come, and what is known of them and of the stream."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from billiards_video.view.pace import Pace
from billiards_video.view.picture_request import PictureRequest, picture_request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from billiards_video.view.picture_worker import Picture, PictureWorker
    from billiards_video.view.viewers import Viewers

_UNANSWERED = 2
"""Pictures that may be on their way to a viewer that acknowledges them."""
_FIGURES_SECONDS = 1.0


class LiveSocket:
    """One viewer's connection. Text messages are JSON objects with a "type"; binary ones are JPEGs.

    From the server: "frame" (what is known of the JPEG that follows it), "figures" (once a second, what the stream is
    doing), "clock" (the answer to the viewer's, with the server's time), "refused" (a "want" that is not possible).

    From the viewer, all of it optional: "shown" (it has shown a frame; from the first of these on the server keeps no
    more than two unanswered), "want" (`quality`, `fps`, `width`, `height` anew), "pause" and "play", "clock".
    """

    def __init__(
        self,
        socket: WebSocket,
        request: PictureRequest,
        worker: PictureWorker,
        viewers: Viewers,
        figures: Callable[[], Awaitable[dict[str, object]]],
    ) -> None:
        self._socket = socket
        self._request = request
        self._worker = worker
        self._viewers = viewers
        self._figures = figures
        self._unanswered = 0
        self._answers = False
        self._may_send = asyncio.Event()
        self._may_send.set()
        self._pictures: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Serves the viewer until it has gone."""
        await self._socket.accept()
        telling = asyncio.create_task(self._tell())
        try:
            with self._viewers.watching("websocket"):
                self._play()
                while True:
                    await self._hear(await self._socket.receive_json())
        except WebSocketDisconnect:
            pass
        except (AttributeError, KeyError, TypeError, ValueError):
            await self._socket.close(1003, "a message is a JSON object with a type")
        finally:
            self._pause()
            telling.cancel()

    async def _hear(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "shown":
            self._answers = True
            self._unanswered = max(0, self._unanswered - 1)
            self._may_send.set()
        elif kind == "clock":
            now_ms = time.monotonic_ns() / 1e6
            await self._socket.send_json({"type": "clock", "asked": message.get("asked"), "server_ms": now_ms})
        elif kind == "want":
            await self._change({key: str(value) for key, value in message.items() if value is not None})
        elif kind == "pause":
            self._pause()
        elif kind == "play" and self._pictures is None:
            self._play()

    async def _change(self, wanted: dict[str, str]) -> None:
        try:
            self._request = picture_request(wanted)
        except ValueError as error:
            await self._socket.send_json({"type": "refused", "detail": str(error)})
            return
        if self._pictures is not None:
            self._pause()
            self._play()

    def _play(self) -> None:
        self._unanswered = 0
        self._may_send.set()
        self._pictures = asyncio.create_task(self._show())

    def _pause(self) -> None:
        if self._pictures is not None:
            self._pictures.cancel()
            self._pictures = None

    async def _show(self) -> None:
        pace = Pace(self._worker, self._request)
        with suppress(WebSocketDisconnect):  # the receiving side sees it too
            while True:
                await self._may_send.wait()
                picture = await pace.next()
                await self._socket.send_json(_facts(picture))
                await self._socket.send_bytes(picture.jpeg)
                self._viewers.sent(picture, "websocket")
                self._unanswered += 1
                if self._answers and self._unanswered >= _UNANSWERED:
                    self._may_send.clear()

    async def _tell(self) -> None:
        with suppress(WebSocketDisconnect):
            while True:
                await self._socket.send_json(await self._figures())
                await asyncio.sleep(_FIGURES_SECONDS)


def _facts(picture: Picture) -> dict[str, object]:
    """What is known of a picture. Times are milliseconds of the server machine's monotonic clock."""
    frame = picture.metadata
    return {
        "type": "frame",
        "number": frame.frame_number,
        "serial": picture.serial,
        "missed": frame.missed,
        "discontinuity": frame.discontinuity,
        "width": picture.width,
        "height": picture.height,
        "frame_width": frame.width,
        "frame_height": frame.height,
        "bytes": len(picture.jpeg),
        "captured_ms": frame.captured_ns / 1e6,
        "published_ms": frame.published_ns / 1e6,
        "encoded_ms": picture.encoded_ns / 1e6,
        "position_ms": None if frame.position_ns is None else frame.position_ns / 1e6,
        "loop": frame.loop_count,
    }

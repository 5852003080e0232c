"""The web application: its routes, and what they share."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from billiards_video.metrics.stream_collector import StreamCollector
from billiards_video.view.access import Access
from billiards_video.view.figures import for_clients, for_page, unready
from billiards_video.view.live_socket import LiveSocket
from billiards_video.view.motion_jpeg import MotionJPEG
from billiards_video.view.pace import Pace
from billiards_video.view.picture_request import PictureRequest, picture_request
from billiards_video.view.picture_worker import Picture, PictureWorker
from billiards_video.view.situation import situation
from billiards_video.view.stream_watch import StreamWatch
from billiards_video.view.view_collector import ViewCollector
from billiards_video.view.viewers import Viewers

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.requests import Request
    from starlette.websockets import WebSocket

_STATIC = Path(__file__).parent / "static"
_FIRST_PICTURE_SECONDS = 2.0


class View:
    """The routes of one stream. They run in the event loop; frames are read and encoded in the worker's thread."""

    def __init__(self, name: str) -> None:
        self._watch = StreamWatch(name)
        self._viewers = Viewers()
        own = ViewCollector(name, self._viewers)
        self._worker = PictureWorker(name, own.encoded)
        self._registry = CollectorRegistry()
        self._registry.register(StreamCollector(name))
        self._registry.register(own)

    def application(self, token: str | None) -> Starlette:
        """The application, which asks for the token if there is one."""
        return Starlette(
            routes=[
                Route("/api/v1/stream/video", self._video),
                Route("/api/v1/stream/video/frame", self._frame),
                Route("/api/v1/stream/video/status", self._status),
                Route("/snapshot.jpg", self._frame),
                Route("/healthz", self._health),
                Route("/readyz", self._ready),
                Route("/metrics", self._metrics),
                WebSocketRoute("/ws", self._socket),
                Mount("/", StaticFiles(directory=_STATIC, html=True)),
            ],
            middleware=[Middleware(Access, token=token)],
            exception_handlers={HTTPException: _refused},
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, _application: Starlette) -> AsyncGenerator[None]:
        self._worker.start()
        try:
            yield
        finally:
            self._worker.stop()
            self._watch.stop()

    async def _video(self, request: Request) -> Response | MotionJPEG:
        pace = Pace(self._worker, _asked(request))
        first = await self._first_picture(pace)
        if request.method == "HEAD":  # whoever asks for the head alone would be a viewer without an end
            return Response(media_type=MotionJPEG.media_type)
        return MotionJPEG(first, pace, self._viewers)

    async def _frame(self, request: Request) -> Response:
        picture = await self._first_picture(Pace(self._worker, _asked(request)))
        self._viewers.sent(picture, "single")
        headers = {
            "cache-control": "no-store",
            "x-frame-number": str(picture.metadata.frame_number),
            "x-frame-time": f"{picture.metadata.timestamp:.6f}",
        }
        return Response(picture.jpeg, media_type="image/jpeg", headers=headers)

    async def _first_picture(self, pace: Pace) -> Picture:
        look = await self._watch.look()
        if not look.publishing:
            look = await self._watch.look(0)  # it may have come this moment
        if look.publishing:
            try:
                async with asyncio.timeout(_FIRST_PICTURE_SECONDS):
                    return await pace.next()
            except TimeoutError:
                look = await self._watch.look(0)
        told = situation(look)
        raise HTTPException(503, " ".join(filter(None, (f"{told.title}.", told.reason, told.remedy))))

    async def _status(self, _request: Request) -> Response:
        return JSONResponse(for_clients(await self._watch.look(), self._viewers))

    async def _health(self, _request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def _ready(self, _request: Request) -> Response:
        problem = unready(await self._watch.look(0))
        return PlainTextResponse(f"{problem or 'ok'}\n", 503 if problem else 200)

    async def _metrics(self, request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        text = await asyncio.to_thread(encode, self._registry)
        return Response(text, headers={"content-type": content_type})

    async def _socket(self, socket: WebSocket) -> None:
        try:
            request = picture_request(socket.query_params)
        except ValueError as error:
            await socket.send_denial_response(JSONResponse({"detail": str(error)}, 400))
            return
        await LiveSocket(socket, request, self._worker, self._viewers, self._figures).run()

    async def _figures(self) -> dict[str, object]:
        return for_page(await self._watch.look(), self._viewers, self._watch.name)


def _asked(request: Request) -> PictureRequest:
    try:
        return picture_request(request.query_params)
    except ValueError as error:
        raise HTTPException(400, str(error)) from error


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - for the type checker
    return JSONResponse({"detail": error.detail}, error.status_code)

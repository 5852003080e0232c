"""A network camera for tests: MJPEG over HTTP, with a frame number in every picture, and everything that goes wrong.

    with HTTPCamera(fps=30) as camera:
        StreamSource(camera.url)
        camera.freeze()             holds the connection and says nothing; thaw() goes on
        camera.die()                is gone from the network, in the middle of a frame; come_back() is there again
        camera.width = 128          from the next frame on; fps, status, garbage_every, torn_every likewise

The numbers go on over connections, as if the camera had been filming all the time.
"""

import contextlib
import os
import socket
import threading
import time
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import numpy.typing as npt

from network_camera import NetworkCamera

_GRAYS = 50  # pictures that can be told apart, four grays from one to the next


@lru_cache(maxsize=4 * _GRAYS)
def _jpeg(gray: int, width: int, height: int) -> bytes:
    encoded = cv2.imencode(".jpg", np.full((height, width, 3), gray, np.uint8))[1]
    return encoded.tobytes()


def number_in(picture: npt.NDArray[np.uint8]) -> int:
    """The number of the frame that a picture is of, modulo 50."""
    return round((float(picture.mean()) - 20) / 4)


class HTTPCamera(NetworkCamera):
    """Serves everybody who connects, each from the newest frame on."""

    def __init__(self, *, width: int = 64, height: int = 48, fps: float = 100.0) -> None:
        self.width = width
        self.height = height
        self.fps = fps
        self.status = 200
        """The HTTP status of the answer: 401, 404, 503, ... are without pictures."""
        self.silent = False
        """Takes the connection and never answers."""
        self.frames: int | None = None
        """So many in each connection, then the camera hangs up."""
        self.garbage_every = 0
        """Every so many frames, one is bytes without a meaning."""
        self.torn_every = 0
        """Every so many frames, one is cut off in the middle."""
        self.repeats = False
        """Sends the same picture again and again."""
        self.connections = 0
        """How often somebody connected."""
        self.agent = ""
        """What the last viewer called itself."""
        self.number = 0
        """Of the next frame."""
        self.sent_at: dict[int, float] = {}
        """When a frame was sent, in seconds of the monotonic clock."""
        self._open: set[socket.socket] = set()
        self._server: _Server | None = None
        self._address = ("127.0.0.1", 0)
        super().__init__()

    @property
    def url(self) -> str:  # noqa: D102 - as above
        return f"http://{self._address[0]}:{self._address[1]}/camera"

    def die(self) -> None:
        """Breaks off every connection, and takes no more."""
        server, self._server = self._server, None
        if server is not None:
            server.gone.set()
            self._thawed.set()
            for connection in list(self._open):
                with contextlib.suppress(OSError):  # it is just ending by itself
                    # With a reset, as a camera that has lost its power is noticed at last.
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    connection.shutdown(socket.SHUT_RDWR)
            server.shutdown()
            server.server_close()

    def _appear(self) -> None:
        server = _Server(self._address, _Handler)
        server.camera = self
        self._address = ("127.0.0.1", server.server_port)
        self._server = server
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def film(self, connection: "_Handler") -> None:
        """Sends frames over a connection until one of both hangs up."""
        self.connections += 1
        self._open.add(connection.connection)
        try:
            due, count = time.monotonic(), 0
            while not connection.server.gone.is_set() and count != self.frames:
                connection.wfile.write(self._part())
                count += 1
                due = max(due + 1 / self.fps, time.monotonic())
                connection.server.gone.wait(max(0.0, due - time.monotonic()))
                self._thawed.wait()
        except OSError:
            return  # the viewer has gone, or we have
        finally:
            self._open.discard(connection.connection)

    def _part(self) -> bytes:
        number, self.number = self.number, self.number + 1
        body = _jpeg(20 + 4 * (0 if self.repeats else number % _GRAYS), self.width, self.height)
        if self.torn_every and number % self.torn_every == self.torn_every - 1:
            body = body[: len(body) // 2]
        if self.garbage_every and number % self.garbage_every == self.garbage_every - 1:
            body = os.urandom(len(body))
        self.sent_at[number] = time.monotonic()
        return f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body + b"\r\n"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    camera: HTTPCamera

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.gone = threading.Event()
        super().__init__(address, handler)

    def handle_error(self, *_arguments: object) -> None:
        """A viewer that goes is nothing to complain about."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        camera = self.server.camera
        camera.agent = self.headers.get("User-Agent", "")
        if camera.silent:
            self.server.gone.wait()
            return
        self.send_response(camera.status)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        if camera.status == 200:
            camera.film(self)

    def log_message(self, *_arguments: object) -> None:
        """Says nothing."""

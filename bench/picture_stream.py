"""A network camera on this machine: `python -m bench.picture_stream WIDTH HEIGHT RATE` prints the URL of its MJPEG.

A process of its own, as a camera is; its pictures are drawn and encoded beforehand, and sent at absolute deadlines.
"""

from __future__ import annotations

import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle

import cv2

from bench.draw_video import PAN, background
from bench.pacing import Pace

PICTURES = 16
BOUNDARY = "picture"


def pictures(width: int, height: int) -> list[bytes]:
    """Draw a pan over a background, and encode it as a camera would, each picture with the head of its part."""
    scene = background(width, height)
    parts = []
    for number in range(PICTURES):
        left = number * PAN // PICTURES
        _, encoded = cv2.imencode(".jpg", scene[:height, left : left + width])
        head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {encoded.nbytes}\r\n\r\n"
        parts.append(head.encode() + encoded.tobytes() + b"\r\n")
    return parts


class Camera(ThreadingHTTPServer):
    """Serves everybody who connects, at the same rate."""

    daemon_threads = True

    def __init__(self, parts: list[bytes], per_second: float) -> None:
        super().__init__(("127.0.0.1", 0), Viewer)
        self.parts = parts
        self.per_second = per_second

    @property
    def url(self) -> str:
        """Where it is found."""
        return f"http://127.0.0.1:{self.server_port}/camera"


class Viewer(BaseHTTPRequestHandler):
    """One connection."""

    server: Camera

    def do_GET(self) -> None:
        """Send one picture after the other, until the viewer hangs up."""
        self.send_response(200)
        self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        self.end_headers()
        pace = Pace(self.server.per_second)
        try:
            for part in cycle(self.server.parts):
                pace.wait()
                self.wfile.write(part)
        except OSError:
            return  # the viewer has gone

    def log_message(self, *_: object) -> None:
        """Say nothing: standard output is for the URL."""


def main() -> None:
    """Draw, say where, serve until killed."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a word
    width, height = int(sys.argv[1]), int(sys.argv[2])
    camera = Camera(pictures(width, height), float(sys.argv[3]))
    print(camera.url, flush=True)
    camera.serve_forever()


if __name__ == "__main__":
    main()

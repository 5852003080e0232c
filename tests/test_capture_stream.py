"""Streams: an HTTP camera made by the test, which works, dies, freezes, or is not there."""

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest

from billiards_video.capture import SourceError
from billiards_video.capture.stream import StreamSource


class Camera(ThreadingHTTPServer):
    """Serves numbered MJPEG frames to whoever connects: `frames` of them, then closes, or freezes until told to end."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.frames = 1_000_000
        self.freezes = False
        self.ending = threading.Event()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it is found."""
        return f"http://127.0.0.1:{self.server_port}/camera"


class _Handler(BaseHTTPRequestHandler):
    server: Camera

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        try:
            for number in range(self.server.frames):
                self._send(number)
                if self.server.ending.wait(0.01):
                    return
            if self.server.freezes:
                self.server.ending.wait()
        except OSError:
            return  # the viewer has gone

    def _send(self, number: int) -> None:
        picture = np.full((48, 64, 3), number % 200, np.uint8)
        _, jpeg = cv2.imencode(".jpg", picture)
        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {jpeg.size}\r\n\r\n"
        self.wfile.write(head.encode() + jpeg.tobytes() + b"\r\n")

    def log_message(self, *_arguments: object) -> None:
        """Says nothing."""


@pytest.fixture
def camera() -> Iterator[Camera]:
    """A camera that sends until the test is over."""
    with Camera() as server:
        yield server
        server.ending.set()
        server.shutdown()


def grab_for_ever(source: StreamSource) -> None:
    """Grabs until the source is lost."""
    while True:
        source.grab()


def test_frames_come_into_the_array_given(camera: Camera) -> None:
    """A stream's frames are converted into the caller's array, in order and with its true size."""
    source = StreamSource(camera.url, read_timeout=5)
    facts = source.open()
    assert (facts.width, facts.height) == (64, 48)
    out, seen = np.zeros((48, 64, 3), np.uint8), []
    for _ in range(20):
        grabbed = source.grab()
        assert (grabbed.due_ns, grabbed.position_ns) == (None, None)
        assert source.retrieve(out) is out
        seen.append(int(out.mean().round()))
    source.close()
    assert seen == sorted(seen)
    assert len(set(seen)) > 15


def test_a_stream_that_ends_is_lost_and_can_be_opened_again(camera: Camera) -> None:
    """When the server hangs up, grab says so; after that the same source opens anew and gives frames."""
    camera.frames = 10
    source = StreamSource(camera.url, read_timeout=5)
    source.open()
    with pytest.raises(SourceError, match="no more frames"):
        grab_for_ever(source)
    source.close()
    source.open()
    source.grab()
    source.close()


def test_a_frozen_stream_is_given_up(camera: Camera) -> None:
    """A server that says nothing more is given up within three times the read time-out."""
    camera.frames, camera.freezes = 10, True
    source = StreamSource(camera.url, read_timeout=0.5)
    source.open()
    began = time.monotonic()
    with pytest.raises(SourceError, match="no more frames"):
        grab_for_ever(source)
    assert time.monotonic() - began < 3 * 0.5 + 1
    source.close()


def test_a_silent_server_is_given_up_when_opening() -> None:
    """A server that takes the connection and never answers fails at the open time-out, not after OpenCV's 30 s."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        source = StreamSource(f"http://127.0.0.1:{listening.getsockname()[1]}/", open_timeout=0.5)
        began = time.monotonic()
        with pytest.raises(SourceError, match="cannot be opened"):
            source.open()
        assert 0.4 < time.monotonic() - began < 3


def test_the_password_is_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    """The words for a stream that cannot be reached have its address and not its password, and are all there is."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(SourceError) as caught:
        StreamSource(f"http://me:secret@127.0.0.1:{port}/cam").open()
    assert f"http://127.0.0.1:{port}/cam" in str(caught.value)
    assert "secret" not in str(caught.value)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")

"""The server of the view, as a process of its own, and what asks it: HTTP from the standard library."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

_CODE = (
    "import json, sys; from billiards_video.view import serve;"
    "raise SystemExit(serve(sys.argv[1], **json.loads(sys.argv[2])))"
)


class Answer(NamedTuple):
    """A response, all of it."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the server sends
        """The body, as JSON."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The body, as text."""
        return self.body.decode()


class ViewServer:
    """A running server on a free port; killed, if need be, when the `with` block is left."""

    def __init__(self, name: str, **options: object) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", _CODE, name, json.dumps({"port": 0, **options})],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        self.line = self._process.stdout.readline()
        found = re.search(r"http://\S+", self.line)
        self.url = found[0] if found else ""
        self.port = urlsplit(self.url).port or 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def connect(self) -> http.client.HTTPConnection:
        """A new connection to it."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def get(self, path: str, **headers: str) -> Answer:
        """Asks for a path, on a connection of its own; gives the whole answer."""
        connection = self.connect()
        try:
            connection.request("GET", path, headers={key.replace("_", "-"): value for key, value in headers.items()})
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the samples of that name and these labels; 0 where there are none."""
        total = 0.0
        for line in self.get("/metrics").text.splitlines():
            found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            if (
                found
                and found[1] == name
                and all(f'{key}="{value}"' in (found[2] or "") for key, value in labels.items())
            ):
                total += float(found[3])
        return total

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, float]:
        """Sends a signal; gives the exit code, what was said on standard error, and the seconds that it took."""
        began = time.monotonic()
        os.kill(self._process.pid, number)
        code = self._process.wait(20)
        took = time.monotonic() - began
        return code, self._process.communicate()[1], took

    def wait(self) -> tuple[int, str]:
        """Waits for it to end by itself; gives the exit code and what was said on standard error."""
        _, said = self._process.communicate(timeout=20)
        return self._process.returncode, said


class Stream:
    """A viewer of the MJPEG stream. Reads part by part, and no sooner than it is asked to."""

    def __init__(self, server: ViewServer, query: str = "", receive_bytes: int | None = None) -> None:
        self._socket = socket.socket()
        if receive_bytes is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self._socket.settimeout(20)
        self._socket.connect(("127.0.0.1", server.port))
        self._socket.sendall(f"GET /api/v1/stream/video{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        self._response = http.client.HTTPResponse(self._socket, method="GET")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._response.close()
        self._socket.close()

    def begin(self) -> http.client.HTTPResponse:
        """Reads the head of the response."""
        self._response.begin()
        return self._response

    def part(self) -> tuple[dict[str, str], bytes]:
        """Reads a part: its headers and its body, as a client does that knows nothing but the boundary."""
        while (line := self._response.readline()) == b"\r\n":
            pass
        assert line == b"--frame\r\n", line
        headers = {}
        while (line := self._response.readline()) != b"\r\n":
            key, _, value = line.decode().partition(":")
            headers[key.strip()] = value.strip()
        return headers, self._response.read(int(headers["Content-Length"]))


def eventually(holds: object, seconds: float = 10) -> bool:
    """Whether something comes true in time: asks again and again, for what tells nobody when it does."""
    assert callable(holds)
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True

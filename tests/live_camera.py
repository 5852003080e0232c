"""Network cameras for tests that send H.264 in real time: here MPEG-TS over TCP and UDP; `rtsp_camera` has RTSP.

    film = Film(folder)
    with TSCamera(film, "tcp") as camera:
        StreamSource(camera.url)
        camera.freeze()             holds the connection and says nothing; thaw() goes on
        camera.die()                is gone from the network; come_back() is there again, at the same address

Each picture has its number in it (`make_video.number_in`). A camera films
all the time: viewers begin with the newest.
"""

import contextlib
import math
import re
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

from make_video import encode_video
from network_camera import NetworkCamera

FPS = 50
FRAMES = 1000
SIZE = (160, 120)
KEY_EVERY = 25
_PACKET = 188
_VIDEO_PID = 0x100
_DATAGRAM = 7 * _PACKET


class Film:
    """Twenty seconds of H.264, over and over, with a picture every half second that needs no other."""

    def __init__(self, folder: Path) -> None:
        options = {"preset": "ultrafast", "tune": "zerolatency", "g": str(KEY_EVERY)}
        options["x264-params"] = "slices=1:sliced-threads=0:repeat-headers=1"
        size = f"{SIZE[0]}x{SIZE[1]}"
        encode_video(folder / "film.ts", FRAMES, fps=str(FPS), size=size, options=options)
        self.transport = _by_picture((folder / "film.ts").read_bytes())
        """MPEG-TS, picture by picture."""
        encode_video(folder / "film.h264", FRAMES, fps=str(FPS), size=size, options=options)
        self.units = _units((folder / "film.h264").read_bytes())
        """The parts of each picture, without what tells them apart in a file."""


def _by_picture(data: bytes) -> list[bytes]:
    packets = [data[place : place + _PACKET] for place in range(0, len(data), _PACKET)]
    pictures, before = [], b""
    for packet in packets:
        identity, begins = int.from_bytes(packet[1:3]) & 0x1FFF, packet[1] & 0x40
        if identity != _VIDEO_PID:
            before += packet  # the tables, which are to come before the picture
        elif begins:
            pictures.append(before + packet)
            before = b""
        else:
            pictures[-1] += before + packet
            before = b""
    return pictures


def _units(data: bytes) -> list[list[bytes]]:
    pictures: list[list[bytes]] = [[]]
    for unit in re.split(rb"\x00\x00\x00?\x01", data)[1:]:
        pictures[-1].append(unit)
        if unit[0] & 0x1F in (1, 5):  # the picture itself, after what describes it
            pictures.append([])
    return pictures[:-1]


class LiveCamera(NetworkCamera):
    """Films all the time, and sends each picture to everybody who watches; what it films while frozen is lost."""

    def __init__(self) -> None:
        self.number = 0
        """Of the picture that was sent last."""
        self._began = time.monotonic()
        self._gone = threading.Event()
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        super().__init__()

    def die(self) -> None:  # noqa: D102 - as above
        self._gone.set()
        self._thawed.set()
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)  # which wakes the thread that waits in it
            one.close()
        for thread in self._threads:
            thread.join()
        self._sockets.clear()
        self._threads.clear()

    def come_back(self) -> None:  # noqa: D102 - as above
        self._gone.clear()
        super().come_back()

    def _run(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _listen(self, port: int, talk: Callable[[socket.socket], None]) -> None:
        """Serves everybody who connects, each in a thread."""
        listening = socket.create_server(("127.0.0.1", port))
        self._sockets.append(listening)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    viewer, _ = listening.accept()
                    self._sockets.append(viewer)
                    self._run(partial(talk, viewer))

        self._run(accept)

    def _film(self, send: Callable[[int], None]) -> None:
        """Calls `send` with the number of each picture when it is taken, until the viewer or the camera is gone."""
        number = int((time.monotonic() - self._began) * FPS)
        with contextlib.suppress(OSError):
            while True:
                if not self._thawed.is_set():
                    self._thawed.wait()
                    number = math.ceil((time.monotonic() - self._began) * FPS / KEY_EVERY) * KEY_EVERY
                if self._gone.wait(max(0.0, self._began + number / FPS - time.monotonic())):
                    return
                self.number = number
                send(number)
                number += 1


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of this machine at which nobody is."""
    with socket.socket(socket.AF_INET, kind) as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
    return port


class TSCamera(LiveCamera):
    """MPEG-TS: over TCP to whoever connects, or over UDP to one port, whether somebody listens there or not."""

    def __init__(self, film: Film, carrier: Literal["tcp", "udp"]) -> None:
        self._pictures = film.transport
        self._carrier = carrier
        self._port = free_port(socket.SOCK_STREAM if carrier == "tcp" else socket.SOCK_DGRAM)
        super().__init__()

    @property
    def url(self) -> str:  # noqa: D102 - as above
        return f"{self._carrier}://127.0.0.1:{self._port}"

    def _appear(self) -> None:
        if self._carrier == "udp":
            self._run(self._broadcast)
        else:
            self._listen(self._port, self._send_to)

    def _send_to(self, viewer: socket.socket) -> None:
        self._film(lambda number: viewer.sendall(self._pictures[number % FRAMES]))

    def _broadcast(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:

            def send(number: int) -> None:
                data = self._pictures[number % FRAMES]
                for place in range(0, len(data), _DATAGRAM):
                    sender.sendto(data[place : place + _DATAGRAM], ("127.0.0.1", self._port))

            self._film(send)

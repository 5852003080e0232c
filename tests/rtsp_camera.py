"""An RTSP camera for tests: the little of RFC 2326 that a viewer asks for, and H.264 in RTP as in RFC 6184.

with RTSPCamera(film) as camera:
StreamSource(camera.url, options={"rtsp_transport": "udp"})
"""

import base64
import contextlib
import re
import socket
import struct
import threading
from functools import partial
from io import BufferedIOBase

from live_camera import FPS, FRAMES, Film, LiveCamera, free_port

_CLOCK = 90_000
_LARGEST = 1400  # bytes of a part in one packet; what is larger goes in several
_TYPE = 96


class RTSPCamera(LiveCamera):
    """Serves everybody who connects, over TCP or UDP, as the viewer asks."""

    def __init__(self, film: Film) -> None:
        self.status = "200 OK"
        """The answer to everybody who wants to know what there is to see."""
        self.refuses = ""
        """The carrier, "tcp" or "udp", that it does not have."""
        self.carriers: list[str] = []
        """What the viewers have asked for."""
        self._units = film.units
        self._port = free_port()
        super().__init__()

    @property
    def url(self) -> str:  # noqa: D102 - as in the interface
        return f"rtsp://127.0.0.1:{self._port}/camera"

    def _appear(self) -> None:
        self._listen(self._port, self._talk)

    def _talk(self, viewer: socket.socket) -> None:
        writing, packets = threading.Lock(), _Packets()
        with contextlib.suppress(OSError), contextlib.closing(packets), viewer.makefile("rb") as incoming:
            while request := _request(incoming):
                method, headers = request
                status, answer, body = self._answer(method, headers, packets, viewer)
                text = [f"RTSP/1.0 {status}", f"CSeq: {headers.get('cseq', '0')}", *answer]
                if body:
                    text += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
                with writing:
                    viewer.sendall("\r\n".join([*text, "", body]).encode())
                if method == "PLAY":
                    self._run(partial(self._film, partial(self._send, packets, writing)))

    def _answer(
        self, method: str, headers: dict[str, str], packets: "_Packets", viewer: socket.socket
    ) -> tuple[str, list[str], str]:
        match method:
            case "OPTIONS":
                return "200 OK", ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"], ""
            case "DESCRIBE":
                return self.status, [], self._description() if self.status == "200 OK" else ""
            case "SETUP":
                wanted = headers["transport"]
                ports = re.search(r"client_port=(\d+)-", wanted)
                self.carriers.append("udp" if ports else "tcp")
                if self.carriers[-1] == self.refuses:
                    return "461 Unsupported Transport", [], ""
                packets.goes_to(viewer, int(ports[1]) if ports else None)
                own = f";server_port={packets.port}-{packets.port + 1}" if ports else ""
                return "200 OK", [f"Transport: {wanted}{own}", "Session: 1"], ""
            case _:
                return "200 OK", ["Session: 1"], ""

    def _description(self) -> str:
        sets = ",".join(base64.b64encode(unit).decode() for unit in self._units[0] if unit[0] & 0x1F in (7, 8))
        lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=camera", "t=0 0", f"m=video 0 RTP/AVP {_TYPE}"]
        lines += [f"a=rtpmap:{_TYPE} H264/{_CLOCK}", f"a=framerate:{FPS}", "a=control:track1"]
        lines.append(f"a=fmtp:{_TYPE} packetization-mode=1;sprop-parameter-sets={sets}")
        return "".join(f"{line}\r\n" for line in lines)

    def _send(self, packets: "_Packets", writing: threading.Lock, number: int) -> None:
        with writing:
            packets.send(self._units[number % FRAMES], number * _CLOCK // FPS)


def _request(incoming: BufferedIOBase) -> tuple[str, dict[str, str]] | None:
    """The next request and what it says; None where the viewer has hung up."""
    while (first := incoming.read(1)) == b"$":  # a report of the viewer's on what it receives
        incoming.read(int.from_bytes(incoming.read(3)[1:]))
    if not first:
        return None
    method = (first + incoming.readline()).decode().partition(" ")[0]
    headers = {}
    while line := incoming.readline().decode().strip():
        key, _, value = line.partition(":")
        headers[key.lower()] = value.strip()
    return method, headers


class _Packets:
    """The packets for one viewer: between the answers, over TCP, or to the port that it has named, over UDP."""

    def __init__(self) -> None:
        self.port = 0
        """From which they are sent, over UDP."""
        self._number = 0
        self._viewer: socket.socket | None = None
        self._udp: socket.socket | None = None

    def goes_to(self, viewer: socket.socket, port: int | None) -> None:
        """Says where to."""
        self._viewer = viewer
        if port is not None:
            self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._udp.connect(("127.0.0.1", port))
            self.port = self._udp.getsockname()[1]

    def close(self) -> None:
        """Gives back what it has."""
        if self._udp is not None:
            self._udp.close()

    def send(self, units: list[bytes], time: int) -> None:
        """Sends the parts of one picture."""
        for unit in units:
            parts = [unit] if len(unit) <= _LARGEST else _fragments(unit)
            for part in parts:
                last = unit is units[-1] and part is parts[-1]
                head = struct.pack(">BBHII", 0x80, last << 7 | _TYPE, self._number & 0xFFFF, time & 0xFFFF_FFFF, 1)
                self._number += 1
                self._out(head + part)

    def _out(self, packet: bytes) -> None:
        if self._udp is not None:
            with contextlib.suppress(ConnectionRefusedError):  # nobody listens there any more
                self._udp.send(packet)
        elif self._viewer is not None:
            self._viewer.sendall(b"$\0" + len(packet).to_bytes(2) + packet)


def _fragments(unit: bytes) -> list[bytes]:
    pieces = [unit[place : place + _LARGEST] for place in range(1, len(unit), _LARGEST)]
    heads = [unit[0] & 0x1F | (number == 0) << 7 | (number == len(pieces) - 1) << 6 for number in range(len(pieces))]
    return [bytes([unit[0] & 0xE0 | 28, head]) + piece for head, piece in zip(heads, pieces, strict=True)]

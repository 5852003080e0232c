"""The view's WebSocket, with a client of another make: pictures, figures, clock, and what a viewer may say."""

import json
import os
import socket
import time
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from billiards_video import State
from view_camera import HEIGHT, LEVELS, WIDTH, Camera, decoded, number_of
from view_server import ViewServer, eventually

pytest_plugins = ["view_fixtures"]


def watch(server: ViewServer, query: str = "", origin: Origin | None = None) -> ClientConnection:
    """A connected viewer."""
    address = f"ws://127.0.0.1:{server.port}/ws{query}"
    return connect(address, compression=None, max_queue=None, origin=origin)


def hear(viewer: ClientConnection, kind: str) -> dict[str, Any]:
    """The next message of that kind, whatever comes before it."""
    while True:
        message = viewer.recv(timeout=20)
        if isinstance(message, str) and (heard := json.loads(message))["type"] == kind:
            assert isinstance(heard, dict)
            return heard


def picture(viewer: ClientConnection) -> tuple[dict[str, Any], bytes]:
    """The next picture and what is said of it."""
    facts = hear(viewer, "frame")
    while not isinstance(jpeg := viewer.recv(timeout=20), bytes):
        pass  # figures may come between
    return facts, jpeg


def say(viewer: ClientConnection, kind: str, **values: object) -> None:
    """Sends a message."""
    viewer.send(json.dumps({"type": kind, **values}))


def test_pictures(server: ViewServer, camera: Camera) -> None:
    """Each JPEG follows what is known of it; serials and times rise."""
    assert camera.published
    with watch(server) as viewer:
        facts = []
        for _ in range(3):
            known, jpeg = picture(viewer)
            facts.append(known)
            assert decoded(jpeg).shape == (HEIGHT, WIDTH, 3)
            assert number_of(decoded(jpeg)) == known["number"] % LEVELS
            assert known["bytes"] == len(jpeg)
            assert known["captured_ms"] <= known["published_ms"] <= known["encoded_ms"] <= time.monotonic_ns() / 1e6
    for key in ("serial", "number", "captured_ms", "encoded_ms"):
        values = [known[key] for known in facts]
        assert values == sorted(set(values)), key


def test_a_wish_from_the_beginning_and_another_later(server: ViewServer, camera: Camera) -> None:
    """Size and quality stand in the address, and can be changed on the way."""
    assert camera.published
    with watch(server, "?width=80") as viewer:
        assert decoded(picture(viewer)[1]).shape[1] == 80
        say(viewer, "want", width=40, quality=50)
        assert eventually(lambda: decoded(picture(viewer)[1]).shape[1] == 40)
        say(viewer, "want", quality=101)
        assert hear(viewer, "refused")["detail"] == "quality is '101': a whole number from 1 to 100 is allowed"
        assert decoded(picture(viewer)[1]).shape[1] == 40


def test_a_wish_that_is_not_possible(server: ViewServer) -> None:
    """It is refused before the connection is a WebSocket."""
    with pytest.raises(InvalidStatus) as refused, watch(server, "?fps=0"):
        pass
    assert refused.value.response.status_code == 400
    assert b"fps is '0'" in refused.value.response.body


def test_acknowledgements(server: ViewServer, camera: Camera) -> None:
    """Who acknowledges gets no third picture before the first is, and then the newest one, not the next."""
    assert camera.published
    with watch(server) as viewer:
        last, _ = picture(viewer)
        say(viewer, "shown")
        while True:  # what was under way before the first acknowledgement arrived
            try:
                message = viewer.recv(timeout=0.3)
            except TimeoutError:
                break
            if isinstance(message, str) and json.loads(message)["type"] == "frame":
                last = json.loads(message)
        camera.wait_for(10)
        for _ in range(20):
            say(viewer, "shown")
        assert picture(viewer)[0]["number"] > last["number"] + 5


def test_a_viewer_that_does_not_read(segment_name: str) -> None:
    """It is dropped, and meanwhile another one gets the newest pictures."""
    with (
        ViewServer(segment_name, viewer_timeout=1) as server,
        Camera(segment_name, noise=(480, 360)) as camera,
        socket.socket() as stalled,
        watch(server) as reading,
    ):
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.connect(("127.0.0.1", server.port))
        stalled.sendall(
            b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )

        def active() -> int:
            first = camera.published
            assert picture(reading)[0]["missed"] < 50
            assert camera.published - first < 50
            count: int = server.get("/api/v1/stream/video/status").json["streaming"]["active_streams"]
            return count

        assert eventually(lambda: active() == 2)
        assert eventually(lambda: active() == 1, 20)


def test_pause_and_play(server: ViewServer, camera: Camera) -> None:
    """A paused viewer gets figures and no picture, and costs no encoding."""
    assert camera.published
    with watch(server) as viewer:
        picture(viewer)
        say(viewer, "pause")
        hear(viewer, "figures")
        encoded = server.metric("billiards_video_view_encode_seconds_count")
        camera.wait_for(10)
        assert server.metric("billiards_video_view_encode_seconds_count") == encoded
        say(viewer, "play")
        assert eventually(lambda: picture(viewer)[0]["number"] >= 10)


def test_clock(server: ViewServer) -> None:
    """The server's clock is answered at once, with the question."""
    with watch(server) as viewer:
        before = time.monotonic_ns() / 1e6
        say(viewer, "clock", asked=12.5)
        answer = hear(viewer, "clock")
        assert answer["asked"] == 12.5
        assert before <= answer["server_ms"] <= time.monotonic_ns() / 1e6


def test_figures(server: ViewServer) -> None:
    """Once a second a viewer hears what the stream does, who reads it, and what its source was told."""
    settings = [{"name": "fps", "asked": 60, "accepted": 50, "measured": 49.5, "note": ""}]
    status: dict[str, object] = {"source": "a camera", "fps": 49.5, "settings": settings, "frames_skipped": 2}
    with Camera(server.name, status=status) as camera, watch(server) as viewer:
        assert eventually(lambda: (hear(viewer, "figures")["stream"] or {}).get("readers"))
        figures = hear(viewer, "figures")
        assert (figures["name"], figures["mood"], figures["title"]) == (server.name, "live", "Live")
        assert (figures["source"], figures["settings"], figures["fps"]) == ("a camera", settings, 49.5)
        stream = figures["stream"]
        assert (stream["width"], stream["height"], stream["pid"]) == (WIDTH, HEIGHT, os.getpid())
        assert (stream["dropped"], stream["skipped"]) == (0, 2)
        assert [reader["name"] for reader in stream["readers"]] == ["view"]
        assert stream["readers"][0]["pid"] == server.pid
        camera.writer.set_state(State.STALLED, "the picture is frozen")
        assert eventually(lambda: hear(viewer, "figures")["title"] == "Stalled")
        assert hear(viewer, "figures")["reason"] == "The picture is frozen."


def test_before_there_is_a_stream(server: ViewServer) -> None:
    """A viewer may be first: it hears why there is no picture, and gets pictures as soon as there are some."""
    with watch(server) as viewer:
        assert eventually(lambda: hear(viewer, "figures")["mood"] == "broken")
        with Camera(server.name):
            assert decoded(picture(viewer)[1]).shape == (HEIGHT, WIDTH, 3)
        with Camera(server.name):
            assert picture(viewer)[0]["serial"]


def test_nonsense(server: ViewServer) -> None:
    """What is no message of ours ends that connection, with a word, and nothing else."""
    for nonsense in ("no JSON", "[]", '{"no": "type"}', "1"):
        with watch(server) as viewer:
            viewer.send(nonsense)
            with pytest.raises(ConnectionClosedError) as closed:
                hear(viewer, "nothing that the server says")
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 1003
    assert server.get("/healthz").status == 200


def test_a_page_of_another_host(server: ViewServer) -> None:
    """A browser's page from elsewhere may not watch; one of this host may, from any port, and so may programs."""
    with pytest.raises(InvalidStatus) as refused, watch(server, origin=Origin("http://example.org")):
        pass
    assert refused.value.response.status_code == 403
    with watch(server, origin=Origin("http://127.0.0.1:3000")) as viewer:
        assert hear(viewer, "figures")

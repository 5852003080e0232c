"""Who may look: this machine's users without ado, everybody else with the token."""

from collections.abc import Iterator

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from view_camera import Camera
from view_server import ViewServer

TOKEN = "open sesame"  # noqa: S105 - of this test alone
PATHS = ["/", "/view.js", "/snapshot.jpg", "/api/v1/stream/video", "/api/v1/stream/video/status", "/metrics", "/readyz"]


@pytest.fixture(scope="module")
def guarded() -> Iterator[ViewServer]:
    """A server with a token, of a stream that is not there."""
    with ViewServer("test-view-access", token=TOKEN) as server:
        yield server


def test_this_machine_alone(segment_name: str) -> None:
    """By default the server listens on 127.0.0.1, without a token, and prints where it is."""
    with ViewServer(segment_name) as server:
        assert server.url == f"http://127.0.0.1:{server.port}/"
        assert server.get("/").status == 200


def test_names_of_this_machine(segment_name: str) -> None:
    """An address, localhost or nothing but a name made to point here: only the last is refused."""
    with ViewServer(segment_name) as server:
        for host in ("localhost:1", "127.0.0.1", "[::1]:80", "view.localhost"):
            assert server.get("/", Host=host).status == 200, host
        for host in ("rebound.example.org", "127.0.0.1.example.org", "", "localhost.example"):
            assert server.get("/", Host=host).status == 421, host
            assert server.get("/healthz", Host=host).status == 200, host


@pytest.mark.parametrize("path", PATHS)
def test_no_token(guarded: ViewServer, path: str) -> None:
    """Without the token, or with another, nothing is to be had."""
    for given in ({}, {"Authorization": "Bearer closed"}, {"Cookie": "billiards_video=closed"}):
        answer = guarded.get(path, **given)
        assert answer.status == 401
        assert "token" in answer.json["detail"]
    assert guarded.get(f"{path}?token=closed").status == 401


def test_no_token_for_the_socket(guarded: ViewServer) -> None:
    """Nor by WebSocket."""
    with pytest.raises(InvalidStatus) as refused, connect(f"ws://127.0.0.1:{guarded.port}/ws"):
        pass
    assert refused.value.response.status_code == 401


def test_the_token(guarded: ViewServer) -> None:
    """It may stand in the address or in a header, whatever the host is called."""
    for answer in (
        guarded.get("/view.js?token=open%20sesame"),
        guarded.get("/view.js", Authorization=f"Bearer {TOKEN}"),
        guarded.get("/view.js", Authorization=f"Bearer {TOKEN}", Host="view.example.org"),
    ):
        assert answer.status == 200


def test_the_page_takes_the_token_out_of_the_address(guarded: ViewServer) -> None:
    """The page's first request gives a cookie that scripts cannot read, and goes on to an address without the token."""
    answer = guarded.get("/?token=open%20sesame")
    assert (answer.status, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    page = guarded.get("/", Cookie=cookie.split(";")[0])
    assert page.status == 200
    assert TOKEN not in page.text


def test_health_needs_none(guarded: ViewServer) -> None:
    """Whether the server lives is no secret."""
    assert guarded.get("/healthz").status == 200


def test_every_address_of_the_machine_needs_a_token(segment_name: str) -> None:
    """One is made and printed, so that nobody watches who was not told."""
    with ViewServer(segment_name, host="0.0.0.0") as server:  # noqa: S104 - that is what is under test
        token = server.url.partition("?token=")[2]
        assert len(token) >= 20
        assert server.get("/view.css").status == 401
        assert server.get(f"/view.css?token={token}").status == 200


def test_answers_say_how_they_may_be_used(segment_name: str) -> None:
    """Nothing from another host is loaded by the page, and no page of another site shows the pictures."""
    with ViewServer(segment_name) as server, Camera(segment_name):
        page, picture = server.get("/"), server.get("/snapshot.jpg")
    for answer in (page, picture):
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["cross-origin-resource-policy"] == "same-site"
        assert answer.headers["x-content-type-options"] == "nosniff"

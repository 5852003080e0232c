"""What clients of the view's routes get: pictures one by one and as a stream, and plain words where there are none."""

import contextlib
import itertools
import signal
import time

import pytest

from billiards_video import FrameFormat, SharedMemoryFrameWriter, State
from view_camera import HEIGHT, LEVELS, WIDTH, Camera, decoded, level, number_of
from view_server import Stream, ViewServer, eventually

pytest_plugins = ["view_fixtures"]

VIDEO = "/api/v1/stream/video"
FRAME = "/api/v1/stream/video/frame"
STATUS = "/api/v1/stream/video/status"
ENCODES = "billiards_video_view_encode_seconds_count"


@pytest.mark.parametrize("path", [FRAME, "/snapshot.jpg"])
def test_a_picture_is_the_newest_frame(server: ViewServer, camera: Camera, path: str) -> None:
    """One request gives the newest frame, as a JPEG that nobody keeps, with the frame's number beside it."""
    camera.wait_for(3)
    first = server.get(path)
    assert (first.status, first.headers["content-type"]) == (200, "image/jpeg")
    assert first.headers["cache-control"] == "no-store"
    picture = decoded(first.body)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert number_of(picture) == int(first.headers["x-frame-number"]) % LEVELS
    camera.wait_for(20)
    before = camera.published
    assert int(server.get(path).headers["x-frame-number"]) >= before - 2


def test_a_picture_of_a_stream_that_stands_still(server: ViewServer) -> None:
    """The newest frame is shown as often as it is asked for, in any size, though nothing new comes."""
    with SharedMemoryFrameWriter(server.name, WIDTH, HEIGHT) as writer:
        with writer.loan() as slot:
            assert slot
            slot.array[:] = level(3)
            slot.publish()
        for query, width in (("", WIDTH), ("", WIDTH), ("?width=80", 80), ("?quality=95", WIDTH)):
            picture = decoded(server.get(FRAME + query).body)
            assert (picture.shape[1], number_of(picture)) == (width, 3)


@pytest.mark.parametrize(
    ("query", "size"),
    [
        pytest.param("?width=80", (80, 60), id="width"),
        pytest.param("?height=30", (40, 30), id="height"),
        pytest.param("?width=80&height=30", (40, 30), id="both: it fits into them"),
        pytest.param("?width=4000", (WIDTH, HEIGHT), id="never enlarged"),
    ],
)
def test_size(server: ViewServer, camera: Camera, query: str, size: tuple[int, int]) -> None:
    """Width and height are the most that is wanted; the picture keeps its aspect ratio."""
    assert camera.published
    height, width, _ = decoded(server.get(FRAME + query).body).shape
    assert (width, height) == size


def test_quality(server: ViewServer) -> None:
    """A lower quality is a smaller file."""
    with Camera(server.name, noise=(WIDTH, HEIGHT)):
        sizes = [len(server.get(f"{FRAME}?quality={quality}").body) for quality in (10, 80, 95)]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("path", [VIDEO, FRAME])
@pytest.mark.parametrize(
    ("query", "allowed"),
    [
        pytest.param("quality=0", "quality is '0': a whole number from 1 to 100 is allowed", id="quality"),
        pytest.param("fps=241", "fps is '241': a whole number from 1 to 240 is allowed", id="fps"),
        pytest.param("width=15", "width is '15': a whole number from 16 to 16384 is allowed", id="width"),
        pytest.param("height=high", "height is 'high': a whole number from 16 to 16384 is allowed", id="height"),
    ],
)
def test_a_value_out_of_range(server: ViewServer, path: str, query: str, allowed: str) -> None:
    """It is refused with what is allowed, before the first byte of a stream, whether there is a stream or not."""
    answer = server.get(f"{path}?{query}")
    assert (answer.status, answer.json) == (400, {"detail": allowed})


@pytest.mark.parametrize("path", [VIDEO, FRAME])
def test_no_capture_process(server: ViewServer, path: str) -> None:
    """Without a stream there is an error before the first byte, which says how to start one."""
    assert eventually(lambda: not server.get(STATUS).json["camera"]["connected"])  # an earlier test's
    answer = server.get(path)
    assert answer.status == 503
    assert "billiards-video run" in answer.json["detail"]


def test_a_capture_process_that_has_ended(server: ViewServer) -> None:
    """What it was is no stream any more."""
    with Camera(server.name) as camera:
        assert server.get(FRAME).status == 200
        camera.hold()
    assert eventually(lambda: server.get(FRAME).status == 503)


def test_stream(server: ViewServer, camera: Camera) -> None:
    """Parts of one JPEG each, ever newer."""
    assert camera.published
    with Stream(server) as stream:
        response = stream.begin()
        assert (response.status, response.headers["content-type"]) == (
            200,
            "multipart/x-mixed-replace; boundary=frame",
        )
        numbers = []
        for _ in range(4):
            headers, body = stream.part()
            assert headers == {"Content-Type": "image/jpeg", "Content-Length": str(len(body))}
            numbers.append(number_of(decoded(body)))
    assert all(a != b for a, b in itertools.pairwise(numbers))


def test_the_head_of_a_stream_alone(server: ViewServer, camera: Camera) -> None:
    """It is answered, and whoever asked for it is no viewer."""
    assert camera.published
    connection = server.connect()
    with contextlib.closing(connection):
        connection.request("HEAD", VIDEO)
        response = connection.getresponse()
        assert response.status == 200
        assert response.headers["content-type"] == "multipart/x-mixed-replace; boundary=frame"
        assert eventually(lambda: server.get(STATUS).json["streaming"]["active_streams"] == 0)


@pytest.mark.parametrize("frame_format", list(FrameFormat), ids=lambda one: one.name)
def test_formats(server: ViewServer, frame_format: FrameFormat) -> None:
    """Colours are what they are in the frame, whatever its format; gray stays gray."""
    blue = {"RGB24": (0, 0, 200), "BGR24": (200, 0, 0), "RGBA32": (0, 0, 200, 7), "BGRA32": (200, 0, 0, 7)}
    with SharedMemoryFrameWriter(server.name, WIDTH, HEIGHT, frame_format) as writer:
        with writer.loan() as slot:
            assert slot
            slot.array[:] = blue.get(frame_format.name, 90)
            slot.publish()
        for query in ("", "?width=80", "?quality=95"):
            b, g, r = decoded(server.get(FRAME + query).body).mean(axis=(0, 1))
            expected = (90, 90, 90) if frame_format == FrameFormat.GRAY8 else (200, 0, 0)
            assert max(abs(b - expected[0]), abs(g - expected[1]), abs(r - expected[2])) < 4, query


def test_stream_rate(server: ViewServer, camera: Camera) -> None:
    """No more pictures a second are sent than are wanted, and hardly fewer."""
    began, first = time.monotonic(), camera.published
    with Stream(server, "?fps=10") as stream:
        stream.begin()
        for _ in range(6):
            stream.part()
        assert time.monotonic() - began > 0.4
        assert camera.published - first > 10


def test_stream_over_a_restart(server: ViewServer) -> None:
    """A viewer stays connected while the capture process is gone, and sees its successor, of another size."""
    with contextlib.ExitStack() as first:
        first.enter_context(Camera(server.name))  # before the viewer asks
        with Stream(server) as stream:
            stream.begin()
            stream.part()
            first.close()
            with Camera(server.name, noise=(64, 48)):
                assert eventually(lambda: decoded(stream.part()[1]).shape[:2] == (48, 64))


def test_viewers_share_an_encoding(server: ViewServer, camera: Camera) -> None:
    """A frame is encoded once for all viewers who want it in the same way."""
    parts = 12
    with contextlib.ExitStack() as open_viewers:
        viewers = [open_viewers.enter_context(Stream(server)) for _ in range(8)]
        for viewer in viewers:
            viewer.begin()
        first = camera.published
        encoded = server.metric(ENCODES)
        for _ in range(parts):
            for viewer in viewers:
                viewer.part()
        spent = server.metric(ENCODES) - encoded
        assert spent <= camera.published - first + 1
        assert eventually(lambda: server.get(STATUS).json["streaming"]["active_streams"] == len(viewers))
        assert server.get(STATUS).json["streaming"]["total_frames_served"] >= parts * len(viewers)
    assert eventually(lambda: server.get(STATUS).json["streaming"]["active_streams"] == 0)


def test_nothing_is_encoded_or_held_without_a_viewer(server: ViewServer, camera: Camera) -> None:
    """When the last viewer has gone, frames are neither read nor encoded."""
    with Stream(server) as stream:
        stream.begin()
        stream.part()
        assert eventually(lambda: len(camera.writer.readers()) == 1)  # and no longer on the stream of an earlier test
    assert eventually(lambda: server.get(STATUS).json["streaming"]["active_streams"] == 0)
    camera.wait_for(5)  # it may have been waiting for a frame still
    (view,) = camera.writer.readers()
    encoded = server.metric(ENCODES)
    camera.wait_for(10)
    (later,) = camera.writer.readers()
    assert server.metric(ENCODES) == encoded
    assert (later.frames_read, later.held) == (view.frames_read, 0)


def test_a_viewer_that_does_not_read(segment_name: str) -> None:
    """It delays nobody, costs no encoding of its own, and its connection is given up."""
    with (
        ViewServer(segment_name, viewer_timeout=1) as server,
        Camera(segment_name, noise=(480, 360)) as camera,
        Stream(server, "?quality=95", receive_bytes=4096),
        Stream(server, "?quality=90") as reading,
    ):
        reading.begin()

        def active() -> int:
            reading.part()
            count: int = server.get(STATUS).json["streaming"]["active_streams"]
            return count

        assert eventually(lambda: active() == 2)
        assert eventually(lambda: active() == 1)
        first = camera.published
        for _ in range(5):
            reading.part()
        assert camera.published - first < 50


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ends_with_viewers(segment_name: str, number: signal.Signals) -> None:
    """A signal ends it at once and without a complaint, though one viewer is reading and another is not."""
    with (
        ViewServer(segment_name) as server,
        Camera(segment_name, noise=(480, 360)),
        Stream(server) as reading,
        Stream(server, receive_bytes=4096) as stalled,
    ):
        reading.begin()
        reading.part()
        stalled.begin()
        code, said, seconds = server.end(number)
    assert (code, said) == (0, "")
    assert seconds < 5


def test_status(server: ViewServer) -> None:
    """The status route has the keys that its clients know, with what the capture process tells."""
    told: dict[str, object] = {
        "source": "a camera",
        "fps": 49.5,
        "nominal_fps": 50,
        "errors": 2,
        "last_error": "once",
        "uptime_sec": 7.5,
    }
    with Camera(server.name, status=told) as camera:
        camera.writer.count_captured(9)
        camera.writer.count_dropped(4)
        assert eventually(lambda: server.get(STATUS).json["camera"]["health"]["frames_dropped"] == 4)
        status = server.get(STATUS).json
    assert status["camera"]["status"] == "live"
    assert status["camera"]["connected"] is True
    assert status["camera"]["info"] == {
        "source": "a camera",
        "width": WIDTH,
        "height": HEIGHT,
        "format": "BGR24",
        "nominal_fps": 50,
        "reason": "",
        "remedy": "",
    }
    health = status["camera"]["health"]
    assert health.pop("frames_captured") >= 9
    assert health == {
        "frames_dropped": 4,
        "fps": 49.5,
        "error_count": 2,
        "last_error": "once",
        "uptime": 7.5,
    }
    assert set(status["streaming"]) == {
        "active_streams",
        "total_frames_served",
        "avg_fps",
        "uptime",
        "last_frame_time",
    }
    assert status["timestamp"].startswith("20")


def test_status_without_a_stream(server: ViewServer) -> None:
    """It answers all the same: that nothing is there, and what to do."""
    assert eventually(lambda: server.get(STATUS).json["camera"]["status"] == "not running")
    camera = server.get(STATUS).json["camera"]
    assert camera["connected"] is False
    assert "billiards-video run" in camera["info"]["reason"] + camera["info"]["remedy"]


def test_health_and_readiness(server: ViewServer) -> None:
    """The server lives whatever the stream does; it is ready while frames are fresh, and says why it is not."""
    assert server.get("/healthz").text == "ok\n"
    assert server.get("/readyz").status == 503
    with Camera(server.name, status={"nominal_fps": 50}) as camera:
        assert eventually(lambda: server.get("/readyz").status == 200)
        camera.writer.set_state(State.STALLED, "the picture is frozen")
        assert eventually(lambda: server.get("/readyz").status == 503)
        assert "frozen" in server.get("/readyz").text
        camera.writer.set_state(State.LIVE)
        assert eventually(lambda: server.get("/readyz").status == 200)
        camera.hold()
        assert eventually(lambda: "old" in server.get("/readyz").text)
    assert server.get("/healthz").status == 200


def test_an_address_that_is_taken(server: ViewServer) -> None:
    """Another server's address is refused in one line, with the way out."""
    with ViewServer(server.name, port=server.port) as second:
        code, said = second.wait()
    assert code == 1
    assert said.count("\n") == 1
    assert f"port {server.port}" in said
    assert "--port" in said


@pytest.mark.parametrize(("name", "port"), [("no/name", 0), ("name", 65536)])
def test_what_cannot_be(name: str, port: int) -> None:
    """A name or a port that is none is refused in one line."""
    with ViewServer(name, port=port) as server:
        code, said = server.wait()
    assert (code, said.count("\n")) == (2, 1)
    assert said.startswith("billiards-video: error: ")

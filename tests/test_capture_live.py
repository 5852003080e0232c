"""Streams of H.264 in real time: RTSP over TCP and UDP, MPEG-TS over TCP and UDP, from cameras made by the test."""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from billiards_video import State
from billiards_video.capture import SourceError
from billiards_video.capture.stream import StreamSource
from capture_process import CaptureProcess, reader_of, write_config
from live_camera import SIZE, Film, LiveCamera, TSCamera
from make_video import number_in
from rtsp_camera import RTSPCamera

QUICK = {"analyzeduration": "300000", "fpsprobesize": "0"}
UDP = {"rtsp_transport": "udp"}
WAYS = ["rtsp, tcp", "rtsp, udp", "ts, tcp", "ts, udp"]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    """What all cameras show."""
    return Film(tmp_path_factory.mktemp("film"))


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """What is spoken, and over what."""
    return str(request.param)


@pytest.fixture
def camera(film: Film, way: str) -> Iterator[LiveCamera]:
    """A camera that speaks so."""
    with RTSPCamera(film) if way.startswith("rtsp") else TSCamera(film, "tcp" if "tcp" in way else "udp") as camera:
        yield camera


@pytest.fixture
def rtsp(film: Film) -> Iterator[RTSPCamera]:
    """A camera that speaks RTSP."""
    with RTSPCamera(film) as camera:
        yield camera


@pytest.fixture
def source(camera: LiveCamera, way: str) -> Iterator[StreamSource]:
    """A source on it, to be opened."""
    source = StreamSource(camera.url, open_timeout=5, read_timeout=1, options=QUICK | options_for(way))
    yield source
    source.close()


def options_for(way: str) -> dict[str, str]:
    """What says so to FFmpeg."""
    return UDP if way == "rtsp, udp" else {}


def watch(source: StreamSource, camera: LiveCamera, frames: int = 30) -> tuple[list[int], list[int]]:
    """The numbers of some frames, and how many the camera had sent after each when it was given out."""
    out = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    numbers, behind = [], []
    for _ in range(frames):
        source.grab()
        sent = camera.number
        assert source.retrieve(out) is out
        numbers.append(number_in(out))
        behind.append(sent - numbers[-1])
    return numbers, behind


def loss(source: StreamSource) -> tuple[str, float]:
    """The words with which it is lost, and after how many seconds."""
    began = time.monotonic()
    try:
        while time.monotonic() - began < 30:
            source.grab()
    except SourceError as error:
        return str(error), time.monotonic() - began
    return "not lost", 30.0


def test_frames_come_in_order_and_new(camera: LiveCamera, way: str) -> None:
    """Each frame is the next one, and a new one, from the first on: what opening has read is passed over."""
    source = StreamSource(camera.url, read_timeout=5, options=options_for(way))
    facts = source.open()
    assert (facts.width, facts.height) == SIZE
    numbers, behind = watch(source, camera)
    source.close()
    assert numbers == sorted(set(numbers))
    assert statistics.median(behind[:5]) <= 12  # FFmpeg begins with some 25
    assert statistics.median(behind) <= 6


def test_a_frozen_camera_is_given_up_after_one_time_out(camera: LiveCamera, source: StreamSource) -> None:
    """What is not sent any more is waited for once; when it comes again, the source can be opened again."""
    source.open()
    watch(source, camera, 3)
    camera.freeze()
    text, took = loss(source)
    assert "nothing came for 1 s" in text
    assert 0.9 < took < 1.9
    source.close()
    camera.thaw()
    source.open()
    watch(source, camera, 3)


def test_a_dead_camera_is_noticed_and_found_again(camera: LiveCamera, source: StreamSource, way: str) -> None:
    """A camera that is gone is lost, at once where there was a connection; when it is back, it is found."""
    source.open()
    watch(source, camera, 3)
    camera.die()
    text, took = loss(source)
    assert ("nothing came for 1 s" if way == "ts, udp" else "ended by the server") in text
    assert took < 1.9
    source.close()
    with pytest.raises(SourceError, match="cannot be opened"):
        StreamSource(camera.url, open_timeout=1).open()
    camera.come_back()
    source.open()
    watch(source, camera, 3)


@pytest.mark.parametrize(
    ("options", "refused", "carriers"),
    [({}, "", ["tcp"]), (UDP, "", ["udp"]), ({}, "tcp", ["tcp", "udp"]), ({"rtsp_transport": "tcp"}, "", ["tcp"])],
)
def test_rtsp_is_carried_as_it_is_asked_for(
    rtsp: RTSPCamera, options: dict[str, str], refused: str, carriers: list[str]
) -> None:
    """Over TCP, or UDP where the camera refuses that, unless one of both was asked for."""
    rtsp.refuses = refused
    source = StreamSource(rtsp.url, open_timeout=5, read_timeout=5, options=QUICK | options)
    source.open()
    watch(source, rtsp, 3)
    source.close()
    assert rtsp.carriers == carriers


@pytest.mark.parametrize("status", ["401 Unauthorized", "404 Not Found", "503 Service Unavailable"])
def test_an_rtsp_camera_that_refuses_is_an_error(rtsp: RTSPCamera, status: str) -> None:
    """A camera that answers with an error cannot be opened, which is found out at once."""
    rtsp.status = status
    began = time.monotonic()
    with pytest.raises(SourceError, match="cannot be opened"):
        StreamSource(rtsp.url, open_timeout=8).open()
    assert time.monotonic() - began < 3


def test_each_further_decoder_thread_holds_a_frame_back(rtsp: RTSPCamera) -> None:
    """Which is why one decodes, as long as it keeps pace."""
    behind = {}
    for threads in (None, 1, 4):
        source = StreamSource(rtsp.url, open_timeout=5, read_timeout=5, threads=threads, options=QUICK)
        source.open()
        behind[threads] = min(watch(source, rtsp)[1])  # a busy machine only adds to it
        source.close()
    assert behind[None] <= behind[1] + 0.5
    assert behind[4] >= behind[1] + 2


def test_readers_see_a_camera_die_and_return(rtsp: RTSPCamera, tmp_path: Path, segment_name: str) -> None:
    """RECONNECTING as soon as it is gone; when it is back, frames go on in the same segment, the first one marked."""
    camera = {"device_id": rtsp.url, "stream_options": QUICK, "reconnect_delay": 0.2}
    with (
        CaptureProcess(write_config(tmp_path, segment_name, camera)) as process,
        reader_of(segment_name) as reader,
    ):
        before, epoch = reader.lease(timeout=10).metadata.frame_number, reader.epoch
        rtsp.die()
        process.wait_for("ended by the server")
        deadline = time.monotonic() + 20
        while reader.state[0] is not State.RECONNECTING:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        first = reader.counters.captured  # none is, while it is gone
        rtsp.come_back()
        while (metadata := reader.lease(timeout=20).metadata).frame_number < first:
            assert time.monotonic() < deadline
        assert metadata.discontinuity or metadata.frame_number > first  # a busy machine may miss the first one
        assert first > before
        assert reader.epoch == epoch
        assert process.stop()[0] == 0

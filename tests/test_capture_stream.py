"""Streams: an HTTP camera made by the test, which works, lies, sends garbage, freezes, dies, or is not there."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt
import pytest

import http_camera
from billiards_video.capture import SourceError
from billiards_video.capture.live_pace import Load
from billiards_video.capture.selection import source_for
from billiards_video.capture.settings import table, with_rate
from billiards_video.capture.stream import StreamSource
from billiards_video.config import CameraConfig
from http_camera import HTTPCamera, number_in
from live_camera import free_port

Pixels = npt.NDArray[np.uint8]
PROXIES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


@pytest.fixture
def camera() -> Iterator[HTTPCamera]:
    """A camera that sends until the test is over, at the rate that FFmpeg takes every MJPEG stream to have."""
    with HTTPCamera(fps=25) as camera:
        yield camera


@pytest.fixture
def source(camera: HTTPCamera) -> Iterator[StreamSource]:
    """A source on it, to be opened."""
    source = StreamSource(camera.url, open_timeout=5, read_timeout=1)
    yield source
    source.close()


def take(source: StreamSource, shape: tuple[int, int, int] = (48, 64, 3)) -> int:
    """The number in the next frame."""
    source.grab()
    out = np.zeros(shape, np.uint8)
    assert source.retrieve(out) is out
    return number_in(out)


def grab_for_ever(source: StreamSource) -> None:
    """Grabs until the source is lost, or half a minute has passed."""
    began = time.monotonic()
    while time.monotonic() - began < 30:
        source.grab()


def loss(source: StreamSource) -> tuple[str, float]:
    """Grabs until the source is lost; gives the words, and how many seconds after the call."""
    began = time.monotonic()
    with pytest.raises(SourceError) as caught:
        grab_for_ever(source)
    assert "\n" not in str(caught.value)
    return str(caught.value), time.monotonic() - began


def test_frames_come_into_the_array_given(source: StreamSource) -> None:
    """A stream's frames are converted into the caller's array, in order, in their true size; a gap is marked as one."""
    facts = source.open()
    assert (facts.width, facts.height) == (64, 48)
    out = np.zeros((48, 64, 3), np.uint8)
    seen = []
    for _ in range(20):
        marked = source.grab().discontinuity
        assert source.retrieve(out) is out
        seen.append((number_in(out), marked))
    assert all(after == (before + 1) % 50 or marked for (before, _), (after, marked) in pairwise(seen))
    assert sum(marked for _, marked in seen) <= 3  # more than none only where this machine stood still


def test_a_stream_that_ends_is_lost_and_can_be_opened_again(camera: HTTPCamera) -> None:
    """When the server hangs up, grab says so at once; after that the same source opens anew and gives frames."""
    camera.frames = 30
    source = StreamSource(camera.url, read_timeout=8)
    source.open()
    text, took = loss(source)
    assert "ended by the server" in text
    assert took < 6
    source.close()
    source.open()
    take(source)
    source.close()


def test_a_frozen_stream_is_given_up_after_one_time_out(camera: HTTPCamera, source: StreamSource) -> None:
    """A camera that says nothing more is given up when the read time-out is over, once and not three times."""
    source.open()
    take(source)
    camera.freeze()
    text, took = loss(source)
    assert "nothing came for 1 s" in text
    assert 0.9 < took < 1.9


def test_a_dead_camera_is_noticed_and_found_again(camera: HTTPCamera, source: StreamSource) -> None:
    """A camera that loses its power is lost; while it is away it cannot be opened; when it is back, it can."""
    source.open()
    take(source)
    camera.die()
    loss(source)
    source.close()
    with pytest.raises(SourceError, match="cannot be opened"):
        source.open()
    camera.come_back()
    facts = source.open()
    assert (facts.width, facts.height) == (64, 48)
    take(source)


def test_a_camera_may_come_back_with_another_size(camera: HTTPCamera, source: StreamSource) -> None:
    """What was true of a source is learned anew whenever it is opened."""
    source.open()
    source.close()
    camera.width, camera.height = 160, 120
    facts = source.open()
    assert (facts.width, facts.height) == (160, 120)
    take(source, (120, 160, 3))


def test_another_size_without_an_end_is_scaled(camera: HTTPCamera, source: StreamSource) -> None:
    """OpenCV keeps to the size it began with; frames go on, in that."""
    source.open()
    take(source)
    camera.width, camera.height, changed = 128, 96, camera.number
    numbers = [take(source) for _ in range(10)]
    assert 0 < (numbers[-1] - changed) % 50 <= camera.number - changed


def test_torn_jpegs_are_shown(camera: HTTPCamera, source: StreamSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """A known limit: FFmpeg conceals what is missing, and says nothing of it through OpenCV."""
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    picture = cv2.imencode(".jpg", noise)[1].tobytes()  # the half of it is more than headers
    monkeypatch.setattr(http_camera, "_jpeg", lambda *_arguments: picture)
    camera.torn_every = 2
    source.open()
    shown = []
    for _ in range(10):
        out = np.zeros_like(noise)
        source.grab()
        assert source.retrieve(out) is out
        shown.append(out.tobytes())
    assert len(set(shown)) == 2  # the whole one and the torn one


def test_garbage_among_the_frames_is_passed_over(camera: HTTPCamera, source: StreamSource) -> None:
    """Bytes that are no picture cost that frame: it is counted, the next one is marked, and the stream goes on."""
    camera.garbage_every = 5
    source.open()
    marked = 0
    for _ in range(40):
        marked += source.grab().discontinuity
    assert marked >= 7
    assert source.skipped >= 7


def test_nothing_but_garbage_is_a_loss(camera: HTTPCamera, source: StreamSource) -> None:
    """A camera from which no picture comes any more, though bytes do, is lost after the read time-out."""
    source.open()
    take(source)
    camera.garbage_every = 1
    _, took = loss(source)
    assert took < 4


def test_the_rate_is_measured(camera: HTTPCamera, source: StreamSource) -> None:
    """FFmpeg's guess of 25 is not taken for the camera's word: the table of settings has what was measured alone."""
    camera.fps = 50
    facts = source.open()
    deadline = time.monotonic() + 10
    while not (measured := source.measured_fps) and time.monotonic() < deadline:
        source.grab()
    now = time.monotonic()
    sent = sum(moment > now - 2 for moment in camera.sent_at.values()) / 2
    assert measured == pytest.approx(sent, rel=0.25)
    assert facts.fps is None
    lines = table(with_rate(facts.settings, measured))
    assert next(line.split() for line in lines if line.startswith("fps"))[:4] == ["fps", "-", "-", f"{measured:.4g}"]


def test_what_waited_during_a_pause_is_passed_over(camera: HTTPCamera, source: StreamSource) -> None:
    """After this process stood still, the next frame given out is one that is new, and what was left out is counted."""
    source.open()
    take(source)
    before = camera.number
    threading.Event().wait(1.0)  # the pause itself
    after = camera.number
    grabbed = source.grab()
    out = np.zeros((48, 64, 3), np.uint8)
    assert source.retrieve(out) is out
    assert (number_in(out) - after + 5) % 50 < 15
    assert grabbed.discontinuity
    assert source.skipped >= (after - before) // 2


def test_the_read_time_out_is_the_stream_s(source: StreamSource) -> None:
    """Opening and reading have limits of their own, given with the source, and not OpenCV's 30 s."""
    with HTTPCamera() as camera:
        camera.silent = True
        slow = StreamSource(camera.url, open_timeout=0.5, read_timeout=5)
        began = time.monotonic()
        with pytest.raises(SourceError, match=r"cannot be opened .* limit is 0\.5 s"):
            slow.open()
        assert 0.4 < time.monotonic() - began < 3
    source.open()


def test_one_thread_decodes_unless_it_is_too_slow(source: StreamSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """A live stream is decoded by one thread, since each further one delays it by a frame, and by more when it must."""
    threads = {row.name: row for row in source.open().settings}["decoder_threads"]
    assert (threads.asked, threads.accepted) == ("auto", "1")
    take(source)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    answers = iter([True])
    monkeypatch.setattr(Load, "is_too_much", lambda *_: next(answers, False))
    assert source.grab().discontinuity
    take(source)
    threads = {row.name: row for row in source.open().settings}["decoder_threads"]
    assert threads.accepted == "2"


def test_threads_that_were_asked_for_stay(camera: HTTPCamera, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sets the number of decoder threads has the last word."""
    monkeypatch.setattr(Load, "is_too_much", lambda *_: True)
    source = source_for(CameraConfig(device_id=camera.url, decoder_threads=3))
    threads = {row.name: row for row in source.open().settings}["decoder_threads"]
    source.grab()
    source.grab()
    assert camera.connections == 1  # it was not opened again
    source.close()
    assert (threads.asked, threads.accepted) == ("3", "3")


@pytest.mark.parametrize("status", [401, 404, 503])
def test_a_refusal_is_an_error(camera: HTTPCamera, source: StreamSource, status: int) -> None:
    """A camera that answers with an error cannot be opened, which is found out at once."""
    camera.status = status
    began = time.monotonic()
    with pytest.raises(SourceError, match="cannot be opened"):
        source.open()
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("host", ["no-such-camera.invalid", "camera..lan"])
def test_a_host_that_is_not_known_is_said_so(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake in the name is told from a camera that does not answer, without user and password."""
    for proxy in PROXIES:
        monkeypatch.delenv(proxy, raising=False)
    with pytest.raises(SourceError) as caught:
        StreamSource(f"http://me:secret@{host}/cam", open_timeout=20).open()
    text = str(caught.value)
    assert text.startswith(f"stream http://{host}/cam cannot be opened: its host '{host}' is not known here (")
    assert "secret" not in text


@pytest.mark.parametrize("proxy", PROXIES)
def test_a_host_that_a_proxy_may_know_is_not_doubted(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a proxy is set, it is the proxy that asks for the host: what is known here decides nothing."""
    monkeypatch.setenv(proxy, f"http://127.0.0.1:{free_port()}")
    with pytest.raises(SourceError, match=r"cannot be opened \(gave up after"):
        StreamSource("http://no-such-camera.invalid/cam", open_timeout=20).open()


@pytest.mark.parametrize("host", ["[fe80::1%25no-such-card]", "no-such%2Dcamera.invalid"])
def test_a_host_in_another_spelling_is_not_doubted(host: str) -> None:
    """What has a percent sign is no name to look up as it stands: a zone of IPv6, or a character that is encoded."""
    with pytest.raises(SourceError, match=r"cannot be opened \(gave up after"):
        StreamSource(f"http://{host}/cam", open_timeout=20).open()


@pytest.mark.parametrize("where", ["127.0.0.1", "localhost"])
def test_a_host_that_is_known_is_not_doubted(where: str) -> None:
    """Where nobody answers at an address that there is, the words are about the camera."""
    with pytest.raises(SourceError, match=r"cannot be opened \(gave up after") as caught:
        StreamSource(f"http://{where}:{free_port()}/cam", open_timeout=5).open()
    assert "is not known here" not in str(caught.value)


def test_a_name_service_that_does_not_answer_costs_no_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look-up has what is left of the time for opening, and no more; then the words are the usual ones."""
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: answered.wait())
    began = time.monotonic()
    with pytest.raises(SourceError, match=r"cannot be opened \(gave up after"):
        StreamSource(f"http://localhost:{free_port()}/cam", open_timeout=0.3).open()
    took = time.monotonic() - began
    answered.set()
    assert 0.2 < took < 3


@pytest.mark.parametrize(
    "url",
    [
        "http://me:secret@127.0.0.1:{}/cam",
        "http://me:sec/secret@127.0.0.1:{}/cam",
        "http://127.0.0.1:{}/cam?user=me&password=secret",
        "rtsp://me:p@secret@127.0.0.1:{}/cam",
    ],
)
def test_the_password_is_not_shown(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The words for a stream that cannot be reached have its address and not its password, and are all there is."""
    port = free_port()
    with pytest.raises(SourceError) as caught:
        StreamSource(url.format(port), open_timeout=2).open()
    assert f"127.0.0.1:{port}/cam" in str(caught.value)
    assert "secret" not in str(caught.value)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")

"""Streams: an HTTP camera made by the test, which works, lies, sends garbage, freezes, dies, or is not there."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt
import pytest

import http_camera
from billiards_video.capture import SourceError, live_pace, stream
from billiards_video.capture.ffmpeg_options import VARIABLE, in_force
from billiards_video.capture.live_pace import Backlog, Load, Stopwatch
from billiards_video.capture.selection import source_for
from billiards_video.capture.settings import table, with_rate
from billiards_video.capture.stream import StreamSource
from billiards_video.config import CameraConfig
from http_camera import HTTPCamera, closed_port, number_in

Pixels = npt.NDArray[np.uint8]


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
    assert changed < numbers[-1] <= camera.number


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


def test_options_reach_ffmpeg_and_do_not_stay(camera: HTTPCamera) -> None:
    """What the configuration sets for a stream is in force while it is opened, and not for what is opened after it."""
    before = os.environ[VARIABLE]
    chosen = source_for(CameraConfig(device_id=camera.url, stream_options={"user_agent": "table 5"}))
    chosen.open()
    chosen.close()
    assert camera.agent == "table 5"
    assert os.environ[VARIABLE] == before
    other = StreamSource(camera.url)
    other.open()
    other.close()
    assert camera.agent != "table 5"


def test_rtsp_goes_over_tcp_first_unless_it_is_said_otherwise() -> None:
    """To set other options does not undo what OpenCV does without any; to name a transport does."""
    with in_force({"fflags": "nobuffer"}):
        assert os.environ[VARIABLE] == "rtsp_flags;prefer_tcp|fflags;nobuffer"
    with in_force({"rtsp_transport": "udp"}):
        assert os.environ[VARIABLE] == "rtsp_transport;udp"


def test_the_user_s_own_options_win(camera: HTTPCamera) -> None:
    """The variable that OpenCV knows goes before the configuration, option by option."""
    code = (
        "from billiards_video.capture.stream import StreamSource as S;"
        f"s = S({camera.url!r}, options={{'user_agent': 'configured', 'seekable': '0'}}); s.open(); s.close()"
    )
    environment = {**os.environ, VARIABLE: "user_agent;from outside"}
    subprocess.run([sys.executable, "-W", "error", "-c", code], env=environment, check=True, timeout=30)
    assert camera.agent == "from outside"


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
    assert not source.grab().discontinuity
    source.close()
    assert (threads.asked, threads.accepted) == ("3", "3")


class FakeTime:
    """A clock and a worker's time sheet that stand where they are put."""

    def __init__(self) -> None:
        self.now = 100.0
        self.worked = 10.0

    def monotonic(self) -> float:
        """Seconds that have passed."""
        return self.now

    def thread_time(self) -> float:
        """Seconds that were worked."""
        return self.worked

    def monotonic_ns(self) -> int:
        """The same in nanoseconds."""
        return round(self.now * 1e9)

    def passes(self, seconds: float, *, work: float = 0.0) -> bool:
        """Moves both."""
        self.now += seconds
        self.worked += work
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    """The time that the module under test has."""
    clock = FakeTime()
    monkeypatch.setattr(live_pace, "time", clock)
    return clock


def test_a_call_that_works_is_told_from_one_that_waits(clock: FakeTime) -> None:
    """A frame that takes long to decode was there; one for which nothing was done was not."""
    stopwatch = Stopwatch(0.04)
    worked = stopwatch.time(lambda: clock.passes(0.03, work=0.03))
    waited = stopwatch.time(lambda: clock.passes(0.03, work=0.01))
    assert (worked.waited, waited.waited) == (False, True)
    assert worked.done
    assert worked.seconds == pytest.approx(0.03)


def test_only_what_waited_is_old(clock: FakeTime) -> None:
    """After a pause, frames that come at once are old, for as much of the stream as the pause was, and no more."""
    backlog = Backlog(0.04)

    def old(seconds: float, *, waited: bool) -> bool:
        clock.passes(seconds)
        return backlog.is_old(waited=waited, lasts=0.04)

    assert [old(0.04, waited=True) for _ in range(5)] == [False] * 5
    assert [old(0.001, waited=False) for _ in range(5)] == [False] * 5  # a burst: the network's affair
    assert old(0.5, waited=False)
    assert [old(0.001, waited=False) for _ in range(20)].count(True) == 12
    assert old(0.5, waited=False)
    assert not old(0.04, waited=True)
    assert old(0.001, waited=False)  # that one wait was nothing to go by
    assert [old(0.04, waited=True) for _ in range(3)] == [False] * 3
    assert not old(0.001, waited=False)
    assert not old(0.5, waited=True)  # the camera's own pause: what comes then is new
    assert not old(0.04, waited=True)


def test_too_much_is_no_rest_and_a_stream_that_runs_away(clock: FakeTime) -> None:
    """One decoder is too slow only where it never rests and still falls behind, over three seconds."""
    load, position = Load(), 0.0

    def too_much(work: float, progress: float) -> bool:
        nonlocal position
        answers = []
        for _ in range(32):
            clock.passes(0.1, work=0.1 * work)
            position += 0.1 * progress
            answers.append(load.is_too_much(position))
        return any(answers)

    assert not too_much(0.5, 1.0)
    assert not too_much(0.5, 0.5)  # others take the processor away: more threads would not help
    assert not too_much(1.0, 2.0)  # a file that downloads as fast as it is read
    assert too_much(1.0, 0.5)


class ScriptedCapture:
    """In the place of OpenCV's: what each call for a frame gives, and how many seconds it takes."""

    def __init__(self, clock: FakeTime, grabs: list[tuple[float, bool]]) -> None:
        self._clock = clock
        self._grabs = iter(grabs)

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's names
        """It is, as OpenCV's is even when it is dead."""
        return True

    def grab(self) -> bool:
        """Takes its time."""
        seconds, done = next(self._grabs)
        return self._clock.passes(seconds) and done

    def retrieve(self, **_options: object) -> tuple[bool, Pixels]:
        """A picture."""
        return True, np.zeros((48, 64, 3), np.uint8)

    def get(self, _property: int) -> float:
        """Tells nothing."""
        return 0.0

    def release(self) -> None:
        """Has nothing to release."""


def test_a_frozen_rtsp_camera_costs_one_time_out(clock: FakeTime, monkeypatch: pytest.MonkeyPatch) -> None:
    """The frame that comes when the time is over is given out; what comes after further time-outs is not waited for.

    As it was seen with a server that was stopped: the decoder's last frames come one by one, each after a whole
    time-out, and so do the refusals after them.
    """
    monkeypatch.setattr(stream, "time", clock)
    frozen = [(0.04, True)] * 5 + [(1.0, True)] * 2 + [(1.0, False)] * 20
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: ScriptedCapture(clock, frozen))
    source = StreamSource("rtsp://camera", read_timeout=1.0)
    source.open()
    for _ in range(5):
        source.grab()
    began = clock.now
    source.grab()
    with pytest.raises(SourceError, match="nothing came for 1 s"):
        source.grab()
    assert clock.now - began == pytest.approx(1.0)


def test_a_few_refusals_at_once_are_not_the_end(clock: FakeTime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some frames in a row that cannot be decoded and are there already are passed over; many are the end."""
    monkeypatch.setattr(stream, "time", clock)
    burst = [(0.04, True), *[(0.0, False)] * 5, (0.04, True), *[(0.0, False)] * 50]
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: ScriptedCapture(clock, burst))
    source = StreamSource("http://camera", read_timeout=1.0)
    source.open()
    assert not source.grab().discontinuity
    assert source.grab().discontinuity
    with pytest.raises(SourceError, match="ended by the server"):
        source.grab()


@pytest.mark.parametrize("status", [401, 404, 503])
def test_a_refusal_is_an_error(camera: HTTPCamera, source: StreamSource, status: int) -> None:
    """A camera that answers with an error cannot be opened, which is found out at once."""
    camera.status = status
    began = time.monotonic()
    with pytest.raises(SourceError, match="cannot be opened"):
        source.open()
    assert time.monotonic() - began < 3


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
    port = closed_port()
    with pytest.raises(SourceError) as caught:
        StreamSource(url.format(port), open_timeout=2).open()
    assert f"127.0.0.1:{port}/cam" in str(caught.value)
    assert "secret" not in str(caught.value)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")

"""Calls to a source that do not come back: what goes on without them, what they may still do, where it is the end."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest

from billiards_video import SharedMemoryFrameReader, State, capture_relay
from billiards_video.capture import Grabbed, SourceError
from billiards_video.capture.fake import FakeSource
from billiards_video.capture.source import HELD_BY_ITSELF
from billiards_video.capture_plan import CapturePlan
from billiards_video.capture_relay import CaptureRelay
from billiards_video.capture_stream import CaptureStream
from billiards_video.config import Config
from billiards_video.process import VideoProcess
from billiards_video.watched_source import GivenUpError, WatchedSource, overdue_ns
from told_status import status_when

Picture = npt.NDArray[np.uint8]
Step = Picture | Exception | Callable[[], object]


def picture(value: int) -> Picture:
    """A frame, every byte of it `value`."""
    return np.full((48, 64, 3), value, np.uint8)


class Hang:
    """A step of a script that hangs, as a driver does, until the test has it come back."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.thread: threading.Thread | None = None
        self._comes_back = threading.Event()

    def __call__(self) -> None:
        """Hangs."""
        self.thread = threading.current_thread()
        self.entered.set()
        self._comes_back.wait(30)

    def come_back(self) -> None:
        """Lets the call end, and waits for its thread to end, too."""
        self._comes_back.set()
        if self.thread is not None:
            self.thread.join(10)
            assert not self.thread.is_alive()


class Sources:
    """Makes the sources that it was given, one after the other; the last one is given again and again."""

    def __init__(self, *sources: FakeSource) -> None:
        self.left = list(sources)
        self.made: list[FakeSource] = []

    def __call__(self) -> FakeSource:
        """Another source."""
        self.made.append(self.left.pop(0) if len(self.left) > 1 else self.left[0])
        return self.made[-1]


class HangsInClose(FakeSource):
    """A source that fails, and whose release does not come back."""

    def __init__(self, hang: Hang) -> None:
        super().__init__([picture(1), SourceError("unplugged")])
        self._hang = hang

    def close(self) -> None:
        """Hangs, the first time."""
        super().close()
        if self.closed == 1:
            self._hang()


class HangsInRetrieve(FakeSource):
    """A source that never finishes converting a frame."""

    def __init__(self, hang: Hang) -> None:
        super().__init__([picture(1)])
        self._hang = hang

    def retrieve(self, out: Picture) -> Picture | None:
        """Hangs."""
        self._hang()
        return out


def config_for(name: str, **camera: object) -> Config:
    """Impatient: a read counts as hanging after 0.45 s, opening after 0.65 s."""
    impatient = {"read_timeout": 0.1, "stop_timeout": 0.1, "reconnect_delay": 0.01}
    return Config.model_validate({"video": {"shared_memory_name": name}, "vision": {"camera": impatient | camera}})


@contextmanager
def running(process: VideoProcess) -> Iterator[Future[int]]:
    """Runs it in a thread; it has ended when the block is left."""
    with ThreadPoolExecutor(1) as pool:
        try:
            yield pool.submit(process.run)
        finally:
            process.stop()


@pytest.fixture
def hang() -> Iterator[Hang]:
    """Something that hangs, and does so no longer when the test is over."""
    hang = Hang()
    yield hang
    hang.come_back()


def states(reader: SharedMemoryFrameReader, last: tuple[State, str]) -> list[tuple[State, str]]:
    """The states that a reader sees, up to the one given."""
    seen = [reader.state]
    deadline = time.monotonic() + 10
    while seen[-1] != last:
        assert time.monotonic() < deadline, f"{last} did not come: {seen}"
        time.sleep(0.002)
        state = reader.state
        if state != seen[-1]:
            seen.append(state)
    return seen


def test_a_read_that_hangs_is_left_behind(segment_name: str, hang: Hang, caplog: pytest.LogCaptureFixture) -> None:
    """Readers see STALLED, RECONNECTING, then frames of another source, in the same segment, with numbers that go on.

    What hung comes back later: its frame is not published, and its own source is closed, with the new one untouched.
    """
    still = Hang()
    first = FakeSource([picture(1), hang, picture(66), picture(66)])
    second = FakeSource([picture(2), still, picture(3), picture(4)])
    patience = {"read_timeout": 0.5, "reconnect_delay": 0.3}
    process = VideoProcess(config_for(segment_name, **patience), Sources(first, second))
    with running(process) as run, SharedMemoryFrameReader(segment_name) as reader:
        with reader.lease(timeout=10) as frame:
            assert (frame.metadata.frame_number, int(frame.array[0, 0, 0])) == (0, 1)
        epoch = reader.epoch
        seen = states(reader, (State.RECONNECTING, "no frames arrive"))
        assert seen[-2] == (State.STALLED, "no frames arrive")
        with reader.lease(timeout=10) as frame:
            assert (frame.metadata.frame_number, int(frame.array[0, 0, 0])) == (1, 2)
            assert frame.metadata.discontinuity
        states(reader, (State.LIVE, ""))
        assert still.entered.wait(10)
        published = reader.counters.published
        hang.come_back()
        assert (first.closed, second.closed) == (1, 0)
        assert (reader.counters.published, reader.state[0], reader.epoch) == (published, State.LIVE, epoch)
        status = status_when(reader, lambda told: told["reconnects"])
        assert (status["errors"], status["reconnects_by_reason"]) == (1, {"no frames arrive": 1})
        assert re.fullmatch(r"fake source: a read has not come back for \d\.\d s", status["last_error"])
        still.come_back()
        assert run.result(10) == 0
    assert (first.retrieved, second.retrieved) == (1, 3)
    words = r"a read has not come back for \d\.\d s; its thread is abandoned; attempt 1 to open it again"
    assert re.search(words, caplog.text)
    assert not process.abandoned


def test_opening_that_hangs_is_left_behind(segment_name: str, hang: Hang) -> None:
    """Also before there was a frame: another source is opened, and the stream is that one's, from its first frame."""
    process = VideoProcess(config_for(segment_name), Sources(FakeSource([hang]), FakeSource([picture(2), picture(3)])))
    assert process.run() == 0
    assert process.abandoned  # the first thread hangs on


def test_closing_that_hangs_is_left_behind(segment_name: str, hang: Hang) -> None:
    """A source that failed, and whose release hangs, does not keep the next one from being opened."""
    second = FakeSource([picture(2)])
    process = VideoProcess(config_for(segment_name), Sources(HangsInClose(hang), second))
    assert process.run() == 0
    assert second.retrieved == 1


@pytest.mark.parametrize("why", ["an object", "auto_reconnect", "held", "conversion", "attempts"])
def test_where_it_cannot_go_on_the_process_ends(
    segment_name: str, hang: Hang, caplog: pytest.LogCaptureFixture, why: str
) -> None:
    """Exit code 1, with the reason in the log, and FAILED for readers: nothing waits for what hangs."""
    first = HangsInRetrieve(hang) if why == "conversion" else FakeSource([picture(1), hang])
    held = FakeSource([SourceError(f"device 0 is in use: /dev/video0 is held by {HELD_BY_ITSELF}")])
    cases: dict[str, tuple[FakeSource | Sources, dict[str, object], str]] = {
        "an object": (first, {}, "of which there is no second"),
        "auto_reconnect": (Sources(first, held), {"auto_reconnect": False}, "vision.camera.auto_reconnect is false"),
        "held": (Sources(first, held), {}, "in an earlier read that hangs"),
        "conversion": (Sources(first, held), {}, "a conversion has not come back"),
        "attempts": (
            Sources(first, held),
            {"max_reconnect_attempts": 0, "exit_after_reconnect_attempts": True},
            "its thread is abandoned; not to be opened again (vision.camera.max_reconnect_attempts)",
        ),
    }
    source, camera, words = cases[why]
    process = VideoProcess(config_for(segment_name, **({"read_timeout": 0.5} | camera)), source)
    reader = SharedMemoryFrameReader(segment_name)
    with running(process) as run:
        reader.attach(10)
        assert run.result(10) == 1
    assert process.abandoned
    assert reader.state[0] is State.FAILED
    reader.detach()
    assert [record.levelname for record in caplog.records if words in record.message] == ["ERROR"]


def test_threads_that_hang_do_not_pile_up(
    segment_name: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each one that is left behind costs memory: where one source after the other hangs, the process ends."""
    monkeypatch.setattr(capture_relay, "_MOST_HANGING", 2)
    hangs = [Hang() for _ in range(5)]
    sources = Sources(*(FakeSource([picture(1), each]) for each in hangs))
    assert VideoProcess(config_for(segment_name), sources).run() == 1
    assert [each.entered.is_set() for each in hangs] == [True, True, True, False, False]
    assert "3 threads hang by now" in caplog.text
    for each in hangs:
        each.come_back()


def test_a_stop_does_not_wait_for_what_was_left_behind(segment_name: str, hang: Hang) -> None:
    """With one thread hanging and another one at work, a request to stop is met as if there were one thread."""
    waiting = Hang()
    process = VideoProcess(
        config_for(segment_name, stop_timeout=30), Sources(FakeSource([hang]), FakeSource([picture(2), waiting]))
    )
    with running(process) as run:
        assert waiting.entered.wait(10)
        process.stop()
        waiting.come_back()
        assert run.result(10) == 0
    assert process.abandoned


def test_the_time_in_which_the_process_stood_still_does_not_count(
    segment_name: str, hang: Hang, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a suspension, a read that began before it is given its whole time again."""
    clock = SimpleNamespace(now=time.monotonic_ns())
    monkeypatch.setattr(capture_relay, "time", SimpleNamespace(monotonic_ns=lambda: clock.now))
    stream = CaptureStream(lambda: None)
    config = config_for(segment_name, read_timeout=2.0, open_timeout=2.0)
    plan = CapturePlan(config.vision.camera, None)
    relay = CaptureRelay(FakeSource([hang]), lambda: FakeSource([]), plan, stream)
    stream.take_name(config.video)
    first = relay.loop
    relay.start()
    assert hang.entered.wait(10)
    for seconds, left_behind in [(1.0, False), (100.0, False), (2.0, False), (2.0, False), (2.0, False), (2.5, True)]:
        clock.now += round(seconds * 1e9)
        assert relay.look() is None
        assert (relay.loop is not first) == left_behind
    relay.stop(10)
    stream.end(State.CLOSED, "stopped")


class Answers(FakeSource):
    """Remembers in which call it is, and lets the test look meanwhile."""

    def __init__(self, look: Callable[[str], None]) -> None:
        super().__init__([picture(1)])
        self._look = look

    def grab(self) -> Grabbed:
        """With a look."""
        self._look("grab")
        return super().grab()


def test_a_call_that_was_given_up_has_no_effect() -> None:
    """Whatever it gives, and also where it fails; a call that has come back cannot be given up any more."""
    given_up: list[bool] = []

    def give_up(method: str) -> None:
        call = watched.call
        assert call
        assert call.method == method
        given_up.append(watched.give_up(call))

    times = CaptureStream(lambda: None).times
    watched = WatchedSource(Answers(give_up), times)
    watched.open()
    with pytest.raises(GivenUpError):
        watched.grab()
    assert given_up == [True]
    calls = []
    watched = WatchedSource(Answers(lambda _: calls.append(watched.call)), times)
    watched.open()
    watched.grab()
    [call] = calls
    assert call
    assert not watched.give_up(call)
    watched.close()


def test_limits_follow_the_time_outs() -> None:
    """Twice read_timeout for a read; OpenCV's own backends wait for whole seconds; opening is connecting and a read."""
    camera = config_for("limits", read_timeout=0.5, open_timeout=3.0).vision.camera
    limits = {method: limit / 1e9 for method, limit in overdue_ns(camera).items()}
    assert limits == {"open": 7.25, "grab": 1.25, "retrieve": 1.25, "close": 1.25}
    camera = config_for("limits", read_timeout=0.5).vision.camera
    assert overdue_ns(camera)["open"] == 3_250_000_000  # open_timeout is twice read_timeout then
    camera = config_for("limits", read_timeout=0.5, backend="v4l2").vision.camera
    assert overdue_ns(camera)["grab"] == 2_250_000_000

"""What is old, what was waited for and when a stream is lost, by a clock of the test's own."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from billiards_video.capture import SourceError, live_pace, stream
from billiards_video.capture.live_pace import Backlog, Load, Stopwatch
from billiards_video.capture.stream import StreamSource

Pixels = npt.NDArray[np.uint8]


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

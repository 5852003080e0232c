"""When each frame of a file is due: rates, uneven and shifted times, and no times at all, without waiting for them."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from billiards_video.capture import Grabbed, SourceEnded
from billiards_video.capture.decoder_threads import DecoderThreads
from billiards_video.capture.file import FileSource
from make_video import encode_video

MS = 1_000_000
SECOND = 1_000_000_000


class Watcher:
    """A clock, and a viewer who takes each frame when it is due."""

    def __init__(self) -> None:
        self.now = 50 * SECOND

    def __call__(self) -> int:
        """The time, in nanoseconds."""
        return self.now

    def watch(self, path: Path, limit: int = 10_000, **arguments: Any) -> list[Grabbed]:  # noqa: ANN401 - FileSource's
        """Plays a film to its end, or to `limit` frames."""
        source = FileSource(path, clock=self, **arguments)
        source.open()
        seen: list[Grabbed] = []
        try:
            while len(seen) < limit:
                grabbed = source.grab()
                self.now = max(self.now, grabbed.due_ns or 0)
                seen.append(grabbed)
        except SourceEnded:
            pass
        finally:
            source.close()
        return seen


RATES = ["1", "24000/1001", "60", "120"]
CONTAINERS = [("mp4", "libx264", 0.1), ("mkv", "libx264", 0.6), ("ts", "libx264", 0.1), ("avi", "mpeg4", 0.1)]


@pytest.mark.parametrize(("container", "codec", "rounding"), CONTAINERS, ids=[name for name, _, _ in CONTAINERS])
@pytest.mark.parametrize("rate", RATES)
def test_every_rate_is_kept_without_drift(
    tmp_path: Path, container: str, codec: str, rounding: float, rate: str
) -> None:
    """The last frame of three loops is due when it should be, to what the container can say: a tenth, or one, of 1 ms.

    Every frame is due at its own time, also over the seams, and its position is that in the film.
    """
    frames, fps = 20, float(Fraction(rate))
    path = tmp_path / f"film.{container}"
    encode_video(path, frames, codec, fps=rate, size="64x48")
    seen = Watcher().watch(path, loop=True, limit=3 * frames)
    first = seen[0].due_ns or 0
    late = [(grabbed.due_ns or 0) - first - number * SECOND / fps for number, grabbed in enumerate(seen)]
    assert max(map(abs, late)) < 3 * rounding * MS  # each seam may round once more
    assert [grabbed.captured_ns for grabbed in seen] == [grabbed.due_ns for grabbed in seen]
    positions = [grabbed.position_ns for grabbed in seen]
    assert positions == pytest.approx(
        [number % frames * SECOND / fps for number in range(len(seen))], abs=rounding * MS
    )


@pytest.mark.parametrize("container", ["mp4", "mkv"])
def test_a_variable_rate_is_kept(tmp_path: Path, container: str) -> None:
    """A film of uneven times is shown at just these."""
    times = [0, 10, 50, 1000, 1040, 3000, 3016, 3033, 8000]
    path = tmp_path / f"film.{container}"
    encode_video(path, len(times), size="64x48", times=times)
    seen = Watcher().watch(path)
    first = seen[0].due_ns or 0
    assert [(grabbed.due_ns or 0) - first for grabbed in seen] == [time * MS for time in times]
    assert [grabbed.position_ns for grabbed in seen] == [time * MS for time in times]


def test_a_leap_in_time_is_marked(tmp_path: Path) -> None:
    """What cannot follow takes one period instead of the time it claims, and is a discontinuity; the rest goes on."""
    path = tmp_path / "film.mkv"
    encode_video(path, 6, size="64x48", times=[0, 33, 67, 40_067, 40_100, 40_133])
    seen = Watcher().watch(path)
    first = seen[0].due_ns or 0
    assert [(grabbed.due_ns or 0) - first for grabbed in seen[:3]] == [0, 33 * MS, 67 * MS]
    assert [(grabbed.due_ns or 0) - (seen[3].due_ns or 0) for grabbed in seen[3:]] == [0, 33 * MS, 66 * MS]
    assert (seen[3].due_ns or 0) - (seen[2].due_ns or 0) < 10 * SECOND
    assert [grabbed.discontinuity for grabbed in seen] == [False, False, False, True, False, False]


SHIFTED = [
    ("mp4", 100.0),
    ("mkv", 100.0),
    ("ts", 100.0),
    ("ts", 2**33 / 90_000 - 0.5),  # the clock of a transport stream has 33 bits of 90 kHz, and wraps after 26.5 hours
]


@pytest.mark.parametrize(("container", "offset"), SHIFTED)
def test_offset_and_wrapped_times(tmp_path: Path, container: str, offset: float) -> None:
    """A recording that begins somewhere, or in the middle of which time begins anew, is one film from 0 on."""
    path = tmp_path / f"film.{container}"
    encode_video(path, 60, size="64x48", container={"output_ts_offset": str(offset)})
    seen = Watcher().watch(path)
    assert len(seen) == 60
    steps = [(b.due_ns or 0) - (a.due_ns or 0) for a, b in pairwise(seen)]
    assert steps == pytest.approx([SECOND / 30] * 59, abs=1.1 * MS)
    assert [grabbed.position_ns for grabbed in seen] == pytest.approx([n * SECOND / 30 for n in range(60)], abs=1 * MS)


def test_times_before_the_beginning(tmp_path: Path) -> None:
    """Frames with negative times, for which OpenCV has none, are shown one period after the other; none is negative."""
    path = tmp_path / "film.mkv"
    encode_video(path, 60, size="64x48", container={"output_ts_offset": "-1", "avoid_negative_ts": "disabled"})
    seen = Watcher().watch(path)
    steps = [(b.due_ns or 0) - (a.due_ns or 0) for a, b in pairwise(seen)]
    assert len(seen) > 25
    assert steps == pytest.approx([SECOND / 30] * len(steps), abs=1.1 * MS)
    assert min(grabbed.position_ns or 0 for grabbed in seen) >= 0


def test_a_slow_viewer_loses_no_time_for_good(tmp_path: Path) -> None:
    """Who takes a frame late now and then gets the next ones at their own times all the same."""
    path = tmp_path / "film.mp4"
    encode_video(path, 90, size="64x48")
    viewer = Watcher()
    source = FileSource(path, clock=viewer, threads=DecoderThreads(most=1))
    source.open()
    presented = []
    for number in range(90):
        grabbed = source.grab()
        presented.append(grabbed.captured_ns or 0)
        viewer.now = max(viewer.now, grabbed.due_ns or 0) + (120 * MS if number % 20 == 0 else 0)
    source.close()
    assert [b - a for a, b in pairwise(presented)] == pytest.approx([SECOND / 30] * 89, abs=1.1 * MS)


def test_as_fast_as_possible_on_request(tmp_path: Path) -> None:
    """No frame is due at a time of its own then, and every frame comes; its place in the film is told as ever."""
    path = tmp_path / "film.mp4"
    encode_video(path, 30, fps="1", size="64x48")
    viewer = Watcher()
    seen = viewer.watch(path, pace="unlimited", loop=True, limit=60)
    assert {(grabbed.due_ns, grabbed.captured_ns) for grabbed in seen} == {(None, None)}
    assert [grabbed.position_ns for grabbed in seen] == [number * SECOND for number in range(30)] * 2
    assert [grabbed.loop_count for grabbed in seen] == [0] * 30 + [1] * 30
    assert viewer.now == 50 * SECOND

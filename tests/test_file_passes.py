"""One pass after the other: no gap between them, exact frames however they are reached, and nothing left open."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from billiards_video.capture import SourceError, opencv
from billiards_video.capture import film as film_module
from billiards_video.capture.decoder_threads import DecoderThreads
from billiards_video.capture.file import FileSource
from make_video import encode_video, make_video, number_in

Pixels = npt.NDArray[np.uint8]

FRAMES = 75
FPS = 25


@pytest.fixture(scope="module")
def mp4(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small film of three seconds, with a key frame each second."""
    path: Path = tmp_path_factory.mktemp("video") / "film.mp4"
    encode_video(path, FRAMES, fps=str(FPS), options={"g": str(FPS)})
    return path


PLAIN = cv2.VideoCapture


class Watched:
    """What the decoders were asked to do."""

    def __init__(self) -> None:
        self.threads: list[int] = []
        """With how many each was opened."""
        self.sought: list[int] = []
        """The frames that they were to go to."""
        self.grabs = 0
        self.fault: int | None = 0
        """By how much a seek leads elsewhere; None: it does nothing."""
        self.seconds = 0.0
        """What each frame takes, beside what it takes."""

    def open(self, *arguments: Any) -> "WatchedCapture":  # noqa: ANN401 - OpenCV's
        """Stands in for `cv2.VideoCapture`."""
        parameters: list[int] = arguments[2]
        self.threads.append(parameters[parameters.index(cv2.CAP_PROP_N_THREADS) + 1])
        return WatchedCapture(self, PLAIN(*arguments))


class WatchedCapture:
    """One of them."""

    def __init__(self, watched: Watched, capture: cv2.VideoCapture) -> None:
        self._watched = watched
        self._capture = capture

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever it is
        """All that is not of interest here."""
        return getattr(self._capture, name)

    def grab(self) -> bool:
        """Counted."""
        self._watched.grabs += 1
        done = self._capture.grab()
        time.sleep(self._watched.seconds if done else 0)
        return done

    def set(self, prop: int, value: float) -> bool:
        """Seeks are noted, and may lead elsewhere."""
        if prop != cv2.CAP_PROP_POS_FRAMES:
            return self._capture.set(prop, value)
        self._watched.sought.append(int(value))
        fault = self._watched.fault
        return fault is not None and self._capture.set(prop, value + fault)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    """Has all decoders of the test watched."""
    made = Watched()
    monkeypatch.setattr(cv2, "VideoCapture", made.open)
    return made


def shown(source: FileSource, frames: int, before: Callable[[int], None] | None = None) -> Iterator[tuple[int, float]]:
    """Plays frames at their pace: the number in each, and how long the source took to have it, in seconds."""
    facts = source.open()
    out = np.empty((facts.height, facts.width, 3), np.uint8)
    for number in range(frames):
        if before is not None:
            before(number)
        began = time.monotonic()
        due_ns = source.grab().due_ns or 0
        took = time.monotonic() - began
        time.sleep(max(0, due_ns - time.monotonic_ns()) / 1e9)
        assert source.retrieve(out) is out
        yield number_in(out), took


@pytest.mark.parametrize("part", [slice(0, FRAMES), slice(40, FRAMES)])
def test_a_loop_has_no_gap_even_where_opening_takes_long(
    mp4: Path, monkeypatch: pytest.MonkeyPatch, part: slice
) -> None:
    """The next pass is ready when it is needed, the first time too, whatever opening and going to the start take."""
    plain = opencv.first_picture

    def slow(capture: cv2.VideoCapture) -> Pixels | None:
        time.sleep(0.6)
        return plain(capture)

    monkeypatch.setattr(film_module, "first_picture", slow)
    source = FileSource(mp4, loop=True, start_frame=part.start)
    length = part.stop - part.start
    seen = list(shown(source, 2 * length + 5))
    source.close()
    assert [number for number, _ in seen] == [part.start + number % length for number in range(2 * length + 5)]
    seams = [seen[length][1], seen[2 * length][1]]
    assert max(seams) < 0.3


def test_the_end_is_found_quickly_where_it_was_announced(mp4: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A header that is right saves the long search for more frames, so that not even the first seam is seen."""
    monkeypatch.setattr(film_module, "PATIENCE", 10**8)
    source = FileSource(mp4, loop=True)
    source.open()
    assert [source.grab().loop_count for _ in range(2 * FRAMES)] == [0] * FRAMES + [1] * FRAMES
    source.close()


def test_a_file_that_is_replaced_late_in_a_pass_is_played_in_the_next(mp4: Path, tmp_path: Path) -> None:
    """Also when the next pass had been opened by then."""
    path, other = tmp_path / "film.mp4", tmp_path / "FFV1.mkv"
    path.write_bytes(mp4.read_bytes())
    make_video(other, 40)

    def replace(number: int) -> None:
        if number == FRAMES - 2:
            other.replace(path)

    source = FileSource(path, loop=True)
    numbers = [number for number, _ in shown(source, FRAMES + 60, replace)]
    source.close()
    assert numbers == [*range(FRAMES), *range(40), *range(20)]


def test_closing_leaves_nothing_open(mp4: Path) -> None:
    """Whatever is being opened ahead is given up, with its thread and its descriptors."""
    source = FileSource(mp4, loop=True)
    for frames in (1, FRAMES - 20, FRAMES - 1, FRAMES + 3):
        source.open()
        for _ in range(frames):
            source.grab()
        source.close()
        links = [link.resolve() for link in Path("/proc/self/fd").iterdir() if link.exists()]
        assert mp4 not in links
        assert "film ahead" not in {thread.name for thread in threading.enumerate()}


def test_going_to_the_start_is_cut_short_from_the_second_pass_on(mp4: Path, watched: Watched) -> None:
    """Once a start was reached by counting, it is sought, since it can be seen whether that is the same place."""
    source = FileSource(mp4, loop=True, start_frame=60)
    source.open()
    out = np.empty((240, 320, 3), np.uint8)
    counts, numbers = [watched.grabs], []
    for _ in range(3):
        for _ in range(FRAMES - 60):
            source.grab()
            source.retrieve(out)
            numbers.append(number_in(out))
        counts.append(watched.grabs)
    source.close()
    assert numbers == list(range(60, FRAMES)) * 3
    assert counts[0] > 60
    assert counts[3] - counts[2] < 60
    assert set(watched.sought) == {60}


@pytest.mark.parametrize("fault", [1, -3])
def test_a_seek_that_leads_elsewhere_is_noticed(mp4: Path, watched: Watched, fault: int) -> None:
    """OpenCV counts frames by their times, and is wrong in many files: then the way is walked, as in the first pass."""
    watched.fault = fault
    source = FileSource(mp4, loop=True, start_frame=60)
    source.open()
    out, numbers = np.empty((240, 320, 3), np.uint8), []
    for _ in range(40):
        source.grab()
        source.retrieve(out)
        numbers.append(number_in(out))
    source.close()
    assert numbers == [60 + number % (FRAMES - 60) for number in range(40)]


def test_a_long_way_to_the_next_pass_can_be_cut_short(mp4: Path, watched: Watched) -> None:
    """Who waits for it, because the way cannot be shortened and the pass is over, is let go when all is to stop."""
    watched.fault, watched.seconds = None, 0.02
    source = FileSource(mp4, loop=True, start_frame=60)
    source.open()
    for _ in range(FRAMES - 60):
        source.grab()
    threading.Timer(0.2, source.cancel).start()
    began = time.monotonic()
    with pytest.raises(SourceError, match="cancelled"):
        source.grab()
    took = time.monotonic() - began
    source.close()
    assert took < 0.6  # of 0.9


def test_one_thread_is_taken_until_frames_are_late() -> None:
    """Half of a second's frames must be late: then twice as many threads, up to what the machine has."""
    threads = DecoderThreads(most=6)
    threads.begin(20)
    assert threads.count == 1
    assert not any(threads.note(late=number % 2 == 0) for number in range(200))  # every other frame: half, not more
    assert not any(threads.note(late=False) for _ in range(40))
    assert [threads.note(late=True) for _ in range(11)] == [False] * 10 + [True]
    assert threads.count == 2
    assert not any(threads.note(late=True) for _ in range(10))  # counted anew
    assert threads.note(late=True)
    assert threads.count == 4
    for _ in range(40):
        threads.note(late=True)
    assert threads.count == 6
    assert not any(threads.note(late=True) for _ in range(40))


def test_one_hiccup_of_the_machine_costs_no_thread() -> None:
    """A pause, and the quicker pace that follows it, is not a decoder that is too slow."""
    threads = DecoderThreads(most=4)
    threads.begin(60)
    for _ in range(5):
        assert not any(threads.note(late=late) for late in [False] * 60 + [True] * 25)
    assert threads.count == 1


@pytest.mark.parametrize(
    ("pixels_per_second", "count"),
    [
        (1920 * 1080 * 30, 1),
        (1920 * 1080 * 60, 1),
        (3840 * 2160 * 30, 2),
        (3840 * 2160 * 60, 4),
        (7680 * 4320 * 120, 8),
    ],
)
def test_films_that_no_thread_could_do_alone_begin_with_more(pixels_per_second: float, count: int) -> None:
    """By what they announce; 1080p at 60 frames a second is one thread's work."""
    threads = DecoderThreads(most=8)
    assert threads.expect(pixels_per_second) is (count > 1)
    assert threads.count == count
    assert not threads.expect(pixels_per_second)


class Slow:
    """A clock by which every frame comes too late, as long as the film is decoded by one thread."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        """The time, in nanoseconds."""
        return self.now

    def play(self, source: FileSource, frames: int) -> tuple[list[int], list[bool]]:
        """Plays so many frames; gives the number that each shows, and whether it was marked."""
        out, numbers, marks = np.empty((120, 160, 3), np.uint8), [], []
        for _ in range(frames):
            grabbed = source.grab()
            self.now = self.now + 60_000_000 if source.threads == 1 else max(self.now, grabbed.due_ns or 0)
            assert source.retrieve(out) is out
            numbers.append(number_in(out))
            marks.append(grabbed.discontinuity)
            for thread in threading.enumerate():
                if thread.name == "film ahead":
                    thread.join(10)  # another decoder is opened there
        return numbers, marks


def test_a_decoder_that_is_too_slow_is_relieved_in_the_middle_of_the_film(tmp_path: Path, watched: Watched) -> None:
    """One with two threads takes over at a frame that both have: every frame comes once, in order, without a mark."""
    path = tmp_path / "film.mp4"
    encode_video(path, 300, fps=str(FPS), size="160x120", options={"g": "25"})
    clock = Slow()
    source = FileSource(path, clock=clock, threads=DecoderThreads(most=2))
    source.open()
    numbers, marks = clock.play(source, 300)
    threads = source.threads
    source.close()
    assert numbers == list(range(300))
    assert not any(marks)
    assert watched.threads == [1, 2]
    assert threads == 2


@pytest.mark.parametrize("fault", [None, -20])
def test_a_relief_that_does_not_meet_the_film_is_given_up(tmp_path: Path, watched: Watched, fault: int | None) -> None:
    """Where seeking does not work, the film goes on as it is, and the next pass has the threads."""
    watched.fault = fault
    path = tmp_path / "film.mp4"
    encode_video(path, 120, fps=str(FPS), size="160x120")
    clock = Slow()
    source = FileSource(path, clock=clock, loop=True, threads=DecoderThreads(most=2))
    source.open()
    numbers, _ = clock.play(source, 240)
    threads = source.threads
    source.close()
    assert numbers == list(range(120)) * 2
    assert threads == 2


def test_a_film_in_time_keeps_its_one_thread(mp4: Path, watched: Watched) -> None:
    """Frames that are ready when they are due need no help."""
    viewer_ns = 0

    def clock() -> int:
        return viewer_ns

    source = FileSource(mp4, loop=True, threads=DecoderThreads(most=8), clock=clock)
    source.open()
    for _ in range(2 * FRAMES + 10):
        viewer_ns = max(viewer_ns, source.grab().due_ns or 0)
    source.close()
    assert set(watched.threads) == {1}

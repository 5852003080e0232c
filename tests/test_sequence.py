"""Image sequences: their order, their pace, their loop, and pictures that are none."""

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from billiards_video.capture import SourceEnded, SourceError
from billiards_video.capture.selection import source_for
from billiards_video.capture.sequence import SequenceSource
from billiards_video.config import CameraConfig

Pixels = npt.NDArray[np.uint8]
MS = 1_000_000
SECOND = 1_000_000_000


class Clock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.now = 100 * SECOND

    def __call__(self) -> int:
        """The time it shows, in nanoseconds."""
        return self.now


def draw(path: Path, gray: int, width: int = 64, height: int = 48) -> None:
    """Writes a picture of one gray."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((height, width, 3), gray, np.uint8))


def grays(source: SequenceSource, most: int = 100) -> list[int | None]:
    """The gray of each picture up to the end; None for one that cannot be shown."""
    out = np.zeros((48, 64, 3), np.uint8)
    source.open()
    found: list[int | None] = []
    try:
        for _ in range(most):
            source.grab()
            picture = source.retrieve(out)
            found.append(None if picture is None else int(picture.mean()))
    except SourceEnded:
        pass
    source.close()
    return found


def test_a_folder_is_shown_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    """10 comes after 9, whatever the number of digits, and what is no picture is left alone."""
    for number in (9, 10, 1, 100, 2):
        draw(tmp_path / f"img{number}.png", number)
    (tmp_path / "notes.txt").write_text("no picture", encoding="ascii")
    assert grays(SequenceSource(tmp_path)) == [1, 2, 9, 10, 100]


def test_a_pattern_is_shown_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    """Only what fits the pattern, from the lowest number on; numbers that are missing are passed over."""
    for number in (3, 4, 7, 12):
        draw(tmp_path / f"frame_{number:05d}.png", number)
    draw(tmp_path / "frame_00005.jpg", 5)
    draw(tmp_path / "frame_6.png", 6)
    assert grays(SequenceSource(tmp_path / "frame_%05d.png")) == [3, 4, 7, 12]
    assert grays(SequenceSource(tmp_path / "frame_%d.png")) == [3, 4, 6, 7, 12]


def test_start_and_end_are_exact(tmp_path: Path) -> None:
    """Counted from 0 in their order, the end not shown any more."""
    for number in range(10):
        draw(tmp_path / f"{number}.png", number)
    assert grays(SequenceSource(tmp_path, start_frame=2, end_frame=5)) == [2, 3, 4]
    with pytest.raises(SourceError, match="has 10 pictures, video_start_frame 10 is beyond them"):
        SequenceSource(tmp_path, start_frame=10).open()


def test_pictures_are_due_at_their_rate_without_drift(tmp_path: Path) -> None:
    """Each is due at its own time from the first on, however late another was; the time is what is told to readers."""
    for number in range(6):
        draw(tmp_path / f"{number}.png", number)
    clock = Clock()
    source = SequenceSource(tmp_path, fps=30000 / 1001, clock=clock)
    assert source.open().fps == pytest.approx(29.97003)
    due, positions = [], []
    for number in range(6):
        grabbed = source.grab()
        assert grabbed.due_ns == grabbed.captured_ns
        assert grabbed.due_ns is not None
        due.append(grabbed.due_ns)
        positions.append(grabbed.position_ns)
        clock.now = grabbed.due_ns + number * 10 * MS
    assert [b - a for a, b in pairwise(due)] == [33366666, 33366667, 33366667, 33366666, 33366667]
    assert positions == [moment - due[0] for moment in due]


def test_after_a_standstill_it_goes_on_from_now(tmp_path: Path) -> None:
    """What a machine that stood still has missed is not played in a burst."""
    for number in range(3):
        draw(tmp_path / f"{number}.png", number)
    clock = Clock()
    source = SequenceSource(tmp_path, fps=10, clock=clock)
    source.open()
    source.grab()
    clock.now += 60 * SECOND
    assert source.grab().due_ns == clock.now
    assert source.grab().due_ns == clock.now + SECOND // 10


def test_a_loop_has_no_gap_and_sees_new_pictures(tmp_path: Path) -> None:
    """The first picture follows the last at the usual distance, marked and counted; a new one is in the next pass."""
    for number in range(3):
        draw(tmp_path / f"{number}.png", number)
    clock = Clock()
    source = SequenceSource(tmp_path, fps=10, loop=True, clock=clock)
    source.open()
    seen = []
    out = np.zeros((48, 64, 3), np.uint8)
    for number in range(7):
        grabbed = source.grab()
        assert source.retrieve(out) is out
        assert grabbed.due_ns == 100 * SECOND + number * SECOND // 10
        seen.append((int(out.mean()), grabbed.loop_count, grabbed.discontinuity))
        clock.now = grabbed.due_ns
        if number == 1:
            draw(tmp_path / "3.png", 3)
    assert seen == [
        (0, 0, False),
        (1, 0, False),
        (2, 0, False),
        (0, 1, True),
        (1, 1, False),
        (2, 1, False),
        (3, 1, False),
    ]


def test_without_pace_nothing_is_waited_for(tmp_path: Path) -> None:
    """As fast as it can be read: no frame has a time at which it is due."""
    draw(tmp_path / "1.png", 1)
    source = SequenceSource(tmp_path, paced=False)
    source.open()
    assert source.grab().due_ns is None


def test_what_is_no_picture_is_passed_over(tmp_path: Path) -> None:
    """A file that cannot be decoded costs that frame, and the next one is marked; it is not shown as the one before."""
    for number in (1, 2, 4):
        draw(tmp_path / f"{number}.png", number)
    (tmp_path / "3.png").write_bytes((tmp_path / "2.png").read_bytes()[:70])
    (tmp_path / "0.png").write_text("no picture", encoding="ascii")
    source = SequenceSource(tmp_path)
    source.open()
    assert source.skipped == 1
    out = np.zeros((48, 64, 3), np.uint8)
    shown = []
    for _ in range(4):
        grabbed = source.grab()
        picture = source.retrieve(out)
        shown.append((None if picture is None else int(picture.mean()), grabbed.discontinuity))
    assert shown == [(1, False), (2, False), (None, False), (4, True)]


def test_pictures_of_all_kinds_are_shown(tmp_path: Path) -> None:
    """Another size is given as it is; gray, 16 bit and transparent ones as BGR; a photograph upright."""
    draw(tmp_path / "1.png", 10)
    draw(tmp_path / "2.png", 20, 32, 24)
    cv2.imwrite(str(tmp_path / "3.png"), np.full((48, 64), 30 * 256, np.uint16))
    cv2.imwrite(str(tmp_path / "4.png"), np.full((48, 64, 4), 40, np.uint8))
    source = SequenceSource(tmp_path)
    facts = source.open()
    assert (facts.width, facts.height) == (64, 48)
    out = np.zeros((48, 64, 3), np.uint8)
    found = []
    for _ in range(4):
        source.grab()
        picture = source.retrieve(out)
        assert picture is not None
        found.append((picture is out, picture.shape, int(picture.mean())))
    assert found == [
        (True, (48, 64, 3), 10),
        (False, (24, 32, 3), 20),
        (True, (48, 64, 3), 30),
        (True, (48, 64, 3), 40),
    ]


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    """No folder, no picture in it, no readable one: one line each, that says which."""
    with pytest.raises(SourceError, match="there is no such picture"):
        SequenceSource(tmp_path / "frames" / "%05d.png").open()
    with pytest.raises(SourceError, match="there is no such picture"):
        SequenceSource(tmp_path).open()
    (tmp_path / "a.png").write_text("none", encoding="ascii")
    with pytest.raises(SourceError, match="none of its 1 files is a picture that can be read"):
        SequenceSource(tmp_path).open()
    with pytest.raises(SourceError, match="not open"):
        SequenceSource(tmp_path).grab()


@pytest.fixture
def closed_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder into which this user may not look; root, who may, is another one meanwhile."""
    folder, user = tmp_path / "closed", os.geteuid()
    folder.mkdir(mode=0)
    if user == 0:
        os.seteuid(65534)
    yield folder
    os.seteuid(user)
    folder.chmod(0o700)


@pytest.mark.parametrize("name", ["", "%03d.png", "film.mp4"])
def test_a_folder_that_is_closed_is_an_error(closed_folder: Path, name: str) -> None:
    """The system's words in one line, whether it is the folder that is named or something in it."""
    source = source_for(CameraConfig(video_file_path=str(closed_folder / name)))
    with pytest.raises(SourceError, match="cannot be read: Permission denied"):
        source.open()


def test_a_name_that_is_too_long_is_an_error() -> None:
    """It names a file like any other that is not there."""
    with pytest.raises(SourceError, match="cannot be read: File name too long"):
        source_for(CameraConfig(device_id="a" * 300)).open()


@pytest.mark.parametrize("key", ["device_id", "video_file_path"])
@pytest.mark.parametrize("name", ["", "%03d.png"])
def test_the_configuration_names_a_folder_or_a_pattern(tmp_path: Path, key: str, name: str) -> None:
    """A folder, or a name with a place for a number, is a sequence; it has the rate and the part that were set."""
    for number in range(5):
        draw(tmp_path / f"{number:03d}.png", number)
    keys = {key: str(tmp_path / name), "fps": 12.5, "video_start_frame": 1, "video_end_frame": 3}
    source = source_for(CameraConfig.model_validate(keys))
    assert isinstance(source, SequenceSource)
    assert source.open().fps == 12.5
    assert grays(source) == [1, 2]
    assert not source.live

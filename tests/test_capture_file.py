"""Files: every frame of a plain OpenCV loop, in the caller's array, at its time; and clear words for bad ones."""

import shutil
import struct
import wave
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from billiards_video.capture import Grabbed, SourceEnded, SourceError
from billiards_video.capture.file import FileSource
from make_video import damaged, make_video

Pixels = npt.NDArray[np.uint8]

FRAMES = 90


@pytest.fixture(scope="module", params=["MJPG.avi", "mp4v.mp4", "FFV1.mkv"])
def video(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole video of FRAMES frames: intra only, with references between frames, and lossless."""
    return make(tmp_path_factory.mktemp("video") / request.param)


@pytest.fixture(scope="module")
def mp4(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One whole video, of a kind that can be damaged in interesting ways."""
    return make(tmp_path_factory.mktemp("video") / "mp4v.mp4")


def make(path: Path, frames: int = FRAMES) -> Path:
    """Makes a video whose codec is its name's stem."""
    make_video(path, frames)
    return path


def decoded(path: Path) -> list[Pixels]:
    """What a plain OpenCV loop makes of a file, if it does not take the first refusal for the end."""
    capture, frames, refusals = cv2.VideoCapture(str(path)), [], 0
    while refusals < 200:
        done, frame = capture.read()
        refusals = 0 if done else refusals + 1
        if done:
            frames.append(frame.astype(np.uint8, copy=False))
    capture.release()
    return frames


def read(source: FileSource, limit: int = 10_000) -> tuple[list[Pixels], list[Grabbed]]:
    """Opens a source and takes frames until its end, or `limit` of them."""
    facts = source.open()
    pictures: list[Pixels] = []
    grabs: list[Grabbed] = []
    try:
        while len(pictures) < limit:
            grabs.append(source.grab())
            out = np.empty((facts.height, facts.width, 3), np.uint8)
            assert source.retrieve(out) is out
            pictures.append(out)
    except SourceEnded:
        pass
    finally:
        source.close()
    return pictures, grabs


def same(left: list[Pixels], right: list[Pixels]) -> bool:
    """Whether two films are the same to the last bit."""
    return len(left) == len(right) and all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


def test_frames_are_those_of_a_plain_loop(video: Path) -> None:
    """Every frame comes, in order and once, with the pixels of a plain loop and its place in the film."""
    pictures, grabs = read(FileSource(video))
    assert same(pictures, decoded(video))
    assert len(pictures) == FRAMES
    positions = [grab.position_ns or 0 for grab in grabs]
    assert positions == pytest.approx([number * 1e9 / 30 for number in range(FRAMES)], abs=1e6)
    assert not any(grab.discontinuity or grab.loop_count for grab in grabs)


def test_pixels_are_written_into_the_array_given(video: Path) -> None:
    """OpenCV writes into the caller's memory, wherever that lies: the object comes back, and the bytes are there."""
    memory = bytearray(320 * 240 * 3 + 64)
    out = np.frombuffer(memory, np.uint8, 320 * 240 * 3, offset=7).reshape(240, 320, 3)
    source = FileSource(video)
    source.open()
    for expected in decoded(video)[:3]:
        memory[:] = bytes(len(memory))
        source.grab()
        assert source.retrieve(out) is out
        assert memory[7 : 7 + out.size] == expected.tobytes()
        assert memory[:7] == bytes(7)
        assert memory[7 + out.size :] == bytes(64 - 7)
    source.close()


def test_an_array_that_does_not_fit_is_not_the_one_returned(mp4: Path) -> None:
    """For an array of another size the frame comes back in one of its own, at the first frame and at later ones."""
    source = FileSource(mp4)
    source.open()
    small = np.zeros((10, 10, 3), np.uint8)
    for expected in decoded(mp4)[:3]:
        source.grab()
        picture = source.retrieve(small)
        assert picture is not None
        assert picture is not small
        assert np.array_equal(picture, expected)
    source.close()


def test_a_frame_that_was_not_retrieved_is_gone(mp4: Path) -> None:
    """Where there was no place for a frame, the next retrieve gives the next frame: also after the very first."""
    source, out = FileSource(mp4), np.empty((240, 320, 3), np.uint8)
    source.open()
    source.grab()
    source.grab()
    assert source.retrieve(out) is out
    assert np.array_equal(out, decoded(mp4)[1])
    source.close()


@pytest.mark.parametrize(("start", "end"), [(0, 1), (1, 2), (17, 60), (89, None), (40, 1000)])
def test_start_and_end_frame_are_exact(video: Path, start: int, end: int | None) -> None:
    """A part of a film is the same frames as the slice of the whole; `end` is the first that is left out."""
    pictures, _ = read(FileSource(video, start_frame=start, end_frame=end))
    assert same(pictures, decoded(video)[start:end])


def test_the_end_stays_the_end(mp4: Path) -> None:
    """After the last frame, grab says so however often it is asked."""
    source = FileSource(mp4, end_frame=1)
    source.open()
    source.grab()
    for _ in range(3):
        with pytest.raises(SourceEnded):
            source.grab()
    source.close()


@pytest.mark.parametrize("part", [slice(0, None), slice(10, 25)])
def test_a_loop_gives_the_same_frames_again(video: Path, part: slice) -> None:
    """Each pass has the frames of the first, its first one is marked, and the film's times go on without a gap."""
    film = decoded(video)[part]
    source = FileSource(video, loop=True, start_frame=part.start, end_frame=part.stop)
    pictures, grabs = read(source, limit=3 * len(film))
    assert same(pictures, film * 3)
    assert [grab.loop_count for grab in grabs] == [loop for loop in range(3) for _ in film]
    marked = [number for number, grab in enumerate(grabs) if grab.discontinuity]
    assert marked == [len(film), 2 * len(film)]
    shown = [grab.captured_ns or 0 for grab in grabs]
    assert [b - a for a, b in pairwise(shown)] == pytest.approx([1e9 / 30] * (len(shown) - 1), abs=1.1e6)


def test_times_do_not_drift(mp4: Path) -> None:
    """Frames asked for in time are due at their presentation times after the first, to the nanosecond."""
    _, grabs = read(FileSource(mp4))
    first = grabs[0].due_ns or 0
    assert [(grab.due_ns or 0) - first for grab in grabs] == [grab.position_ns for grab in grabs]
    assert [grab.captured_ns for grab in grabs] == [grab.due_ns for grab in grabs]


def test_announced_frame_counts_are_not_believed(tmp_path: Path) -> None:
    """A header that announces too few frames cuts nothing off, and one that announces too many adds nothing."""
    whole = make(tmp_path / "MJPG.avi").read_bytes()
    for announced in (30, 900):
        lying = bytearray(whole)
        struct.pack_into("<I", lying, whole.find(b"strh") + 8 + 32, announced)
        struct.pack_into("<I", lying, whole.find(b"avih") + 8 + 16, announced)
        path = tmp_path / f"{announced}.avi"
        path.write_bytes(lying)
        assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT) == announced
        pictures, _ = read(FileSource(path))
        assert len(pictures) == FRAMES


def test_a_corrupt_stretch_is_passed_over(mp4: Path, tmp_path: Path) -> None:
    """What cannot be decoded in the middle is skipped and counted; what follows it comes, marked, at its own time."""
    source = FileSource(damaged(mp4, tmp_path / "bad.mp4", 0.33, 0.66))
    pictures, grabs = read(source)
    assert same(pictures, decoded(tmp_path / "bad.mp4"))
    assert len(pictures) + source.skipped == FRAMES
    assert source.skipped > 10
    [gap] = [number for number, grab in enumerate(grabs) if grab.discontinuity]
    before, after = grabs[gap - 1], grabs[gap]
    assert (after.captured_ns or 0) - (before.captured_ns or 0) == pytest.approx(
        (source.skipped + 1) * 1e9 / 30, abs=1e6
    )
    assert (grabs[-1].position_ns or 0) == pytest.approx((FRAMES - 1) * 1e9 / 30, abs=1e6)


def test_a_video_filmed_upright_comes_upright(mp4: Path, tmp_path: Path) -> None:
    """Rotation that the file asks for is applied, as OpenCV does by itself, and still into the array given."""
    data = bytearray(mp4.read_bytes())
    quarter_turn = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 240 << 16, 0, 1 << 30)
    matrix = data.find(b"tkhd") + 44
    data[matrix : matrix + 36] = quarter_turn
    path = tmp_path / "upright.mp4"
    path.write_bytes(data)
    film = decoded(path)
    assert film[0].shape == (320, 240, 3)
    pictures, _ = read(FileSource(path))
    assert same(pictures, film)


def test_a_file_replaced_between_loops_is_played_to_its_own_end(mp4: Path, tmp_path: Path) -> None:
    """What was learned about a file's length is forgotten where another has taken its place."""
    path = tmp_path / "film.mp4"
    shutil.copy(mp4, path)
    source = FileSource(path, loop=True)
    source.open()
    for _ in range(FRAMES):
        source.grab()
    longer = make(tmp_path / "mp4v.mp4", FRAMES + 20)
    longer.replace(path)
    loops = [source.grab().loop_count for _ in range(FRAMES + 21)]
    source.close()
    assert loops == [1] * (FRAMES + 20) + [2]


def refusal(path: Path, start_frame: int = 0) -> str:
    """The words with which a file is refused."""
    with pytest.raises(SourceError) as caught:
        FileSource(path, start_frame=start_frame).open()
    return str(caught.value)


def test_bad_files_are_refused_in_one_clear_line(mp4: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each kind of bad file has words of its own that name the file; OpenCV's and FFmpeg's own noise is not seen."""
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("this is no film\n")
    with wave.open(str(tmp_path / "sound.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16000))
    (tmp_path / "cut.mp4").write_bytes(mp4.read_bytes()[:50_000])
    damaged(mp4, tmp_path / "zeros.mp4", 0, 1)
    words = {
        "missing.mp4": "does not exist",
        "empty.mp4": "is empty",
        "text.mp4": "is not a video that OpenCV",
        "sound.wav": "is not a video that OpenCV",
        "cut.mp4": "is not a video that OpenCV",
        "zeros.mp4": "gives no frame",
        ".": "is not a regular file",
    }
    for name, expected in words.items():
        text = refusal(tmp_path / name)
        assert expected in text, name
        assert str(tmp_path / name) in text
        assert "\n" not in text
    assert "has 90 frames" in refusal(mp4, start_frame=90)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_opening_can_be_cut_short(mp4: Path) -> None:
    """When all is to stop, the way to a far start frame is not walked to its end."""
    source = FileSource(mp4, start_frame=FRAMES - 1)
    source.cancel()
    with pytest.raises(SourceError, match="cancelled"):
        source.open()


def test_the_end_is_found_once(mp4: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first pass over a film has to find out, by trying, that nothing follows; later seams cost no time."""
    source = FileSource(mp4, loop=True)
    source.open()
    for _ in range(FRAMES + 1):
        source.grab()
    for patience in ("PATIENCE", "PATIENCE_WHERE_EXPECTED"):  # whoever tries again now does so for minutes
        monkeypatch.setattr(f"billiards_video.capture.film.{patience}", 10**8)
    assert [source.grab().loop_count for _ in range(FRAMES)] == [1] * (FRAMES - 1) + [2]
    source.close()


@pytest.mark.parametrize(
    ("path", "words"),
    [("http://camera/stream", "a stream's URL belongs into vision.camera.device_id"), ("a\0b.mp4", "has a NUL in it")],
    ids=["URL", "NUL"],
)
def test_what_no_file_is_called_is_refused(path: str, words: str) -> None:
    """A path that can be no file's says so, and what was probably meant."""
    with pytest.raises(SourceError, match=words):
        FileSource(path).open()

"""What is in a file and what comes out: codecs and containers, long damage, wrong counts, pictures that are none."""

import logging
import shutil
import struct
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from billiards_video.capture import SourceEnded, SourceError
from billiards_video.capture.file import FileSource
from make_video import damaged, encode_video, make_video, number_in

Pixels = npt.NDArray[np.uint8]

FRAMES = 60
LONG = 1600


def numbers_in(source: FileSource, limit: int = 10_000) -> list[int]:
    """Plays a film as fast as its frames can be taken; gives the number that each shows."""
    facts = source.open()
    out = np.empty((facts.height, facts.width, 3), np.uint8)
    numbers: list[int] = []
    try:
        while len(numbers) < limit:
            source.grab()
            assert source.retrieve(out) is out
            numbers.append(number_in(out))
    except SourceEnded:
        pass
    finally:
        source.close()
    return numbers


def until_it_fails(source: FileSource) -> str:
    """Plays a film at its pace until it fails; gives the words."""
    with pytest.raises(SourceError) as failed:
        numbers_in(source)
    text = str(failed.value)
    assert "\n" not in text
    return text


KINDS: list[tuple[str, dict[str, Any]]] = [
    ("h264.mp4", {}),
    ("h264.mkv", {"options": {"bf": "3"}}),
    ("h264.ts", {}),
    ("fragmented.mp4", {"container": {"movflags": "frag_keyframe+empty_moov"}}),
    ("faststart.mp4", {"container": {"movflags": "faststart"}}),
    ("odd.mkv", {"size": "321x241", "pixels": "yuv444p"}),
    ("gray.mkv", {"pixels": "gray"}),
    ("hevc10.mkv", {"codec": "libx265", "pixels": "yuv420p10le"}),
    ("vp9.webm", {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}}),
    ("mpeg2.mpg", {"codec": "mpeg2video", "fps": "25"}),
    ("mpeg4.avi", {"codec": "mpeg4"}),
    ("prores.mov", {"codec": "prores_ks", "pixels": "yuv422p10le"}),
]


@pytest.mark.parametrize(("name", "how"), KINDS, ids=[name for name, _ in KINDS])
def test_every_frame_of_every_kind(tmp_path: Path, name: str, how: dict[str, Any]) -> None:
    """Every frame comes once and in order, and a second pass gives the same again; parts of it are exact."""
    path = tmp_path / name
    encode_video(path, FRAMES, **how)
    film = list(range(FRAMES))
    assert numbers_in(FileSource(path)) == film
    assert numbers_in(FileSource(path, loop=True), limit=2 * FRAMES + 5) == [*film, *film, *film[:5]]
    assert numbers_in(FileSource(path, start_frame=41, end_frame=50)) == film[41:50]


@pytest.fixture(scope="module")
def long_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of more frames than a decoder may refuse in a row at the end of one."""
    path: Path = tmp_path_factory.mktemp("video") / "mp4v.mp4"
    make_video(path, LONG, size="128x96")
    return path


def test_a_long_corrupt_stretch_is_not_the_end(long_film: Path, tmp_path: Path) -> None:
    """Longer than any number of refusals by which the end could be known: what follows is played, in every pass."""
    path = damaged(long_film, tmp_path / "bad.mp4", 0.1, 0.95)
    source = FileSource(path)
    numbers = numbers_in(source)
    assert source.skipped > 1000
    assert len(numbers) + source.skipped == LONG
    assert numbers[:100] == list(range(100))
    assert numbers[-40:] == list(range(LONG - 40, LONG))
    looped = FileSource(path, loop=True, pace="unlimited")
    assert numbers_in(looped, limit=2 * len(numbers)) == 2 * numbers
    assert looped.skipped == 2 * source.skipped


def test_a_film_that_begins_with_a_corrupt_stretch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first frame is the first that can be decoded; but a file is not read for ever to find one."""
    whole = tmp_path / "whole.mp4"
    encode_video(whole, LONG, size="128x96", options={"g": "20", "preset": "ultrafast"})
    path = damaged(whole, tmp_path / "bad.mp4", 0, 0.95)
    source = FileSource(path)
    assert numbers_in(source)[-40:] == list(range(LONG - 40, LONG))
    assert source.skipped > 1000
    monkeypatch.setattr("billiards_video.capture.film.PATIENCE", 500)
    monkeypatch.setattr("billiards_video.capture.film.PATIENCE_AT_FIRST", 1000)
    with pytest.raises(SourceError, match="opens but gives no frame"):
        FileSource(path).open()


@pytest.mark.parametrize("announced", [1, 30, 900])
def test_a_loop_does_not_believe_announced_counts(tmp_path: Path, announced: int) -> None:
    """Too early or too late, what a header says does not move the end of any pass."""
    path = tmp_path / "MJPG.avi"
    make_video(path, FRAMES)
    lying = bytearray(path.read_bytes())
    struct.pack_into("<I", lying, lying.find(b"strh") + 8 + 32, announced)
    struct.pack_into("<I", lying, lying.find(b"avih") + 8 + 16, announced)
    path.write_bytes(lying)
    capture = cv2.VideoCapture(str(path))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == announced
    capture.release()
    assert numbers_in(FileSource(path, loop=True), limit=3 * FRAMES) == 3 * list(range(FRAMES))


def test_a_file_that_was_cut_off_ends_where_it_was_cut(tmp_path: Path) -> None:
    """What is there is played, and looped, though the header promises more."""
    whole, cut = tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    encode_video(whole, FRAMES, container={"movflags": "faststart"}, options={"g": "10", "bf": "0"})
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    numbers = numbers_in(FileSource(cut))
    assert 5 < len(numbers) < FRAMES
    assert numbers[:-2] == list(range(len(numbers) - 2))  # the last one may be half a picture
    assert len(numbers_in(FileSource(cut, loop=True), limit=2 * len(numbers))) == 2 * len(numbers)


def test_what_cannot_be_decoded_says_so(tmp_path: Path) -> None:
    """AV1 opens and gives no frame in OpenCV 5.0: an error that names the codec and the remedy. Elsewhere it plays."""
    path = tmp_path / "film.mp4"
    encode_video(path, 20, codec="libsvtav1")
    capture = cv2.VideoCapture(str(path))
    assert capture.isOpened()
    decodes = capture.read()[0]
    capture.release()
    if decodes:
        assert numbers_in(FileSource(path)) == list(range(20))
        return
    with pytest.raises(SourceError) as refused:
        FileSource(path).open()
    text = str(refused.value)
    assert "gives no frame" in text
    assert "AV01" in text
    assert "ffmpeg -i film.mp4" in text


INTERLACED = [
    ("film.mpg", {"codec": "mpeg2video", "options": {"flags": "+ildct+ilme"}}),
    ("film.ts", {"codec": "mpeg2video", "options": {"flags": "+ildct+ilme"}}),
    ("film.mp4", {"options": {"x264-params": "tff=1"}}),
]


def converts(path: Path) -> bool:
    """Whether this OpenCV gives the pictures of a film, which differ from each other."""
    capture = cv2.VideoCapture(str(path))
    numbers = [number_in(capture.read()[1].astype(np.uint8, copy=False)) for _ in range(4)]
    capture.release()
    return numbers == [0, 1, 2, 3]


@pytest.mark.parametrize(("name", "how"), INTERLACED, ids=[name for name, _ in INTERLACED])
@pytest.mark.parametrize("size", ["320x240", "720x576"])
def test_interlaced_films_are_refused(tmp_path: Path, name: str, how: dict[str, Any], size: str) -> None:
    """OpenCV reports success and gives black, or what lay about in memory: an error with the cause and the remedy."""
    path = tmp_path / name
    encode_video(path, 12, fps="25", size=size, **how)
    if converts(path):
        assert numbers_in(FileSource(path)) == list(range(12))
        return
    text = until_it_fails(FileSource(path))
    assert "is interlaced" in text
    assert f"ffmpeg -i {name} -vf yadif" in text


def test_an_interlaced_film_is_not_shown_to_its_end(tmp_path: Path) -> None:
    """The error comes as soon as the cause is known, while the film goes on at its pace: after a second or so."""
    path = tmp_path / "film.mpg"
    encode_video(path, 500, codec="mpeg2video", fps="25", size="160x120", options={"flags": "+ildct+ilme"})
    if converts(path):
        return

    def watch(source: FileSource) -> None:
        out = np.empty((120, 160, 3), np.uint8)
        while True:
            due_ns = source.grab().due_ns or 0
            time.sleep(max(0, due_ns - time.monotonic_ns()) / 1e9)
            source.retrieve(out)

    source = FileSource(path)
    source.open()
    began = time.monotonic()
    with pytest.raises(SourceError, match="is interlaced"):
        watch(source)
    source.close()
    assert time.monotonic() - began < 15  # of 20


def test_a_film_that_begins_in_black_is_played(tmp_path: Path) -> None:
    """Fading in from black, or beginning with a title that stands still, is no fault of a film."""
    path = tmp_path / "fade.mp4"
    shown = [-1] * 40 + [7] * 40 + list(range(20))
    encode_video(path, len(shown), shown=shown)
    source = FileSource(path)
    numbers = numbers_in(source)
    assert numbers == [max(number, 0) for number in shown]


def test_a_film_without_a_picture_that_is_not_black_is_an_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """At its end, since before it could have shown something; a warning comes earlier, once."""
    path = tmp_path / "black.mp4"
    encode_video(path, 8, fps="1", shown=[-1] * 8)
    with caplog.at_level(logging.WARNING):
        text = until_it_fails(FileSource(path, loop=True))
    assert "is black from its first frame to its last" in text
    assert "h264" in text
    [warning] = [record.getMessage() for record in caplog.records]
    assert f"file {path} has been black for 6 s" in warning


def test_one_white_pixel_is_a_picture(tmp_path: Path) -> None:
    """Only what is black altogether is taken for nothing."""
    path = tmp_path / "FFV1.mkv"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"FFV1"), 30, (320, 240))
    for number in range(10):
        frame = np.zeros((240, 320, 3), np.uint8)
        if number == 6:
            frame[131, 77] = 255
        writer.write(frame)
    writer.release()
    assert len(numbers_in(FileSource(path))) == 10


def test_a_film_of_one_frame(tmp_path: Path) -> None:
    """It is shown, and looped."""
    path = tmp_path / "one.mp4"
    encode_video(path, 1)
    assert numbers_in(FileSource(path)) == [0]
    assert numbers_in(FileSource(path, loop=True), limit=5) == [0] * 5


def test_rotation_is_honoured_from_every_quarter(tmp_path: Path) -> None:
    """What a phone says of how it was held is done: with the pixels of OpenCV's own rotation, in the array given."""
    lying = tmp_path / "lying.mp4"
    encode_video(lying, 5)
    matrices = {90: (0, 1, -1, 0, 240, 0), 180: (-1, 0, 0, -1, 320, 240), 270: (0, -1, 1, 0, 0, 320)}
    turns = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
    for degrees, (a, b, c, d, x, y) in matrices.items():
        data = bytearray(lying.read_bytes())
        values = (a << 16, b << 16, 0, c << 16, d << 16, 0, x << 16, y << 16, 1 << 30)
        matrix = data.find(b"tkhd") + 44
        data[matrix : matrix + 36] = struct.pack(">9i", *values)
        path = tmp_path / f"{degrees}.mp4"
        path.write_bytes(data)
        shutil.copystat(lying, path)
        plain, source = cv2.VideoCapture(str(lying)), FileSource(path)
        facts = source.open()
        out = np.empty((facts.height, facts.width, 3), np.uint8)
        for _ in range(5):
            source.grab()
            assert source.retrieve(out) is out
            assert np.array_equal(out, cv2.rotate(plain.read()[1], turns[degrees]))
        source.close()
        plain.release()

"""What all sources share: the fake, the pace of files, the pixels of strange cameras, and which source is chosen."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from billiards_video.capture import Source, SourceEnded, SourceError
from billiards_video.capture.device import DeviceSource
from billiards_video.capture.fake import FakeSource
from billiards_video.capture.file import FileSource
from billiards_video.capture.opencv import as_bgr
from billiards_video.capture.opencv_device import OpenCVDeviceSource
from billiards_video.capture.selection import source_for
from billiards_video.capture.stream import StreamSource
from billiards_video.capture.synthetic import SyntheticSource
from billiards_video.capture.timeline import Timeline
from billiards_video.config import CameraConfig

Pixels = npt.NDArray[np.uint8]

MS = 1_000_000
SECOND = 1_000_000_000


def picture(value: int, width: int = 8, height: int = 4) -> Pixels:
    """A picture of one colour."""
    return np.full((height, width, 3), value, np.uint8)


def test_the_fake_plays_its_script() -> None:
    """Pictures come in order, errors are raised where they stand, functions are called, and the end is the end."""
    called: list[str] = []
    source = FakeSource(
        [lambda: called.append("open"), picture(1), picture(2), SourceError("gone"), picture(3, width=5)]
    )
    out = picture(0)
    assert (source.open().width, called) == (8, ["open"])
    for value in (1, 2):
        source.grab()
        assert source.retrieve(out) is out
        assert (out == value).all()
    with pytest.raises(SourceError, match="gone"):
        source.grab()
    source.close()
    assert source.open().width == 5
    source.grab()
    other = source.retrieve(out)
    assert other is not None
    assert other is not out
    with pytest.raises(SourceEnded):
        source.grab()
    assert (source.opened, source.closed) == (2, 1)


class Clock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.now = 100 * SECOND

    def __call__(self) -> int:
        """The time it shows, in nanoseconds."""
        return self.now


def test_lateness_of_one_frame_does_not_move_the_next() -> None:
    """Times follow the positions from the first frame on, however late each was asked for."""
    clock = Clock()
    timeline, presented = Timeline(40 * MS, clock), []
    for number in range(50):
        presented.append(timeline.place(number * 40 * MS).presented_ns)
        clock.now = presented[-1] + number % 7 * 15 * MS
    assert [b - a for a, b in pairwise(presented)] == [40 * MS] * 49


def test_uneven_positions_are_kept() -> None:
    """A film of variable rate is shown at its own times, slow ones of several seconds a frame included."""
    positions = [0, 71 * MS, 1764 * MS, 1800 * MS, 9 * SECOND]
    clock = Clock()
    timeline, due = Timeline(40 * MS, clock), []
    for position in positions:
        due.append(timeline.place(position).due_ns)
        clock.now = due[-1]
    assert [moment - due[0] for moment in due] == positions


@pytest.mark.parametrize("wrong", [0, 20 * MS, 3600 * SECOND])
def test_a_wrong_position_counts_as_one_period(wrong: int) -> None:
    """Time that stands still, goes back or leaps, as in joined and damaged films, does not stop or race the film."""
    timeline = Timeline(40 * MS, Clock())
    due = [timeline.place(position).due_ns for position in (0, 40 * MS, wrong, wrong + 40 * MS)]
    assert [b - a for a, b in pairwise(due)] == [40 * MS] * 3


def test_a_little_lost_time_is_made_up_for_without_a_burst() -> None:
    """After a late frame the next ones come at twice the pace, so that readers can follow, until all is as it was."""
    clock = Clock()
    timeline = Timeline(40 * MS, clock)
    timeline.place(0)
    clock.now += 40 * MS + 100 * MS  # the second frame is 100 ms late
    shown = []
    for number in range(1, 9):
        moment = timeline.place(number * 40 * MS)
        clock.now = max(clock.now, moment.due_ns)
        shown.append(clock.now - moment.presented_ns)
    assert shown == [lateness * MS for lateness in (100, 80, 60, 40, 20, 0, 0, 0)]


def test_much_lost_time_is_not_played_back() -> None:
    """After more than a second in which nothing was shown, the film goes on from now, at its own pace."""
    clock = Clock()
    timeline = Timeline(40 * MS, clock)
    timeline.place(0)
    clock.now += 5 * SECOND
    assert timeline.place(40 * MS) == (clock.now, clock.now)
    assert timeline.place(80 * MS).due_ns == clock.now + 40 * MS


@pytest.mark.parametrize("size", [(640, 480), (641, 481)])
@pytest.mark.parametrize("kind", ["gray", "gray of three axes", "16 bit gray", "BGRA"])
def test_other_pixel_formats_become_bgr(kind: str, size: tuple[int, int]) -> None:
    """What a camera gives beside BGR is converted into the array where it fits, and into a new one elsewhere."""
    width, height = size
    gray = np.random.default_rng(1).integers(0, 256, (height, width), np.uint8)
    expected = np.stack([gray] * 3, axis=2)
    given = {
        "gray": gray,
        "gray of three axes": gray[:, :, None],
        "16 bit gray": gray.astype(np.uint16) * 256,
        "BGRA": np.dstack([expected, np.full_like(gray, 255)]),
    }[kind]
    out = np.zeros((height, width, 3), np.uint8)
    assert as_bgr(given, out) is out
    assert np.array_equal(out, expected)
    elsewhere = as_bgr(given, np.zeros((2, 2, 3), np.uint8))
    assert np.array_equal(elsewhere, expected)


def test_pixels_that_cannot_be_shown_are_refused() -> None:
    """Two channels, or floating point, are an error that says what came."""
    with pytest.raises(SourceError, match="2 channels of uint8"):
        as_bgr(np.zeros((4, 4, 2), np.uint8), picture(0))
    with pytest.raises(SourceError, match="3 channels of float32"):
        as_bgr(np.zeros((4, 4, 3), np.float32), picture(0))


@pytest.mark.parametrize(
    ("camera", "kind", "text"),
    [
        (CameraConfig(), DeviceSource, "device 0"),
        (CameraConfig(device_id="2"), DeviceSource, "device 2"),
        (CameraConfig(device_id="/dev/v4l/by-id/usb-cam"), DeviceSource, "device /dev/v4l/by-id/usb-cam"),
        (CameraConfig(device_id="/dev/null"), DeviceSource, "device /dev/null"),
        (CameraConfig(device_id="camera:C920"), DeviceSource, "device camera:C920"),
        (CameraConfig(device_id=1, backend="v4l2"), OpenCVDeviceSource, "device 1"),
        (CameraConfig(device_id="film.mp4"), FileSource, "file film.mp4"),
        (CameraConfig(device_id="rtsp://u:secret@cam/1"), StreamSource, "stream rtsp://cam/1"),
        (CameraConfig(device_id="rtsp://cam", video_file_path="/a b.avi"), FileSource, "file /a b.avi"),
        (CameraConfig(device_id="synthetic"), SyntheticSource, ""),
    ],
)
def test_the_configuration_chooses_the_source(camera: CameraConfig, kind: type[Source], text: str) -> None:
    """A number or a path under /dev is a device, a URL a stream, any other path a file; a file named as such wins."""
    source = source_for(camera)
    assert type(source) is kind
    assert text in source.text
    assert "secret" not in source.text


def test_a_synthetic_source_has_the_size_and_rate_asked_for() -> None:
    """`synthetic:WxH@F` is drawn at that size and rate."""
    source = source_for(CameraConfig(device_id="synthetic:320x240@59.94"))
    facts = source.open()
    source.close()
    assert (facts.width, facts.height, facts.fps) == (320, 240, 59.94)


@pytest.mark.parametrize(
    "text", ["synthetic:", "synthetic:0x10", "synthetic:99999x1", "synthetics", "synthetic:8x8@0", "camera: "]
)
def test_a_misspelt_source_is_refused(text: str) -> None:
    """What begins like the synthetic source, or like a camera's name, and is none is an error that shows the form."""
    with pytest.raises(ValueError, match=r"vision\.camera\.device_id"):
        source_for(CameraConfig(device_id=text))


def test_sources_need_opening_first() -> None:
    """A source that was not opened, or was closed, says so instead of failing strangely."""
    sources = (StreamSource("rtsp://cam"), DeviceSource(0), OpenCVDeviceSource(0, backend="any"))
    for source in (FileSource(Path("a.mp4")), *sources):
        source.close()
        with pytest.raises(SourceError, match="not open"):
            source.grab()

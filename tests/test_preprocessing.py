"""What is done to a frame before it is published: against NumPy's and OpenCV's own, pixel by pixel, and in place."""

import itertools
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from billiards_video.capture.fake import FakeSource
from billiards_video.capture.preprocessing import Preprocessing, PreprocessingError, preprocessing_for
from billiards_video.capture.preprocessing.calibration import read_calibration
from billiards_video.config import VideoConfig

Pixels = npt.NDArray[np.uint8]

WIDTH, HEIGHT = 101, 67
MATRIX = np.array([[900.0, 0, 633.5], [0, 880.0, 352.0], [0, 0, 1]])
BARREL = np.array([-0.32, 0.12, 0.001, -0.002, -0.02])


def picture(width: int = WIDTH, height: int = HEIGHT, seed: int = 1) -> Pixels:
    """A picture in which no two pixels need be alike."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def write_calibration(path: Path, size: tuple[int, int] = (1280, 720), **values: Any) -> Path:  # noqa: ANN401 - as cv2
    """Writes a calibration as OpenCV does. A value given replaces one, None leaves it out."""
    width, height = size
    known: dict[str, Any] = {
        "image_width": width,
        "image_height": height,
        "camera_matrix": MATRIX,
        "dist_coeffs": BARREL,
    }
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    for name, value in (known | values).items():
        if value is not None:
            storage.write(name, value)
    storage.release()
    return path


def preprocessing(calibration: Path | None = None, **steps: Any) -> Preprocessing:  # noqa: ANN401 - as in the file
    """What a configuration with these steps asks for."""
    correction = {"enable_distortion_correction": True, "calibration_file_path": str(calibration)}
    data = {"preprocessing": steps, **(correction if calibration else {})}
    made, warning = preprocessing_for(VideoConfig.model_validate(data))
    assert warning is None
    assert made is not None
    return made


def published(made: Preprocessing, frame: Pixels) -> Pixels:
    """What becomes of a frame, in an array in the middle of others' memory, as a slot is: nothing else is written."""
    height, width = frame.shape[:2]
    source = FakeSource([frame])
    source.open()
    width, height = made.size(width, height)
    shape = (height, width) if made.grayscale else (height, width, 3)
    memory = np.full(np.prod(shape) + 64, 77, np.uint8)
    out = memory[13 : 13 + np.prod(shape)].reshape(shape)
    assert made.retrieve(source, out) is out
    assert (memory[:13] == 77).all()
    assert (memory[13 + out.size :] == 77).all()
    return out


def turned(frame: Pixels, rotate: int, flip: str) -> Pixels:
    """The same by NumPy: a clockwise rotation, then a flip."""
    frame = np.rot90(frame, -rotate // 90)
    if flip in ("horizontal", "both"):
        frame = frame[:, ::-1]
    return frame[::-1] if flip in ("vertical", "both") else frame


ORIENTATIONS = list(itertools.product((0, 90, 180, 270), ("none", "horizontal", "vertical", "both")))[1:]


@pytest.mark.parametrize(("rotate", "flip"), ORIENTATIONS)
def test_rotation_and_flip(rotate: int, flip: str) -> None:
    """Every way to lay a picture down is NumPy's, to the pixel, for sizes that are odd, and for gray pictures."""
    frame = picture()
    steps: dict[str, Any] = {"rotate": rotate, "flip": flip}
    assert np.array_equal(published(preprocessing(**steps), frame), turned(frame, rotate, flip))
    gray = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY).astype(np.uint8)
    assert np.array_equal(published(preprocessing(**steps, grayscale=True), frame), turned(gray, rotate, flip))


@pytest.mark.parametrize(("rotate", "flip"), [(0, "none"), *ORIENTATIONS])
def test_a_crop_is_counted_in_the_picture_as_it_is_seen(rotate: int, flip: str) -> None:
    """x, y, width and height are those in the picture after rotation and flip."""
    frame = picture()
    x, y, width, height = crop = (11, 5, 40, 50)
    part = turned(frame, rotate, flip)[y : y + height, x : x + width]
    assert np.array_equal(published(preprocessing(crop=crop, rotate=rotate, flip=flip), frame), part)


def test_a_crop_may_touch_each_edge_and_not_leave_it() -> None:
    """The whole frame and its last pixel can be asked for; one pixel more is refused, in the words of the key."""
    frame = picture()
    assert np.array_equal(published(preprocessing(crop=(0, 0, WIDTH, HEIGHT)), frame), frame)
    last = preprocessing(crop=(WIDTH - 1, HEIGHT - 1, 1, 1))
    assert np.array_equal(published(last, frame), frame[-1:, -1:])
    for crop in [(0, 0, WIDTH + 1, 1), (1, 0, WIDTH, 1), (0, 1, 1, HEIGHT)]:
        with pytest.raises(PreprocessingError) as refused:
            preprocessing(crop=crop).size(WIDTH, HEIGHT)
        assert f"video.preprocessing.crop {list(crop)}" in str(refused.value)
        assert f"{WIDTH}x{HEIGHT}" in str(refused.value)
    assert preprocessing(crop=(0, 0, HEIGHT, WIDTH), rotate=90).size(WIDTH, HEIGHT) == (HEIGHT, WIDTH)
    with pytest.raises(PreprocessingError, match=f"{HEIGHT}x{WIDTH}"):
        preprocessing(crop=(0, 0, WIDTH, HEIGHT), rotate=90).size(WIDTH, HEIGHT)


def test_resizing_is_opencvs() -> None:
    """A smaller picture is averaged over areas, a larger one interpolated, as OpenCV does."""
    frame = picture()
    small = cv2.resize(frame, (33, 20), interpolation=cv2.INTER_AREA)
    large = cv2.resize(frame, (200, 150), interpolation=cv2.INTER_LINEAR)
    assert np.array_equal(published(preprocessing(resize=(33, 20)), frame), small)
    assert np.array_equal(published(preprocessing(resize=(200, 150)), frame), large)


def test_all_steps_in_their_order() -> None:
    """Rotation, flip, crop, then size; gray is as if it were made at any of these places, but for rounding."""
    frame = cv2.GaussianBlur(picture(300, 200), (0, 0), 3).astype(np.uint8)
    x, y, width, height = crop = (20, 30, 120, 160)
    steps: dict[str, Any] = {"rotate": 90, "flip": "vertical", "crop": crop, "resize": (60, 80)}
    part = np.ascontiguousarray(turned(frame, 90, "vertical")[y : y + height, x : x + width])
    expected = cv2.resize(part, (60, 80), interpolation=cv2.INTER_AREA)
    assert np.array_equal(published(preprocessing(**steps), frame), expected)
    gray = published(preprocessing(**steps, grayscale=True), frame)
    assert gray.shape == (80, 60)
    wanted = cv2.cvtColor(expected, cv2.COLOR_BGR2GRAY).astype(int)
    assert np.abs(gray - wanted).max() <= 1


def test_one_frame_leaves_nothing_in_the_next() -> None:
    """What is kept between frames, to save making it anew, is not seen in them."""
    made = preprocessing(rotate=90, resize=(30, 40), grayscale=True)
    frames = [picture(seed=seed) for seed in range(3)]
    once = [published(preprocessing(rotate=90, resize=(30, 40), grayscale=True), frame) for frame in frames]
    assert all(np.array_equal(published(made, frame), alone) for frame, alone in zip(frames, once, strict=True))


def test_undistortion_is_opencvs(tmp_path: Path) -> None:
    """At the calibrated resolution the result is that of `cv2.undistort`, to the last bit but one."""
    frame = cv2.GaussianBlur(picture(1280, 720), (0, 0), 2).astype(np.uint8)
    expected = cv2.undistort(frame, MATRIX, BARREL).astype(int)
    for name in ("lens.yml", "lens.xml", "lens.json"):
        corrected = published(preprocessing(write_calibration(tmp_path / name)), frame)
        assert np.abs(corrected - expected).max() <= 1
    assert np.abs(frame - expected).max() > 50


@pytest.mark.parametrize("size", [(1280, 720), (640, 360), (320, 180), (1920, 1080)])
def test_straight_lines_are_straight_again_at_every_resolution(tmp_path: Path, size: tuple[int, int]) -> None:
    """Dots where the lens shows a flat grid come to lie where a pinhole shows it: also where pictures were scaled.

    The frames are the calibrated camera's, made smaller or larger as a camera or a decoder does it.
    """
    x, y = np.meshgrid(np.linspace(-0.42, 0.42, 9), np.linspace(-0.2, 0.2, 5))
    grid = np.stack([x.ravel(), y.ravel(), np.ones(x.size)], axis=1)
    still = np.zeros(3)
    seen = cv2.projectPoints(grid, still, still, MATRIX, BARREL)[0].reshape(-1, 2)
    ideal = cv2.projectPoints(grid, still, still, MATRIX, np.zeros(5))[0].reshape(-1, 2)
    assert np.linalg.norm(seen - ideal, axis=1).max() > 20
    frame = np.zeros((720, 1280))
    for across, down in seen:
        left, top = round(across) - 40, round(down) - 40
        rows, columns = np.mgrid[top : top + 80, left : left + 80]
        frame[top : top + 80, left : left + 80] += 255 * np.exp(-((columns - across) ** 2 + (rows - down) ** 2) / 60)
    shades = np.repeat(frame.round().astype(np.uint8)[..., None], 3, axis=2)
    scaled = cv2.resize(shades, size, interpolation=cv2.INTER_AREA if size[0] < 1280 else cv2.INTER_LINEAR)
    corrected = published(preprocessing(write_calibration(tmp_path / "lens.yml")), scaled.astype(np.uint8))[..., 0]
    scale = size[0] / 1280
    reach = round(25 * scale)
    for across, down in (ideal + 0.5) * scale - 0.5:
        left, top = round(across) - reach, round(down) - reach
        rows, columns = np.mgrid[top : top + 2 * reach, left : left + 2 * reach]
        weights = corrected[top : top + 2 * reach, left : left + 2 * reach].astype(float)
        centre = (columns * weights).sum() / weights.sum(), (rows * weights).sum() / weights.sum()
        assert np.hypot(centre[0] - across, centre[1] - down) < 0.35 * max(scale, 0.5)


@pytest.mark.parametrize("size", [(640, 360), (1920, 1080), (1366, 768)])
def test_the_matrix_is_that_of_a_scaled_picture(tmp_path: Path, size: tuple[int, int]) -> None:
    """What is seen at a point of the calibrated picture is seen where that point comes to lie in the scaled one."""
    calibration = read_calibration(str(write_calibration(tmp_path / "lens.yml")))
    point = np.array([0.3, -0.2, 1.0])
    across, down, _ = MATRIX @ point
    expected = (across + 0.5) * size[0] / 1280 - 0.5, (down + 0.5) * size[1] / 720 - 0.5
    assert (calibration.matrix_for(*size) @ point)[:2] == pytest.approx(expected)


@pytest.mark.parametrize(("rotate", "flip"), [(0, "none"), (90, "none"), (180, "vertical"), (270, "horizontal")])
def test_what_follows_the_undistortion_is_done_in_one_lookup_with_it(tmp_path: Path, rotate: int, flip: str) -> None:
    """The result is the same to the bit as that of one step after the other."""
    frame = picture(1280, 720)
    lens = write_calibration(tmp_path / "lens.yml")
    x, y, width, height = crop = (100, 50, 300, 600)
    corrected = published(preprocessing(lens), frame)
    expected = turned(corrected, rotate, flip)[y : y + height, x : x + width]
    assert np.array_equal(published(preprocessing(lens, rotate=rotate, flip=flip, crop=crop), frame), expected)


def test_another_aspect_ratio_is_refused(tmp_path: Path) -> None:
    """What a sensor shows of itself in another aspect ratio nobody knows; the line says what to do."""
    made = preprocessing(write_calibration(tmp_path / "lens.yml"))
    assert made.size(1366, 768) == (1366, 768)  # as near to 16:9 as it gets in multiples of two
    with pytest.raises(PreprocessingError) as refused:
        made.size(640, 480)
    words = str(refused.value)
    assert "640x480" in words
    assert "1280x720" in words
    assert "lens.yml" in words
    assert "vision.camera.resolution" in words
    assert "\n" not in words


def test_nothing_is_in_the_path_where_nothing_is_asked(tmp_path: Path) -> None:
    """The defaults make no preprocessing at all, and a calibration file alone, without the switch, does not either."""
    assert preprocessing_for(VideoConfig()) == (None, None)
    assert preprocessing_for(VideoConfig(calibration_file_path=str(tmp_path / "missing.yml"))) == (None, None)


def test_steps_that_change_nothing_are_left_out() -> None:
    """Frames that have the wanted size already are written by the source into the array that is to be published."""
    made = preprocessing(resize=(WIDTH, HEIGHT), crop=(0, 0, WIDTH, HEIGHT))
    made.size(WIDTH, HEIGHT)

    class Watched(FakeSource):
        given: Pixels | None = None

        def retrieve(self, out: Pixels) -> Pixels | None:
            self.given = out
            return super().retrieve(out)

    source, out = Watched([picture()]), np.empty((HEIGHT, WIDTH, 3), np.uint8)
    source.open()
    assert made.retrieve(source, out) is out
    assert source.given is out
    assert np.array_equal(out, picture())


def test_frames_that_change_their_size(tmp_path: Path) -> None:
    """A frame of another size is preprocessed as that size needs it, and comes in an array of its own."""
    made = preprocessing(write_calibration(tmp_path / "lens.yml"), rotate=90)
    source = FakeSource([picture(1280, 720), picture(640, 360), picture(640, 360, seed=2), picture(640, 480)])
    source.open()
    width, height = made.size(1280, 720)
    first = np.empty((height, width, 3), np.uint8)
    source.grab()
    assert made.retrieve(source, first) is first
    source.grab()
    second = made.retrieve(source, first)
    assert second is not None
    assert second is not first
    assert np.array_equal(second, published(preprocessing(tmp_path / "lens.yml", rotate=90), picture(640, 360)))
    source.grab()
    third = np.empty_like(second)
    assert made.retrieve(source, third) is third
    source.grab()
    with pytest.raises(PreprocessingError, match="640x480"):
        made.retrieve(source, third)


def test_a_frame_that_cannot_be_converted_stays_none() -> None:
    """Where the source has no picture to give, neither has the preprocessing."""

    class Broken(FakeSource):
        def retrieve(self, out: Pixels) -> Pixels | None:
            assert out.size
            return None

    made = preprocessing(rotate=180)
    made.size(WIDTH, HEIGHT)
    assert made.retrieve(Broken([]), picture()) is None


def test_a_missing_calibration_is_a_warning(tmp_path: Path) -> None:
    """An uncorrected picture is better than none; the other steps are done."""
    for path, words in [(str(tmp_path / "lens.yml"), "lens.yml does not exist"), (None, "names no file")]:
        video = VideoConfig(enable_distortion_correction=True, calibration_file_path=path)
        made, warning = preprocessing_for(video)
        assert made is None
        assert warning is not None
        assert words in warning
        assert "not corrected" in warning


@pytest.mark.parametrize("count", [4, 5, 8, 12, 14])
def test_every_number_of_coefficients_that_opencv_has(tmp_path: Path, count: int) -> None:
    """4, 5, 8, 12 and 14 coefficients are taken, in a row or in a column, under either name that is in use."""
    lens = np.zeros(count)
    lens[0] = -0.2
    frame = picture(1280, 720)
    expected = cv2.undistort(frame, MATRIX, lens).astype(int)
    for values in ({"dist_coeffs": lens[None]}, {"dist_coeffs": None, "distortion_coefficients": lens[:, None]}):
        made = preprocessing(write_calibration(tmp_path / "lens.yml", **values))
        assert np.abs(published(made, frame) - expected).mean() < 0.5


def test_files_that_other_programs_write(tmp_path: Path) -> None:
    """Nested lists in JSON, and the maps of ROS, are read as well as OpenCV's own matrices."""
    frame = picture(1280, 720)
    expected = published(preprocessing(write_calibration(tmp_path / "lens.yml")), frame)
    lists = tmp_path / "lists.json"
    lists.write_text(
        f'{{"camera_matrix": {MATRIX.tolist()}, "dist_coeffs": [{BARREL.tolist()}],'
        ' "image_width": 1280, "image_height": 720.0}'
    )
    ros = tmp_path / "ros.yaml"
    ros.write_text(
        "image_width: 1280\nimage_height: 720\ncamera_name: table\n"
        f"camera_matrix:\n  rows: 3\n  cols: 3\n  data: {MATRIX.ravel().tolist()}\ndistortion_model: plumb_bob\n"
        f"distortion_coefficients:\n  rows: 1\n  cols: 5\n  data: {BARREL.tolist()}\n"
    )
    for path in (lists, ros):
        assert np.array_equal(published(preprocessing(path), frame), expected)


BROKEN = [
    ({"camera_matrix": None}, "has no camera_matrix (it has image_width, image_height, dist_coeffs)"),
    ({"dist_coeffs": None}, "has no dist_coeffs"),
    ({"image_width": None}, "has no image_width"),
    ({"image_height": 0}, "image_height is [0.0]"),
    ({"image_width": 640.5}, "image_width is [640.5]"),
    ({"image_width": "wide"}, "image_width holds what is no number"),
    ({"camera_matrix": np.eye(2)}, "camera_matrix is 4 numbers"),
    ({"camera_matrix": np.zeros((3, 3))}, "camera_matrix is [[0.0, 0.0, 0.0]"),
    ({"camera_matrix": MATRIX.T}, "fx and fy above 0"),
    ({"camera_matrix": MATRIX * np.nan}, "camera_matrix holds what is no number"),
    ({"dist_coeffs": np.zeros(3)}, "dist_coeffs has 3 numbers; allowed: 4, 5, 8, 12 or 14"),
    ({"dist_coeffs": np.zeros((4, 4))}, "dist_coeffs has 16 numbers"),
    ({"fisheye_model": 1, "dist_coeffs": np.zeros(4)}, "fisheye"),
    ({"distortion_model": "equidistant", "dist_coeffs": np.zeros(4)}, "cv2.calibrateCamera"),
]


@pytest.mark.parametrize(("values", "words"), BROKEN, ids=[words for _, words in BROKEN])
def test_a_wrong_calibration_is_one_line(tmp_path: Path, values: dict[str, Any], words: str) -> None:
    """Each mistake in a file is told with the file, the key, and what is allowed."""
    path = write_calibration(tmp_path / "lens.yml", **values)
    with pytest.raises(ValueError, match=r"video\.calibration_file_path: ") as refused:
        preprocessing(path)
    text = str(refused.value)
    assert str(path) in text
    assert words in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("lens.yml", b"", "is empty"),
        ("lens.yml", b"hello\n", "is no calibration file"),
        ("lens.yml", b"%YAML:1.0\n---\ncamera_matrix: [1, 2\nb: 3\n", "is no calibration file"),
        ("lens.json", b'{"camera_matrix": }', "is no calibration file"),
        ("lens.xml", b'<?xml version="1.0"?><opencv_storage><a></opencv_storage>', "is no calibration file"),
        ("lens.npz", bytes(range(256)), "is no calibration file"),
        ("..", None, "cannot be read: Is a directory"),
    ],
)
def test_what_is_no_calibration_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, content: bytes | None, words: str
) -> None:
    """A file that OpenCV cannot read is told in one line with what is asked for; OpenCV's own words are not seen."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=words) as refused:
        preprocessing(path)
    text = str(refused.value)
    assert "camera_matrix, dist_coeffs, image_width and image_height" in text
    assert "\n" not in text
    assert capfd.readouterr() == ("", "")


def test_the_steps_are_told_in_their_order(tmp_path: Path) -> None:
    """The log has a line that says what is done."""
    made = preprocessing(
        write_calibration(tmp_path / "lens.yml"),
        rotate=90,
        flip="both",
        crop=(1, 2, 3, 4),
        resize=(5, 6),
        grayscale=True,
    )
    assert str(made) == (
        f"undistorted by {tmp_path}/lens.yml, rotated by 90, flipped (both), cropped to 3x4 at 1,2,"
        " resized to 5x6, gray"
    )

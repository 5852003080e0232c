"""The synthetic source: what it draws, when, and that its code finds every frame that is not one whole frame."""

import subprocess
import sys
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from billiards_video.capture.picture import Picture
from billiards_video.capture.picture.layout import BREADTH, LENGTH
from billiards_video.capture.picture.motion import Rack
from billiards_video.capture.synthetic import SyntheticSource
from billiards_video.frame_code import DamagedFrame, ForeignFrame, FrameCodeError, TornFrame, check, seal

Pixels = npt.NDArray[np.uint8]

WIDTH, HEIGHT = 160, 120
SECOND = 1_000_000_000
NOON = 1_700_000_000 * SECOND


def _drawn(picture: Picture, number: int) -> Pixels:
    """Frame `number` at 30 frames a second, drawn over rubbish, as a buffer of shared memory holds it."""
    out = np.random.default_rng(number).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    picture.draw(out, number, number * SECOND // 30, NOON + number * SECOND // 30)
    return out


class Clock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.now = 5 * SECOND

    def __call__(self) -> int:
        """The time it shows, in nanoseconds."""
        return self.now


def test_a_frame_is_a_function_of_its_number() -> None:
    """Frames drawn in any order, by any `Picture` of one seed, over any contents, are the same to the last bit."""
    numbers = [0, 7, 45, 46, 611, 1300]
    forward, other = Picture(WIDTH, HEIGHT, 30, seed=3), Picture(WIDTH, HEIGHT, 30, seed=3)
    expected = {number: _drawn(forward, number) for number in numbers}
    for number in [1300, 46, 0, 611, 7, 45]:
        assert np.array_equal(_drawn(other, number), expected[number]), number
        assert np.array_equal(_drawn(forward, number), expected[number]), number


def test_frames_and_seeds_differ() -> None:
    """Something moves from each frame to the next, beside the code and the readings; a seed is a game."""
    picture = Picture(WIDTH, HEIGHT, 30, seed=1)
    felt = (slice(20, 85), slice(20, 140))
    frames = [_drawn(picture, number)[felt] for number in range(40, 60)]
    assert all((a != b).any() for a, b in pairwise(frames))
    assert (frames[0] != _drawn(Picture(WIDTH, HEIGHT, 30, seed=2), 40)[felt]).any()


def test_balls_stay_on_the_table_and_roll_on() -> None:
    """In a whole game no ball enters another or a cushion, and no energy is lost between them."""
    first, second = np.triu_indices(16, 1)

    def speeds_squared(rack: Rack, seconds: float) -> float:
        return float(np.square((rack.at(seconds + 1e-6).places - rack.at(seconds).places) / 1e-6).sum())

    for game in range(3):
        rack = Rack(seed=0, game=game)
        shot = speeds_squared(rack, 0.81)
        assert shot > 0
        for step in range(20 * 60):
            places = rack.at(step / 60).places
            apart = np.hypot(*(places[first] - places[second]).T)
            assert apart.min() > 2 - 1e-9
            assert places.min() > 1 - 1e-9
            assert (places.max(axis=0) < (LENGTH - 1 + 1e-9, BREADTH - 1 + 1e-9)).all()
        assert speeds_squared(rack, 20.0) == pytest.approx(shot, rel=1e-5)


@pytest.mark.parametrize("shape", [(120, 160, 3), (120, 160), (121, 163, 3), (121, 163), (7, 6, 4), (2, 24)], ids=str)
@pytest.mark.parametrize("number", [0, 1, 2**32, 2**64 - 1])
def test_check_gives_the_number(shape: tuple[int, ...], number: int) -> None:
    """Whatever the format, a sealed picture says its number: from a read-only view and from a padded one too."""
    frame = np.random.default_rng(5).integers(0, 256, shape, np.uint8)
    seal(frame, number)
    frame.flags.writeable = False
    assert check(frame) == number
    padded = np.zeros((shape[0], shape[1] + 5, *shape[2:]), np.uint8)
    padded[:, : shape[1]] = frame
    assert check(padded[:, : shape[1]]) == number


def test_every_splice_of_two_frames_is_torn() -> None:
    """The first rows of one frame above the rest of another are a torn frame at every row, whichever frames."""
    picture = Picture(WIDTH, HEIGHT, 30)
    frames = [_drawn(picture, number) for number in (100, 101, 102, 356, 100 + 2**16)]
    for above in frames:
        for below in frames:
            if above is below:
                continue
            for row in range(1, HEIGHT):
                with pytest.raises(TornFrame):
                    check(np.concatenate((above[:row], below[row:])))


def test_every_byte_of_a_torn_write_is_found() -> None:
    """A frame overwritten by the next up to any byte is torn, unless the two happen to be equal from there on."""
    picture = Picture(WIDTH, HEIGHT, 30)
    old, new = (_drawn(picture, number).reshape(-1) for number in (255, 256))
    mixed = old.copy()
    whole = 0
    for byte in range(1, mixed.size):
        mixed[byte - 1] = new[byte - 1]
        if (mixed[byte:] == new[byte:]).all() or (mixed[:byte] == old[:byte]).all():
            whole += 1
            continue
        with pytest.raises(TornFrame):
            check(mixed.reshape(HEIGHT, WIDTH, 3))
    assert whole < 16


def test_a_torn_frame_says_where() -> None:
    """The error names the rows and the frames they belong to."""
    picture = Picture(WIDTH, HEIGHT, 30)
    torn = np.concatenate((_drawn(picture, 8)[:50], _drawn(picture, 7)[50:]))
    with pytest.raises(TornFrame, match=r"rows 0 to 49 are of frame 8, rows 50 to 119 are of frame 7"):
        check(torn)


def test_a_half_written_buffer_is_no_frame() -> None:
    """Where the lower half was never written, the frame is torn."""
    frame = _drawn(Picture(WIDTH, HEIGHT, 30), 8)
    frame[60:] = 0
    with pytest.raises(TornFrame):
        check(frame)


def test_one_changed_bit_is_found_wherever_it_is() -> None:
    """A single bit that differs, in the picture or in the code, is refused."""
    frame = _drawn(Picture(WIDTH, HEIGHT, 30), 77)
    row = WIDTH * 3
    places = [
        0,
        7,
        8,
        row // 2,
        row - 1,
        frame.size // 2,
        frame.size - 17,
        frame.size - 16,
        frame.size - 9,
        frame.size - 1,
    ]
    for place in places:
        for bit in range(8):
            changed = frame.copy()
            changed.reshape(-1)[place] ^= 1 << bit
            with pytest.raises(FrameCodeError):
                check(changed)
    damaged = frame.copy()
    damaged[HEIGHT // 2, WIDTH // 2, 0] ^= 1
    with pytest.raises(DamagedFrame, match="Damaged frame 77"):
        check(damaged)


@pytest.mark.parametrize("kind", ["black", "white", "noise", "gradient", "other channel order", "scaled"])
def test_a_foreign_picture_is_refused(kind: str) -> None:
    """A picture that was never sealed, or was converted since, is called foreign."""
    frame = _drawn(Picture(WIDTH, HEIGHT, 30), 5)
    pictures = {
        "black": np.zeros_like(frame),
        "white": np.full_like(frame, 255),
        "noise": np.random.default_rng(0).integers(0, 256, frame.shape, np.uint8),
        "gradient": np.broadcast_to(np.arange(HEIGHT, dtype=np.uint8)[:, np.newaxis, np.newaxis], frame.shape),
        "other channel order": frame[:, :, ::-1],
        "scaled": frame[::2, ::2],
    }
    with pytest.raises(ForeignFrame):
        check(pictures[kind])


@pytest.mark.parametrize("shape", [(10,), (10, 7, 3), (10, 2, 3, 3), (0, 160, 3), (1, 160, 3)], ids=str)
def test_no_picture_is_a_plain_value_error(shape: tuple[int, ...]) -> None:
    """An array that cannot carry a code is refused by its shape."""
    with pytest.raises(ValueError, match="needs a contiguous uint8 array"):
        check(np.zeros(shape, np.uint8))


def test_the_code_needs_no_opencv() -> None:
    """A reader that checks frames loads NumPy and nothing of OpenCV."""
    code = "import sys, billiards_video.frame_code; sys.exit('cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("fps", [30.0, 60.0, 30000 / 1001, 24.975, 0.5])
def test_deadlines_do_not_drift(fps: float) -> None:
    """However late within a frame each grab comes, frame n is due n / fps after the first, to the nanosecond."""
    clock = Clock()
    source = SyntheticSource(WIDTH, HEIGHT, fps, clock=clock)
    source.open()
    start = clock.now
    rate = Fraction(fps).limit_denominator(10**6)
    late = np.random.default_rng(1).integers(0, int(SECOND / fps), 20_000).tolist()
    for number, after in enumerate(late):
        grabbed = source.grab()
        assert grabbed.due_ns == start + int(number * SECOND / rate)
        assert grabbed.captured_ns == grabbed.due_ns
        assert not grabbed.discontinuity
        clock.now = grabbed.due_ns + after
    assert source.skipped == 0


def test_frames_wait_for_a_short_delay_and_are_lost_in_a_long_one() -> None:
    """Four frames late, all of them are given; after that the number jumps to the newest, and it is said."""
    clock = Clock()
    source = SyntheticSource(WIDTH, HEIGHT, 10, clock=clock)
    source.open()
    out = np.empty((HEIGHT, WIDTH, 3), np.uint8)

    def next_frame() -> tuple[int, bool]:
        grabbed = source.grab()
        assert source.retrieve(out) is out
        return check(out), grabbed.discontinuity

    assert next_frame() == (0, False)
    clock.now += SECOND // 2  # frame 5 is taken now
    assert [next_frame() for _ in range(5)] == [(1, False), (2, False), (3, False), (4, False), (5, False)]
    clock.now += SECOND  # frame 15
    assert [next_frame() for _ in range(2)] == [(15, True), (16, False)]
    assert source.skipped == 9


def test_the_source_starts_again_when_it_is_opened_again() -> None:
    """After `close` and `open` numbers begin at 0, and the picture is the same source's."""
    source = SyntheticSource(WIDTH, HEIGHT, 30)
    out = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    for _ in range(2):
        facts = source.open()
        assert (facts.width, facts.height, facts.fps) == (WIDTH, HEIGHT, 30)
        for number in range(3):
            source.grab()
            source.retrieve(out)
            assert check(out) == number
        source.close()
        source.close()


def test_an_array_of_another_shape_is_left_alone() -> None:
    """Where `out` does not fit, the frame comes in an array of its own."""
    source = SyntheticSource(WIDTH, HEIGHT, 30)
    source.open()
    source.grab()
    out = np.zeros((HEIGHT, WIDTH + 1, 3), np.uint8)
    picture = source.retrieve(out)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert check(picture) == 0
    assert not out.any()


@pytest.mark.parametrize(
    ("width", "height", "fps"),
    [(159, 120, 30), (160, 119, 30), (16385, 120, 30), (160, 120, 0), (160, 120, -1), (160, 120, float("inf"))],
)
def test_impossible_settings_are_refused(width: int, height: int, fps: float) -> None:
    """A size or a rate outside of what is possible is a ValueError that says what is."""
    with pytest.raises(ValueError, match="from 160x120 to 16384x16384"):
        SyntheticSource(width, height, fps)


@pytest.mark.parametrize("size", [(160, 120), (161, 2000), (3000, 120), (640, 480), (1920, 1080)], ids=str)
def test_any_size_can_be_drawn(size: tuple[int, int]) -> None:
    """Narrow, wide, small and large pictures are drawn whole, through a break and with a long number."""
    width, height = size
    picture = Picture(width, height, 1000)
    out = np.empty((height, width, 3), np.uint8)
    for number in (0, 1000, 19_999, 10**12):
        picture.draw(out, number, number * 1_000_000, NOON)
        assert check(out) == number

"""Health from three signals, with a clock of the test's own: arrival, rate, content."""

import numpy as np
import numpy.typing as npt
import pytest

from billiards_video.capture_health import PICTURE_BAD, PICTURE_FROZEN, Arrival, ArrivalRate
from billiards_video.picture_watch import PictureWatch

Picture = npt.NDArray[np.uint8]
SECOND = 1_000_000_000
OPENED = 100 * SECOND


@pytest.mark.parametrize(("fps", "limit"), [(30.0, 0.5), (60.0, 0.5), (5.0, 1.0), (1.0, 5.0), (None, 4.0)])
def test_a_frame_is_missing_after_some_periods_and_never_within_half_a_second(fps: float | None, limit: float) -> None:
    """Five periods of a slow camera, half a second of a fast one; without a nominal rate the grace is the limit."""
    arrival = Arrival(fps, grace=4.0, opened_ns=OPENED)
    came = OPENED + 10 * SECOND
    assert arrival.late_ns(came) == came + round(limit * SECOND)


def test_after_an_opening_the_grace_is_given_and_then_no_more() -> None:
    """A camera that pauses after its first frame is not stalled before the grace is over."""
    arrival = Arrival(30.0, grace=4.0, opened_ns=OPENED)
    assert arrival.late_ns(0) == OPENED + 4 * SECOND
    assert arrival.late_ns(OPENED + 2 * SECOND) == OPENED + 4 * SECOND
    assert arrival.late_ns(OPENED + 4 * SECOND) == OPENED + 4 * SECOND + SECOND // 2


def rate_after(rate: ArrivalRate, per_second: float, seconds: float, begin: tuple[int, float]) -> tuple[int, float]:
    """Let frames come for so long, looked at four times a second; return time and count."""
    now, captured = begin
    for _ in range(round(4 * seconds)):
        now += SECOND // 4
        captured += per_second / 4
        rate.look(now, int(captured))
    return now, captured


def test_a_rate_is_measured_once_there_is_enough_to_count() -> None:
    """Nothing is said in the first seconds; then the rate is right within a frame or two."""
    rate = ArrivalRate(30.0)
    at = rate_after(rate, 30, 4, (OPENED, 0.0))
    assert rate.measured is None
    rate_after(rate, 30, 10, at)
    assert rate.measured == pytest.approx(30, abs=0.5)
    assert not rate.slow


def test_a_slow_camera_is_slow_until_it_is_clearly_fast_again() -> None:
    """Below 0.7 of its rate it is slow, between the thresholds nothing changes, above 0.8 it is not."""
    rate = ArrivalRate(30.0)
    at = rate_after(rate, 30, 10, (OPENED, 0.0))
    at = rate_after(rate, 22.5, 12, at)
    said = [rate.slow]
    for per_second in (15.0, 22.5, 29.0):
        at = rate_after(rate, per_second, 12, at)
        said.append(rate.slow)
    assert said == [False, True, True, False]


def test_without_a_nominal_rate_nothing_is_slow() -> None:
    """It is measured all the same."""
    rate = ArrivalRate(None)
    rate_after(rate, 2, 10, (OPENED, 0.0))
    assert not rate.slow
    assert rate.measured == pytest.approx(2, abs=0.5)


def noise(seed: int, *, least: int = 40, most: int = 200) -> Picture:
    """Return a picture with a sensor's noise."""
    return np.random.default_rng(seed).integers(least, most, (120, 200, 3), np.uint8)


def shown(watch: PictureWatch, pictures: list[Picture]) -> list[str | None]:
    """Show pictures, ten a second, and return what the watch says after each."""
    said = []
    for number, picture in enumerate(pictures):
        watch.look(picture, OPENED + number * SECOND // 10)
        said.append(watch.problem)
    return said


def test_a_picture_that_moves_is_well() -> None:
    """However little: one pixel in a hundred that flickers is a camera that lives."""
    still = noise(0)
    pictures = []
    for seed in range(100):
        picture = still.copy()
        picture[::10, ::10] ^= noise(seed)[::10, ::10] & 1
        pictures.append(picture)
    assert set(shown(PictureWatch(3.0), pictures)) == {None}


def test_the_same_picture_again_and_again_is_frozen_until_it_moves() -> None:
    """It is called so after the patience, and no more when one other picture has come."""
    watch = PictureWatch(3.0)
    said = shown(watch, [noise(1)] * 60)
    assert said[:30] == [None] * 30
    assert said[35:] == [PICTURE_FROZEN] * 25
    watch.look(noise(2), OPENED + 7 * SECOND)
    assert watch.problem is None


@pytest.mark.parametrize("case", ["black", "black with noise", "green", "gray"])
def test_a_picture_of_one_colour_is_bad(case: str) -> None:
    """Black, with noise or without, and a decoder's green; in colour and in gray."""
    pictures: list[Picture] = {
        "black": [np.zeros((120, 200, 3), np.uint8)] * 60,
        "black with noise": [noise(seed, least=0, most=12) for seed in range(60)],
        "green": [np.full((120, 200, 3), (0, 135, 0), np.uint8)] * 60,
        "gray": [np.full((120, 200), 77, np.uint8)] * 60,
    }[case]
    said = shown(PictureWatch(3.0), pictures)
    assert said[:30] == [None] * 30
    assert said[35:] == [PICTURE_BAD] * 25


def test_a_dark_room_with_a_lamp_is_not_bad() -> None:
    """One bright spot of a few pixels is a picture."""
    pictures = []
    for seed in range(60):
        picture = noise(seed, least=0, most=12)
        picture[50:60, 50:60] = 200
        pictures.append(picture)
    assert set(shown(PictureWatch(3.0), pictures)) == {None}


def test_pictures_smaller_than_the_grid_are_looked_at_whole() -> None:
    """A few pixels are enough, and one of them moving is."""
    watch = PictureWatch(1.0)
    for number in range(40):
        watch.look(np.array([[number % 7, 200]], np.uint8), OPENED + number * SECOND // 10)
    assert watch.problem is None

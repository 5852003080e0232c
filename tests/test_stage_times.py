"""Where a frame's time goes: what is counted, how exactly it is told, and that readers are told it."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from billiards_video import SharedMemoryFrameReader
from billiards_video.capture.fake import FakeSource
from billiards_video.config import Config
from billiards_video.process import VideoProcess
from billiards_video.stage_times import BOUNDS, Histogram, StageTimes
from told_status import status_when

Picture = npt.NDArray[np.uint8]
Step = Picture | Callable[[], object]
PICTURE = np.zeros((48, 64, 3), np.uint8)


def test_any_quantile_is_right_within_a_few_percent() -> None:
    """From a microsecond to seconds, at both ends and in the middle."""
    numbers = random.Random(0)  # noqa: S311 - to be the same every time
    durations = sorted(round(10 ** numbers.uniform(3, 10)) for _ in range(5000))
    histogram = Histogram()
    for duration in durations:
        histogram.record(duration)
    for share in (0.001, 0.1, 0.5, 0.9, 0.99, 1.0):
        expected = durations[round(share * len(durations)) - 1] / 1e9
        assert histogram.quantile(share) == pytest.approx(expected, rel=0.06)
    assert histogram.count == len(durations)
    assert histogram.sum == pytest.approx(sum(durations) / 1e9)
    assert sum(each.count for each in histogram.bins()) == len(durations)


@pytest.mark.parametrize("duration", [0, 1, 15, 16, 17, 31, 32, 33, 1000, 10**9 + 1, 3 * 10**18])
def test_every_duration_is_in_its_bin(duration: int) -> None:
    """Also the shortest and the longest, and at the edges of bins."""
    histogram = Histogram()
    histogram.record(duration)
    [found] = histogram.bins()
    assert found.low * 1e9 <= duration * (1 + 1e-12)
    assert duration < found.high * 1e9 * (1 + 1e-12)
    assert found.high <= max(found.low * 1.0626, found.low + 1.001e-9)


def test_nothing_recorded_has_no_quantile() -> None:
    """And no stage."""
    assert Histogram().quantile(0.5) is None
    assert StageTimes().as_json() == {}


def test_buckets_count_what_stayed_within_their_bounds() -> None:
    """As Prometheus wants them: each one counts all that those before it count; the bounds never change."""
    histogram = Histogram()
    for milliseconds in (0.05, 0.2, 3.0, 3.0, 40.0, 20_000.0):
        histogram.record(round(milliseconds * 1e6))
    told: Any = histogram.as_json()
    assert (told["count"], told["sum_s"]) == (6, pytest.approx(20.04625))
    assert [bound for bound, _ in told["buckets"]] == list(BOUNDS)
    within = dict(told["buckets"])
    assert [within[bound] for bound in (0.0001, 0.00025, 0.0025, 0.005, 0.025, 0.05, 10.0)] == [1, 2, 2, 4, 4, 5, 5]


def test_recording_costs_next_to_nothing() -> None:
    """Four of them a frame must not be noticed: well under a microsecond each, with room here for a busy machine."""
    histogram = Histogram()
    best = float("inf")
    for _ in range(20):
        began = time.perf_counter()
        for duration in range(10_000_000, 10_001_000):
            histogram.record(duration)
        best = min(best, time.perf_counter() - began)
    assert best / 1000 < 2e-6


class Slow(FakeSource):
    """Takes 30 ms to convert a frame."""

    def retrieve(self, out: Picture) -> Picture | None:
        """Slowly."""
        time.sleep(0.03)
        return super().retrieve(out)


@pytest.mark.parametrize("preprocessing", [{}, {"rotate": 180}])
def test_readers_are_told_where_the_time_goes(segment_name: str, preprocessing: dict[str, object]) -> None:
    """Each stage of each frame is counted once, and its time where it was spent; one that is not done is missing."""
    config = Config.model_validate({"video": {"shared_memory_name": segment_name, "preprocessing": preprocessing}})
    told: dict[str, Any] = {}
    reader = SharedMemoryFrameReader(segment_name)

    def look() -> None:
        told.update(status_when(reader, lambda status: status["frames_written"] == 4)["stages"])

    script: list[Step] = [PICTURE, reader.attach, lambda: time.sleep(0.05), PICTURE, PICTURE, PICTURE, look]
    process = VideoProcess(config, Slow(script))
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(process.run).result(20) == 0
    assert list(told) == ["grab", "retrieve", *(["preprocess"] if preprocessing else []), "publish"]
    assert {name: stage["count"] for name, stage in told.items()} == dict.fromkeys(told, 4)
    assert 0.05 < told["grab"]["sum_s"] < 1
    assert 4 * 0.03 < told["retrieve"]["sum_s"] < 1
    assert told["publish"]["sum_s"] < 0.1
    assert told.get("preprocess", told["publish"])["sum_s"] < 0.1
    assert process.stage_times.retrieve.count == 4
    median = process.stage_times.retrieve.quantile(0.5)
    assert median
    assert 0.03 * 0.94 < median < 0.2

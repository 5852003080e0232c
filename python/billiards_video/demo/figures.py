"""What the demonstration's reader finds out about the frames it gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from billiards_video.frame_code import FrameCodeError, check

if TYPE_CHECKING:
    import numpy.typing as npt

    from billiards_video.ipc import FrameMetadata

_WINDOW = 1000  # frames that percentiles are taken of
_RATE_SECONDS = 2.0


class Latency(NamedTuple):
    """Median and 99th percentile of the last 1000 frames, in microseconds; nan before the first."""

    p50: float
    p99: float


class Figures:
    """Counts and times of all frames seen. Not for several threads at once."""

    def __init__(self) -> None:
        self.frames = 0
        """Frames seen."""
        self.number = 0
        """The number in the picture of the last frame that was whole."""
        self.missed = 0
        """Frames published and never seen here."""
        self.torn = 0
        """Frames whose pixels were not one whole frame, or not the frame that the metadata spoke of."""
        self.fault = ""
        """What was wrong with the last of them."""
        self._numbers_ahead: int | None = None
        self._arrived = np.zeros(_WINDOW, np.int64)
        self._since_publish = np.zeros(_WINDOW, np.int64)
        self._since_capture = np.zeros(_WINDOW, np.int64)

    def add(self, array: npt.NDArray[np.uint8], metadata: FrameMetadata, arrived_ns: int) -> None:
        """Takes one frame in, and reads all of it. `arrived_ns`: when `array` was in hand, by `time.monotonic_ns`."""
        place = self.frames % _WINDOW
        self._arrived[place] = arrived_ns
        self._since_publish[place] = arrived_ns - metadata.published_ns
        self._since_capture[place] = arrived_ns - metadata.captured_ns
        self.frames += 1
        self.missed += metadata.missed
        try:
            self.number = check(array)
        except FrameCodeError as error:
            self.torn += 1
            self.fault = str(error)
        else:
            self._compare(metadata)

    def _compare(self, metadata: FrameMetadata) -> None:
        """The picture's number and the metadata's go on together, unless the source itself has left frames out."""
        ahead = self.number - metadata.frame_number
        may_jump = self._numbers_ahead is None or metadata.discontinuity or metadata.missed > 0
        if ahead != self._numbers_ahead and not may_jump:
            self.torn += 1
            self.fault = f"The picture of frame {self.number} came with the metadata of {metadata.frame_number}."
        self._numbers_ahead = ahead

    def rate(self, now_ns: int) -> float:
        """Frames a second, over the last two seconds."""
        times = np.sort(self._arrived[: self.frames])
        recent = times[times >= now_ns - _RATE_SECONDS * 1e9]
        if len(recent) < 2:  # noqa: PLR2004 - two frames make an interval
            return 0.0
        return float((len(recent) - 1) / (recent[-1] - recent[0]) * 1e9)

    @property
    def publish_latency(self) -> Latency:
        """From the end of the writer's work to the array in the reader's hand."""
        return self._latency(self._since_publish)

    @property
    def capture_latency(self) -> Latency:
        """From the moment the frame was taken, drawing included, to the array in the reader's hand."""
        return self._latency(self._since_capture)

    def _latency(self, nanoseconds: npt.NDArray[np.int64]) -> Latency:
        if not self.frames:
            return Latency(float("nan"), float("nan"))
        p50, p99 = np.percentile(nanoseconds[: self.frames], (50, 99)) / 1000
        return Latency(float(p50), float(p99))

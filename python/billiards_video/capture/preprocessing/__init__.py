"""What is done to each frame before it is published, on its way into the shared memory: see `plan` for order and cost.

Where nothing is asked for there is no `Preprocessing`, and the source writes into the shared memory itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from billiards_video.capture.preprocessing.calibration import PreprocessingError, read_calibration
from billiards_video.capture.preprocessing.plan import Plan

if TYPE_CHECKING:
    from billiards_video.capture.preprocessing.calibration import Calibration
    from billiards_video.capture.source import Pixels
    from billiards_video.config import PreprocessingConfig, VideoConfig

__all__ = ["Preprocessing", "PreprocessingError", "preprocessing_for"]


class Retrieving(Protocol):
    """A source, as far as it is needed here."""

    def retrieve(self, out: Pixels) -> Pixels | None:
        """As `Source.retrieve`."""


class Preprocessing:
    """Takes frames from a source and makes of them what is published. Used by one thread at a time."""

    def __init__(self, steps: PreprocessingConfig, calibration: Calibration | None = None) -> None:
        self._steps = steps
        self._calibration = calibration
        self._plan: Plan | None = None
        self._raw: Pixels = np.empty((0, 0, 3), np.uint8)

    def __str__(self) -> str:
        """What is done, in the order in which it is done, for the log."""
        steps = self._steps
        done = [
            f"undistorted by {self._calibration.path}" if self._calibration else "",
            f"rotated by {steps.rotate}" if steps.rotate else "",
            f"flipped ({steps.flip})" if steps.flip != "none" else "",
            "cropped to {2}x{3} at {0},{1}".format(*steps.crop) if steps.crop else "",
            "resized to {}x{}".format(*steps.resize) if steps.resize else "",
            "gray" if steps.grayscale else "",
        ]
        return ", ".join(filter(None, done))

    @property
    def grayscale(self) -> bool:
        """Whether published frames have one channel, in arrays of two axes."""
        return self._steps.grayscale

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of what frames of that size become.

        Works out how, the first time, which takes some 20 ms at 1080p where a lens is corrected. Raises
        `PreprocessingError`.
        """
        if self._plan is None or self._plan.source != (width, height):
            self._plan = Plan(width, height, self._steps, self._calibration)
            self._raw = np.empty((0 if self._plan.is_empty else height, width, 3), np.uint8)
        return self._plan.size

    def retrieve(self, source: Retrieving, out: Pixels) -> Pixels | None:
        """As `Source.retrieve`, which it calls: `out` if the result is there, another array where it has another shape.

        Raises `PreprocessingError` where frames have changed their size to one that cannot be preprocessed.
        """
        direct = self._plan is not None and self._plan.is_empty
        picture = source.retrieve(out if direct else self._raw)
        if picture is None or (direct and picture is out):
            return picture
        height, width = picture.shape[:2]
        self.size(width, height)
        plan = self._plan
        if plan is None or plan.is_empty:
            return picture
        if out.shape != plan.shape:
            out = np.empty(plan.shape, np.uint8)
        plan.apply(picture, out)
        return out


def preprocessing_for(video: VideoConfig) -> tuple[Preprocessing | None, str | None]:
    """What a configuration asks for, None where that is nothing, and a warning where there is reason for one.

    Raises `ValueError` where the calibration file is unusable. That it is missing is worth a warning alone: an
    uncorrected picture is better than none.
    """
    calibration, warning = None, None
    if video.enable_distortion_correction:
        path = video.calibration_file_path
        try:
            if path is not None:
                calibration = read_calibration(path)
            else:
                warning = "video.calibration_file_path names no file"
        except FileNotFoundError:
            warning = f"video.calibration_file_path: {path} does not exist"
        except ValueError as error:
            raise ValueError(f"video.calibration_file_path: {error}") from None
    if warning is not None:
        warning += "; frames are not corrected for distortion"
    steps = video.preprocessing
    if calibration is None and steps == type(steps)():
        return None, warning
    return Preprocessing(steps, calibration), warning

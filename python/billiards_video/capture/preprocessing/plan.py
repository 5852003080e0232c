"""What is done to frames of one size, worked out once: at most three passes over the pixels, whatever was asked for.

The order is: undistortion, rotation, flip, crop, resize. The lens comes first, since a calibration is one of the whole
picture as the camera gives it. Then the picture is put upright, so that crop and size are counted in what a person sees
who looks at the published frames. Gray is made before all of them, where it changes nothing but rounding and makes the
rest cost a third.

Undistortion, rotation, flip and crop are one lookup together: each is a rearrangement of the same table, from where in
the frame a pixel is taken. Without undistortion the crop is a view, and costs nothing by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from billiards_video.capture.preprocessing.calibration import PreprocessingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from billiards_video.capture.preprocessing.calibration import Calibration
    from billiards_video.capture.source import Pixels
    from billiards_video.config import PreprocessingConfig

    Pass = Callable[[Pixels, Pixels], object]

_FLIPS = {"none": (False, False), "horizontal": (True, False), "vertical": (False, True), "both": (True, True)}


class Box(NamedTuple):
    """A rectangle of pixels."""

    x: int
    y: int
    width: int
    height: int


class Plan:
    """How frames of `width` x `height` become those that are published. Raises `PreprocessingError`."""

    def __init__(self, width: int, height: int, steps: PreprocessingConfig, calibration: Calibration | None) -> None:
        self.source = (width, height)
        self._gray = steps.grayscale
        self._passes: list[tuple[Pass, tuple[int, int]]] = []
        """Each with the size that comes out of it."""
        orientation = Orientation(steps.rotate, steps.flip)
        box = _box(steps.crop, *orientation.size(width, height))
        self.size = (box.width, box.height)
        if steps.grayscale:
            self._add(_gray, self.source)
        if calibration is not None:
            self._add(_undistortion(width, height, calibration, orientation, box), self.size)
        elif box != (0, 0, *self.source) or not orientation.is_upright:
            self._add(_turning(orientation, orientation.back(box, width, height)), self.size)
        if steps.resize is not None and steps.resize != self.size:
            self._add(_scaling(self.size, steps.resize), steps.resize)
            self.size = steps.resize
        self._between = [np.empty(self._shape(*size), np.uint8) for _, size in self._passes[:-1]]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a published frame's array."""
        return self._shape(*self.size)

    @property
    def is_empty(self) -> bool:
        """Whether frames of this size stay as they are."""
        return not self._passes

    def apply(self, picture: Pixels, out: Pixels) -> None:
        """Makes of a frame what is published, in `out`, which has the plan's `shape`. The last pass writes into it."""
        for (step, _), into in zip(self._passes, [*self._between, out], strict=True):
            step(picture, into)
            picture = into

    def _add(self, step: Pass, size: tuple[int, int]) -> None:
        self._passes.append((step, size))

    def _shape(self, width: int, height: int) -> tuple[int, ...]:
        return (height, width) if self._gray else (height, width, 3)


class Orientation:
    """A clockwise rotation, then a flip: of the eight ways to lay a picture down, as a transposition and two flips."""

    def __init__(self, rotate: int, flip: str) -> None:
        across, down = _FLIPS[flip]
        self.transposed = rotate in (90, 270)
        self.across = across ^ (rotate in (90, 180))
        self.down = down ^ (rotate in (180, 270))

    @property
    def is_upright(self) -> bool:
        """Whether it leaves everything as it is."""
        return not (self.transposed or self.across or self.down)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """The size of a picture that is laid down so."""
        return (height, width) if self.transposed else (width, height)

    def back(self, box: Box, width: int, height: int) -> Box:
        """Where a part of the result is in the frame that it is made of, of `width` x `height`."""
        whole = self.size(width, height)
        x = whole[0] - box.x - box.width if self.across else box.x
        y = whole[1] - box.y - box.height if self.down else box.y
        return Box(y, x, box.height, box.width) if self.transposed else Box(x, y, box.width, box.height)

    def lay(self, table: Any) -> Any:  # noqa: ANN401 - a table of any numbers, one entry for each pixel
        """A view of a table with an entry for each pixel, laid down so."""
        view = table.swapaxes(0, 1) if self.transposed else table
        return view[:: -1 if self.down else 1, :: -1 if self.across else 1]

    def turn(self, picture: Pixels, out: Pixels) -> None:
        """Lays a picture down, in `out`."""
        if not self.transposed:
            if self.is_upright:
                np.copyto(out, picture)
            else:
                cv2.flip(picture, self._flip, dst=out)
        elif self.across != self.down:
            cv2.rotate(picture, cv2.ROTATE_90_CLOCKWISE if self.across else cv2.ROTATE_90_COUNTERCLOCKWISE, dst=out)
        else:
            cv2.transpose(picture, dst=out)
            if self.across:
                cv2.flip(out, self._flip, dst=out)

    @property
    def _flip(self) -> int:
        """As OpenCV counts: 0 upside down, 1 left to right, -1 both."""
        return {(True, True): -1, (True, False): 1, (False, True): 0}[self.across, self.down]


def _box(crop: tuple[int, int, int, int] | None, width: int, height: int) -> Box:
    if crop is None:
        return Box(0, 0, width, height)
    box = Box(*crop)
    if box.x + box.width > width or box.y + box.height > height:
        raise PreprocessingError(
            f"video.preprocessing.crop {list(crop)} (x, y, width, height) reaches outside of the frames, which are"
            f" {width}x{height} where it is made; allowed: x + width up to {width}, y + height up to {height}"
        )
    return box


def _gray(picture: Pixels, out: Pixels) -> None:
    cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY, dst=out)


def _undistortion(width: int, height: int, calibration: Calibration, orientation: Orientation, box: Box) -> Pass:
    matrix = calibration.matrix_for(width, height)
    # The corrected picture has the same camera matrix: what it was calibrated for stays true, without the distortion.
    tables = cv2.initUndistortRectifyMap(
        matrix, calibration.coefficients, np.eye(3), matrix, (width, height), cv2.CV_16SC2
    )
    part = slice(box.y, box.y + box.height), slice(box.x, box.x + box.width)
    pixels, fractions = (np.ascontiguousarray(orientation.lay(table)[part]) for table in tables)
    return lambda picture, out: cv2.remap(picture, pixels, fractions, cv2.INTER_LINEAR, dst=out)


def _turning(orientation: Orientation, box: Box) -> Pass:
    part = slice(box.y, box.y + box.height), slice(box.x, box.x + box.width)
    return lambda picture, out: orientation.turn(picture[part], out)


def _scaling(before: tuple[int, int], after: tuple[int, int]) -> Pass:
    shrinks = after[0] <= before[0] and after[1] <= before[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return lambda picture, out: cv2.resize(picture, after, dst=out, interpolation=interpolation)

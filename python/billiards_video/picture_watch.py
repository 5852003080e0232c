"""Whether a live picture lives: a few thousand pixels of two frames a second, compared with those before.

It knows that a picture has not changed at all, or is of one colour: a camera that repeats its last frame, a covered
lens, a decoder that paints green. It cannot know that a picture is wrong in part, such as one whose lower half is
missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from billiards_video.capture_health import PICTURE_BAD, PICTURE_FROZEN

if TYPE_CHECKING:
    import numpy.typing as npt

_NS = 1_000_000_000
_EVERY_NS = _NS // 2
_SIDE = 64  # pixels looked at in each direction
_DARK = 16  # what a black picture has at most: video black is 16 of 255, and some sensors' noise
_FLAT = 3  # what the pixels of a picture of one colour differ by at most


class PictureWatch:
    """Looks at pictures as they come. `patience` (seconds) is how long one must be wrong to be called so."""

    def __init__(self, patience: float) -> None:
        self._patience_ns = round(patience * _NS)
        self._next_ns = 0
        self._last: npt.NDArray[np.uint8] | None = None
        self._changed_ns = 0
        self._good_ns = 0
        self.problem: str | None = None
        """What is wrong with the picture, in the words of the bus; None where nothing is."""

    def look(self, picture: npt.NDArray[np.uint8], now_ns: int) -> None:
        """Looks at a frame, (height, width, channels) or (height, width); twice a second, else it does nothing."""
        if now_ns < self._next_ns:
            return
        self._next_ns = now_ns + _EVERY_NS
        rows, columns = (max(1, side // _SIDE) for side in picture.shape[:2])
        sample = picture[::rows, ::columns].reshape(-1, *picture.shape[2:]).copy()
        if self._last is None or not np.array_equal(sample, self._last):
            self._changed_ns = now_ns
        if self._last is None or not _is_bad(sample):
            self._good_ns = now_ns
        self._last = sample
        if now_ns - self._good_ns >= self._patience_ns:
            self.problem = PICTURE_BAD
        elif now_ns - self._changed_ns >= self._patience_ns:
            self.problem = PICTURE_FROZEN
        else:
            self.problem = None


def _is_bad(sample: npt.NDArray[np.uint8]) -> bool:
    """Whether a picture is black, or of one colour: no lens sees that, if it is not covered."""
    least, most = sample.min(axis=0), sample.max(axis=0)
    return bool((most <= _DARK).all() or (most - least <= _FLAT).all())

"""A picture's file, decoded straight into an array.

OpenCV can write into an array that it is given (`imread(path, dst)`), which saves a fresh one for each frame and its
pages, as dear as the decoding itself. But it does not say whether it has: where it fails, it returns the array as it
was. So a mark is left where a decoder comes last, and looked for afterwards.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import cv2
import numpy as np

from billiards_video.capture.opencv import as_bgr

if TYPE_CHECKING:
    from billiards_video.capture.source import Pixels

_MARK = np.frombuffer(os.urandom(24), np.uint8)  # 8 pixels that no picture has


def decode(path: str, out: Pixels, flags: int = cv2.IMREAD_COLOR) -> Pixels | None:
    """Gives `out` where the picture fits into it, another array where it does not, None where it cannot be decoded."""
    end = out.reshape(-1)[-_MARK.size :]  # a view: `out` is contiguous
    if end.size == _MARK.size:
        end[:] = _MARK
        try:
            cv2.imread(path, out, flags)
        except cv2.error:  # it has another size
            pass
        else:
            return None if np.array_equal(end, _MARK) else out
    picture = cv2.imread(path, flags)
    return None if picture is None else as_bgr(picture, np.empty((0, 0, 3), np.uint8))

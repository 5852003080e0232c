"""From a frame to a JPEG."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import simplejpeg  # type: ignore[import-untyped]

from billiards_video.ipc import FrameFormat

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from billiards_video.view.picture_request import Variant

_ORDER = {
    FrameFormat.RGB24: "RGB",
    FrameFormat.BGR24: "BGR",
    FrameFormat.GRAY8: "GRAY",
    FrameFormat.RGBA32: "RGBX",
    FrameFormat.BGRA32: "BGRX",
}
_FINE = 90
"""From this quality on colours keep their full resolution."""


def smaller_copy(pixels: NDArray[np.uint8], variant: Variant) -> NDArray[np.uint8]:
    """A copy in the size that the variant wants of frames like this one. The first call loads OpenCV."""
    from billiards_video.capture.scaling import scaled  # noqa: PLC0415 - full-sized pictures do without it

    height, width = pixels.shape[:2]
    return scaled(pixels, *variant.size(width, height))


def encoded(pixels: NDArray[np.uint8], frame_format: FrameFormat, quality: int) -> bytes:
    """The JPEG of a picture. Takes about 5 ms for 1080p, without the GIL."""
    gray = frame_format == FrameFormat.GRAY8
    jpeg: bytes = simplejpeg.encode_jpeg(
        pixels[:, :, np.newaxis] if gray else pixels,
        quality=quality,
        colorspace=_ORDER[frame_format],
        colorsubsampling="Gray" if gray else "444" if quality >= _FINE else "420",
        fastdct=quality < _FINE,
    )
    return jpeg

"""A buffer's bytes, as BGR24 in the array given.

Raw formats are converted straight from the driver's buffer. A JPEG goes through a file in memory, since of OpenCV's
decoders only the one for files takes an array to write into.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from billiards_video.capture.decode import decode
from billiards_video.capture.opencv import as_bgr
from billiards_video.capture.v4l2.jpeg import JPEGCheck

if TYPE_CHECKING:
    from collections.abc import Mapping

    from billiards_video.capture.source import Pixels

_JPEG = frozenset({"MJPG", "JPEG"})

# Bytes per pixel, and how OpenCV calls the way to BGR. Cheapest first; None: it is that already.
_PACKED: Mapping[str, tuple[int, int | None]] = {
    "BGR3": (3, None),
    "YUYV": (2, cv2.COLOR_YUV2BGR_YUYV),
    "UYVY": (2, cv2.COLOR_YUV2BGR_UYVY),
    "YVYU": (2, cv2.COLOR_YUV2BGR_YVYU),
    "RGB3": (3, cv2.COLOR_RGB2BGR),
    "XR24": (4, cv2.COLOR_BGRA2BGR),
    "AR24": (4, cv2.COLOR_BGRA2BGR),
    "BGR4": (4, cv2.COLOR_BGRA2BGR),
}
# A full plane of brightness, then half as much of colour: in one plane, or (True) in two.
_PLANAR: Mapping[str, tuple[int, bool]] = {
    "NV12": (cv2.COLOR_YUV2BGR_NV12, False),
    "NV21": (cv2.COLOR_YUV2BGR_NV21, False),
    "YU12": (cv2.COLOR_YUV2BGR_I420, True),
    "YV12": (cv2.COLOR_YUV2BGR_YV12, True),
}
# What is left to be interpolated: OpenCV names the second row's second and third pixel, V4L2 the first row's.
_MOSAIC: Mapping[str, int] = {
    "BA81": cv2.COLOR_BayerRG2BGR,
    "GBRG": cv2.COLOR_BayerGR2BGR,
    "GRBG": cv2.COLOR_BayerGB2BGR,
    "RGGB": cv2.COLOR_BayerBG2BGR,
}
_GRAY: Mapping[str, tuple[int, float]] = {"GREY": (1, 1), "Y10": (2, 1 / 4), "Y12": (2, 1 / 16), "Y16": (2, 1 / 256)}

PREFERENCE = (*_PACKED, *_PLANAR, "MJPG", "JPEG", *_MOSAIC, *_GRAY)
"""The formats that can be shown, the one to take first where several bring the same."""


class Layout(NamedTuple):
    """How a frame lies in its buffer."""

    pixels: str
    width: int
    height: int
    stride: int
    """Bytes from row to row; 0 where there are no rows."""


class Converter:
    """Makes BGR24 of frames of one layout."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._compressed = layout.pixels in _JPEG
        self._check = JPEGCheck()
        self._file = os.memfd_create("billiards_video-jpeg", os.MFD_CLOEXEC) if self._compressed else -1

    def close(self) -> None:
        """Gives back the file in memory. May be repeated."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def whole(self, data: Pixels) -> bool:
        """Whether a frame came in full: a torn JPEG would be decoded without a word, its lower part gray."""
        return self._check.passes(data) if self._compressed else data.size >= self._least()

    def _least(self) -> int:
        pixels, width, height, stride = self._layout
        if pixels in _PLANAR:
            return stride * (height + height // 2 - 1) + width
        samples = _PACKED[pixels][0] if pixels in _PACKED else _GRAY.get(pixels, (1, 1))[0]
        return stride * (height - 1) + width * samples

    def convert(self, data: Pixels, out: Pixels) -> Pixels | None:
        """BGR24 of a whole frame: in `out`, which is returned, where its shape fits; else in a new array.

        None where a JPEG cannot be decoded after all.
        """
        if self._compressed:
            return self._decode(data, out)
        pixels, width, height, stride = self._layout
        target = out if out.shape == (height, width, 3) else np.empty((height, width, 3), np.uint8)
        if pixels in _PACKED:
            samples, way = _PACKED[pixels]
            picture = np.lib.stride_tricks.as_strided(data, (height, width, samples), (stride, samples, 1))
            if way is None:
                np.copyto(target, picture)
            else:
                cv2.cvtColor(picture, way, dst=target)
        elif pixels in _PLANAR:
            cv2.cvtColor(_planes(data, self._layout), _PLANAR[pixels][0], dst=target)
        elif pixels in _MOSAIC:
            cv2.cvtColor(_rows(data, self._layout, height), _MOSAIC[pixels], dst=target)
        else:
            samples, share = _GRAY[pixels]
            gray = _rows(data, self._layout, height) if samples == 1 else _deep(data, self._layout, share)
            as_bgr(gray, target)
        return target

    def _decode(self, data: Pixels, out: Pixels) -> Pixels | None:
        os.pwrite(self._file, data.data, 0)
        os.ftruncate(self._file, data.size)
        return decode(f"/proc/self/fd/{self._file}", out, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)


def _rows(data: Pixels, layout: Layout, rows: int) -> Pixels:
    """A plane of single bytes, without the filling at the end of its rows."""
    return np.lib.stride_tricks.as_strided(data, (rows, layout.width), (layout.stride, 1))


def _deep(data: Pixels, layout: Layout, share: float) -> Pixels:
    """A plane of 16 bit samples, as 8 bit ones."""
    deep = np.lib.stride_tricks.as_strided(
        data[: data.size // 2 * 2].view("<u2"), (layout.height, layout.width), (layout.stride, 2)
    )
    return cv2.convertScaleAbs(deep, alpha=share).astype(np.uint8, copy=False)


def _planes(data: Pixels, layout: Layout) -> Pixels:
    """The planes of brightness and colour, one under the other, as OpenCV wants them."""
    _, width, height, stride = layout
    _, apart = _PLANAR[layout.pixels]
    if not apart or stride == width:
        return _rows(data, layout, height + height // 2)
    # The colour planes' rows are half as long, with filling of their own: OpenCV wants them without.
    colours = data[stride * height :][: stride * height // 2].reshape(height, stride // 2)[:, : width // 2]
    return np.concatenate([_rows(data, layout, height).ravel(), colours.ravel()]).reshape(-1, width)

"""What all sources on OpenCV share: a quiet library, the first frame, pictures that land in the array they are given.

OpenCV's own last step writes into the array (`retrieve(image=array)`) where shape and type fit. Where they do not, it
reports success all the same and makes a new array: what counts is the object that comes back.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from billiards_video.capture.source import Source, SourceError, SourceFacts

if TYPE_CHECKING:
    from billiards_video.capture.source import Pixels

# The decoders complain on standard error about every damaged block, hundreds of lines for one bad file, with nothing in
# them that names it. The sources say what is wrong in one line; whoever wants OpenCV's own words sets these variables.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
if "OPENCV_LOG_LEVEL" not in os.environ:
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

_ROTATIONS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
_FASTEST = 1000.0  # a nominal rate above this is a time base in disguise (90000 is common)


class Opened(NamedTuple):
    """A capture that has given its first picture."""

    capture: cv2.VideoCapture
    picture: Pixels


class OpenCVSource(Source):
    """The part of a source that handles its `cv2.VideoCapture`: first frame, in-place retrieve, release."""

    def __init__(self) -> None:
        self._capture: cv2.VideoCapture | None = None
        self._first: Pixels | None = None  # the picture of the frame that opening took, until it is retrieved
        self._held = False  # that frame is still to be given out by grab()
        self._rotation: int | None = None
        self._lying: Pixels | None = None  # the picture before it is rotated

    @property
    def _opened(self) -> cv2.VideoCapture:
        if self._capture is None:
            raise SourceError(f"{self.text} is not open: call open() first")
        return self._capture

    @abstractmethod
    def _begin(self) -> Opened:
        """Opens a capture and reads its first picture. Raises `SourceError`, having released the capture."""

    def open(self) -> SourceFacts:  # noqa: D102 - as in the interface
        self.skipped = 0
        capture, picture = self._reopen()
        height, width = picture.shape[:2]
        return SourceFacts(width, height, nominal_fps(capture))

    def _reopen(self) -> Opened:
        self.close()
        opened = self._begin()
        self._install(opened)
        return opened

    def _install(self, opened: Opened) -> None:
        """Goes on with a capture that was opened, and gives out its first frame next."""
        self._capture, self._first = opened
        self._held = True
        # OpenCV would turn a video that was filmed upright too, but into an array of its own.
        self._rotation = _ROTATIONS.get(round(opened.capture.get(cv2.CAP_PROP_ORIENTATION_META)))
        if self._rotation is not None:
            opened.capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)

    def _take_held(self) -> bool:
        """Whether the frame that grab() is to give was taken by opening; its picture is forgotten with the frame."""
        held, self._held = self._held, False
        if not held:
            self._first = None
        return held

    def retrieve(self, out: Pixels) -> Pixels | None:  # noqa: D102 - as in the interface
        first, self._first = self._first, None
        if first is not None:  # taken in open(); not every backend gives the same frame out twice
            if first.shape != out.shape:
                return first
            np.copyto(out, first)
            return out
        if self._rotation is not None:
            return self._retrieve_rotated(out, self._rotation)
        done, picture = self._opened.retrieve(image=out)
        if picture is out:
            return out if done else None
        return as_bgr(picture, out) if done else None

    def _retrieve_rotated(self, out: Pixels, rotation: int) -> Pixels | None:
        capture = self._opened
        done, picture = capture.retrieve() if self._lying is None else capture.retrieve(image=self._lying)
        if not done:
            return None
        self._lying = picture.astype(np.uint8, copy=False)
        rotated = cv2.rotate(self._lying, rotation, dst=out)
        return out if rotated is out else rotated.astype(np.uint8, copy=False)

    def close(self) -> None:  # noqa: D102 - as in the interface
        capture, self._capture = self._capture, None
        self._first, self._held = None, False
        if capture is not None:
            capture.release()


def as_bgr(picture: cv2.typing.MatLike, out: Pixels) -> Pixels:
    """Makes BGR24 of what a backend gave: into `out` where it has to be converted and the size fits, or a new array."""
    if picture.dtype == np.uint16:  # 10 to 16 bit gray, the significant bits on top
        picture = cv2.convertScaleAbs(picture, alpha=1 / 256)
    channels = 1 if picture.ndim == 2 else picture.shape[2]  # noqa: PLR2004 - rows and columns
    if picture.dtype != np.uint8 or channels not in (1, 3, 4):
        raise SourceError(
            f"the source gives frames of {channels} channels of {picture.dtype}, which cannot be shown as BGR24;"
            " choose another pixel format in the camera"
        )
    if channels == 3:  # noqa: PLR2004 - B, G, R
        return picture.astype(np.uint8, copy=False)
    conversion = cv2.COLOR_GRAY2BGR if channels == 1 else cv2.COLOR_BGRA2BGR
    fits = picture.shape[:2] == out.shape[:2]
    converted = cv2.cvtColor(picture, conversion, dst=out) if fits else cv2.cvtColor(picture, conversion)
    return out if converted is out else converted.astype(np.uint8, copy=False)


def first_picture(capture: cv2.VideoCapture) -> Pixels | None:
    """Converts the frame that was grabbed, as BGR24; None where the backend has none to give."""
    done, picture = capture.retrieve()
    return as_bgr(picture, np.empty((0, 0, 3), np.uint8)) if done and picture.size else None


def nominal_fps(capture: cv2.VideoCapture) -> float | None:
    """The rate that the source announces, where it is one."""
    fps = capture.get(cv2.CAP_PROP_FPS)
    return fps if 0 < fps <= _FASTEST else None


def codec(capture: cv2.VideoCapture) -> str:
    """The four letters that name the video's codec, for messages."""
    code = int(capture.get(cv2.CAP_PROP_FOURCC))
    letters = bytes(code >> shift & 0xFF for shift in (0, 8, 16, 24))
    return letters.decode("ascii", "replace") if letters.isalnum() else f"0x{code & 0xFFFFFFFF:08x}"

"""Whether what a decoder gives for a film are its pictures, as far as that can be told from the pictures.

Two of them that are alike to the bit are seen in films that begin with a title or with black, and in those that OpenCV
cannot convert. Which it is, is asked elsewhere, meanwhile the film goes on. A film that is black from its first frame
to its last is an error in any case.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import cv2
import numpy as np

from billiards_video.capture.interlaced import Inquiry
from billiards_video.capture.source import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    from billiards_video.capture.source import Pixels

logger = logging.getLogger(__name__)

_ROWS = 16  # of so many one is compared: enough for a suspicion
_ANSWER_SECONDS = 5.0  # that the end of a film waits for an answer
_LONG_BLACK_NS = 5_000_000_000


class FirstPictures:
    """Looks at the pictures of a film's first pass, until they are beyond doubt."""

    def __init__(self, path: Path, codec: str) -> None:
        self._path = path
        self._codec = codec
        self._first: Pixels | None = None
        self._inquiry: Inquiry | None = None
        self._cleared = False  # they were asked about, or are different
        self._black = True
        self._warned = False

    @property
    def are_settled(self) -> bool:
        """Whether there is no need to look at another one."""
        return self._cleared and not self._black

    def look(self, picture: Pixels, position_ns: int) -> None:
        """Looks at the next picture. Raises `SourceError` where pictures are known not to be the film's."""
        if self._black and (picture[::_ROWS].any() or picture.any()):
            self._black = False
        if not self._cleared:
            self._compare(picture)
        if self._black and not self._warned and position_ns > _LONG_BLACK_NS:
            self._warned = True
            logger.warning("file %s has been black for %.0f s", self._path, position_ns / 1e9)

    def end(self) -> None:
        """To be called at the end of the pass. Raises `SourceError` where every picture was black."""
        if self.stop(_ANSWER_SECONDS):
            raise self._refusal()
        if self._black and self._first is not None:
            raise SourceError(
                f"file {self._path} is black from its first frame to its last; where a player shows more than that,"
                f" OpenCV {cv2.__version__} cannot decode its codec, {self._codec}: convert it:"
                f" ffmpeg -i {self._path.name} -c:v libx264 -pix_fmt yuv420p out.mp4"
            )

    def stop(self, timeout: float = 0.0) -> bool:
        """Ends what runs elsewhere, if anything does. True: it has found that pictures are refused."""
        inquiry, self._inquiry = self._inquiry, None
        return inquiry is not None and inquiry.end(timeout)

    def _compare(self, picture: Pixels) -> None:
        if self._inquiry is not None:
            if self._inquiry.is_answered:
                self._cleared = True
                if self.stop():
                    raise self._refusal()
        elif self._first is None:
            self._first = picture[::_ROWS].copy()
        elif np.array_equal(picture[::_ROWS], self._first):
            self._inquiry = Inquiry(self._path)
        else:
            self._cleared = True

    def _refusal(self) -> SourceError:
        return SourceError(
            f"file {self._path} is interlaced ({self._codec}), and OpenCV {cv2.__version__} gives black or stale"
            f" pictures for that; deinterlace it: ffmpeg -i {self._path.name} -vf yadif -c:v libx264 out.mp4"
        )

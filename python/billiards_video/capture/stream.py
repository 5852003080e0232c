"""A network stream: anything that FFmpeg opens by a URL.

A stream is live: it is read as fast as it comes, and its end is a failure that is worth another try. A plain video file
behind an HTTP URL is therefore played as fast as it downloads; download it instead.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import cv2

from billiards_video.capture.opencv import (
    DECODER_THREADS,
    OpenCVSource,
    Opened,
    codec,
    first_picture,
)
from billiards_video.capture.source import Grabbed, SourceError

if TYPE_CHECKING:
    from billiards_video.capture.source import Pixels

_CREDENTIALS = re.compile(r"(?<=://)[^/@]*@")


class StreamSource(OpenCVSource):
    """A camera behind a URL. Time-outs in seconds.

    The time-outs are OpenCV's own and can be given only when the stream is opened. A server that freezes is noticed
    after up to three times `read_timeout`: the first two reads after it give the last frame again.
    """

    def __init__(
        self, url: str, *, open_timeout: float = 10.0, read_timeout: float = 5.0, threads: int = DECODER_THREADS
    ) -> None:
        super().__init__()
        self._url = url
        self._open_timeout = open_timeout
        self._read_timeout = read_timeout
        self._threads = threads

    @property
    def text(self) -> str:
        """The URL, without user and password."""
        return f"stream {_CREDENTIALS.sub('', self._url)}"

    def _begin(self) -> Opened:
        began = time.monotonic()
        capture = cv2.VideoCapture(
            self._url,
            cv2.CAP_FFMPEG,
            [
                *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(self._open_timeout * 1000)),
                *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(self._read_timeout * 1000)),
                *(cv2.CAP_PROP_N_THREADS, self._threads),
            ],
        )
        try:
            picture = self._first_of(capture, began)
        except SourceError:
            capture.release()
            raise
        return Opened(capture, picture)

    def _first_of(self, capture: cv2.VideoCapture, began: float) -> Pixels:
        if not capture.isOpened():
            took = time.monotonic() - began
            raise SourceError(
                f"{self.text} cannot be opened (gave up after {took:.1f} s, the limit is {self._open_timeout:g} s):"
                " check that the camera answers at this address, its path, user and password"
            )
        picture = first_picture(capture) if capture.grab() else None
        if picture is None:
            raise SourceError(
                f"{self.text} opens but gives no frame within {self._read_timeout:g} s (codec {codec(capture)})"
            )
        return picture

    def grab(self) -> Grabbed:  # noqa: D102 - as in the interface
        if not self._take_held() and not self._opened.grab():
            raise SourceError(f"{self.text} gives no more frames: ended by the server, unreachable or frozen")
        return Grabbed()

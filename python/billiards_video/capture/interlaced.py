"""Whether OpenCV refuses to convert a film's pictures, which it does not tell: interlaced ones come out black.

Its FFmpeg does not convert frames that are marked as interlaced. `retrieve` reports success and gives what its buffer
held before: black, or the remains of another film. Only a message of libswscale tells, which goes to the terminal; so
it is listened for in a process of its own. This file is that process, too: it takes the film's path.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_FRAMES = 3
_ERRORS = "16"  # FFmpeg's level for them
_REFUSAL = b"Cannot convert interlaced"


class Inquiry:
    """Asks about the first frames of a file, which takes half a second or so. Does not wait."""

    def __init__(self, path: Path) -> None:
        environment = os.environ | {"OPENCV_FFMPEG_LOGLEVEL": _ERRORS}
        try:
            self._process: subprocess.Popen[bytes] | None = subprocess.Popen(  # noqa: S603 - this file, by this Python
                [sys.executable, "-P", __file__, path.absolute()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,  # OpenCV passes on what FFmpeg says to the one or the other
                env=environment,
            )
        except OSError:
            self._process = None

    @property
    def is_answered(self) -> bool:
        """Whether there is an answer."""
        return self._process is None or self._process.poll() is not None

    def end(self, timeout: float = 0.0) -> bool:
        """Ends it, after at most `timeout` seconds. True: the answer was that pictures are refused."""
        process, self._process = self._process, None
        if process is None:
            return False
        try:
            said, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
        return _REFUSAL in said


def _decode(path: str) -> None:
    import cv2  # noqa: PLC0415 - only in the process that is started

    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    for _ in range(_FRAMES):
        capture.read()


if __name__ == "__main__":
    _decode(sys.argv[1])

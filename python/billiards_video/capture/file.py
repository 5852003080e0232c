"""A video file, played at its own pace.

Nothing that a file announces about its length is believed: the end is where no further frame can be decoded, and a
frame is counted by decoding it, so start and end are exact. A pass over the file always begins by opening it anew.
Seeking back is quicker by a few milliseconds, but in damaged files it gives other pictures than the first pass did, and
in transport streams it gives other frames.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from billiards_video.capture.opencv import (
    DECODER_THREADS,
    OpenCVSource,
    Opened,
    codec,
    first_picture,
)
from billiards_video.capture.source import Grabbed, SourceEnded, SourceError
from billiards_video.capture.timeline import Timeline

if TYPE_CHECKING:
    import os

    from billiards_video.capture.source import Pixels, SourceFacts

_PATIENCE = 1000
"""So many refusals in a row are the end of the file. A refusal in the middle is about one frame that cannot be decoded
(runs of over 200 were seen in a damaged MPEG-4 file); at the end, 1000 of them take 25 to 70 ms, once."""

_USUAL_FPS = 25.0


class FileSource(OpenCVSource):
    """A video file: `[start_frame, end_frame)` of it, once or again and again.

    Frames are counted from 0, as they come out of the decoder. `end_frame` is the first one that is not shown; None
    means the end of the file. Frames before `start_frame` are decoded and dropped, which takes its time on every pass.
    """

    live = False

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        loop: bool = False,
        start_frame: int = 0,
        end_frame: int | None = None,
        threads: int = DECODER_THREADS,
    ) -> None:
        super().__init__()
        self._path = Path(path)
        self._loop = loop
        self._start_frame = start_frame
        self._end_frame = end_frame
        self._threads = threads
        self._timeline = Timeline(0)
        self._index = 0  # of the frame that grab() gives next, in the file
        self._end: int | None = end_frame  # where this pass is over; learned where the user did not say
        self._identity: tuple[int, ...] = ()
        self._loop_count = 0
        self._jumped = False
        self._cancelled = False

    @property
    def text(self) -> str:  # noqa: D102 - as in the interface
        return f"file {self._path}"

    def open(self) -> SourceFacts:  # noqa: D102 - as in the interface
        self._loop_count = 0
        self._identity = ()
        facts = super().open()
        self._timeline = Timeline(round(1e9 / (facts.fps or _USUAL_FPS)))
        return facts

    def grab(self) -> Grabbed:  # noqa: D102 - as in the interface
        if not self._take_held() and not self._advance(self._opened):
            self._end = self._index
            if not self._loop:
                raise SourceEnded
            self._restart()
        self._index += 1
        position_ns = round(self._opened.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
        jumped, self._jumped = self._jumped, False
        moment = self._timeline.place(position_ns)
        return Grabbed(
            captured_ns=moment.presented_ns,
            due_ns=moment.due_ns,
            position_ns=position_ns,
            loop_count=self._loop_count,
            discontinuity=jumped,
        )

    def cancel(self) -> None:  # noqa: D102 - as in the interface
        self._cancelled = True

    def _restart(self) -> None:
        self._reopen()
        self._take_held()
        self._timeline.restart()
        self._loop_count += 1
        self._jumped = True

    def _begin(self) -> Opened:
        identity = self._check()
        if identity != self._identity:  # another file has taken the place of the one whose end was found
            self._identity, self._end = identity, self._end_frame
        path = str(self._path.absolute())  # FFmpeg would take what stands before a colon for a protocol
        capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, self._threads])
        try:
            picture = self._first_of(capture)
        except SourceError:
            capture.release()
            raise
        self._jumped = False
        return Opened(capture, picture)

    def _first_of(self, capture: cv2.VideoCapture) -> Pixels:
        if not capture.isOpened():
            raise SourceError(
                f"{self.text} is not a video that OpenCV {cv2.__version__} can read: damaged, cut off while it was"
                " written, or no video at all; 'ffprobe' says more"
            )
        self._index = 0
        while self._advance(capture):
            if self._index == self._start_frame:
                picture = first_picture(capture)
                if picture is None:
                    break
                return picture
            self._index += 1
            if self._cancelled:
                raise SourceError(f"{self.text}: opening it was cancelled")
        if self._index:
            raise SourceError(
                f"{self.text} has {self._index} frames, video_start_frame {self._start_frame} is beyond them"
            )
        raise SourceError(
            f"{self.text} opens but gives no frame: its codec, {codec(capture)}, may be one that OpenCV"
            f" {cv2.__version__} cannot decode; convert it: ffmpeg -i {self._path.name} -c:v libx264 out.mp4"
        )

    def _advance(self, capture: cv2.VideoCapture) -> bool:
        """Decodes the next frame; False at the end. A refusal is not the end: what cannot be decoded is passed over."""
        if self._index == self._end:
            return False
        if capture.grab():
            return True
        for refusals in range(1, _PATIENCE):
            if capture.grab():
                self.skipped += refusals
                self._jumped = True
                return True
        return False

    def _check(self) -> tuple[int, ...]:
        """Says what is wrong with the file where the system knows; else gives what tells one file from another."""
        try:
            facts = self._path.stat()
            if not stat.S_ISREG(facts.st_mode):
                raise SourceError(f"{self.text} is not a regular file; a video file is asked for")
            self._path.open("rb").close()
        except FileNotFoundError:
            raise SourceError(f"{self.text} does not exist (looked in {Path.cwd()})") from None
        except OSError as error:
            raise SourceError(f"{self.text} cannot be read: {error.strerror}") from None
        if not facts.st_size:
            raise SourceError(f"{self.text} is empty (0 bytes): the recording was never written")
        return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns

"""One pass over a video file, frame by frame, from the one that is asked for to where nothing more can be decoded."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from billiards_video.capture.opencv import codec, first_picture, nominal_fps
from billiards_video.capture.reading_position import ReadingPosition
from billiards_video.capture.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from billiards_video.capture.decoder_threads import DecoderThreads
    from billiards_video.capture.source import Pixels

PATIENCE = 1000
"""So many refusals in a row, while not a byte is read, are the end of the file. In a corrupt stretch, too, each frame
is refused, but bytes are read for them: 32 KiB at a time, which may be 200 frames of a small film."""
PATIENCE_WHERE_EXPECTED = 50
"""The same where the file has announced its end for here. 1000 refusals take 25 to 100 ms, which would be seen."""
PATIENCE_AT_FIRST = 10_000
"""So many before the first frame mean that there is none: a codec that cannot be decoded would read the whole file."""
_FAR = 30  # frames: walking so far takes less time than trying whether seeking is exact
USUAL_FPS = 25.0


class Identity(NamedTuple):
    """What tells one file from another, or from its older self."""

    device: int
    inode: int
    size: int
    modified_ns: int


class Landing(NamedTuple):
    """A frame that was reached by counting, by which a seek to it can be checked."""

    identity: Identity
    position: float
    picture: Pixels


class Film:
    """A file that is open at frame `start`, counted from 0, with its picture.

    Frames are counted by decoding them. Where `landing` is what an earlier pass found at `start`, the way there is cut
    short by seeking; if that leads to another place or to another picture, it is walked all the same. `by_seeking`
    gives a frame near `start`, quickly: which one it is, somebody else has to find out.

    Raises `SourceError`, also once `cancelled` says so.
    """

    def __init__(
        self,
        path: Path,
        *,
        threads: DecoderThreads,
        cancelled: Callable[[], bool],
        start: int = 0,
        landing: Landing | None = None,
        by_seeking: bool = False,
    ) -> None:
        self._path = path
        self._cancelled = cancelled
        self.identity = identity_of(path)
        self.start = start
        self.index: int
        """Of the frame that `advance` decodes next, in the file."""
        self.skipped = 0
        """How many frames or stretches could not be decoded so far."""
        self.jumped = False
        """Whether there was one just before the frame that was decoded last."""
        self._stop_if_cancelled()
        self._open_with(threads.count)
        if threads.expect(_pixels_per_second(self.capture)):
            self.capture.release()
            self._open_with(threads.count)
        try:
            self.picture = self._picture_near_start() if by_seeking else self._picture_at_start(landing)
            self.jumped = False
        except SourceError:
            self.release()
            raise

    @property
    def fps(self) -> float:
        """The rate that the file announces, or a usual one."""
        return nominal_fps(self.capture) or USUAL_FPS

    @property
    def announced(self) -> int:
        """How many frames the file says it has; 0 where it does not. It may be wrong in both directions."""
        return max(0, int(self.capture.get(cv2.CAP_PROP_FRAME_COUNT)))

    @property
    def position(self) -> float:
        """Where in the film the frame is that was decoded last, in milliseconds."""
        return self.capture.get(cv2.CAP_PROP_POS_MSEC)

    @property
    def landing(self) -> Landing | None:
        """What was found at `start`, before another frame is decoded; None where it is not to be relied upon."""
        if self.start < _FAR or self.skipped:
            return None
        return Landing(self.identity, self.position, self.picture)

    def advance(self, end: int | None = None) -> bool:
        """Decodes the next frame; False at the end, which is `end` or where nothing more can be decoded.

        A refusal is not the end: what cannot be decoded is passed over and counted.
        """
        if self.index == end:
            return False
        self.jumped = False
        if not self.capture.grab() and not self._pass_over():
            return False
        self.index += 1
        return True

    def release(self) -> None:
        """Closes the file."""
        self.capture.release()

    def _open_with(self, threads: int) -> None:
        self.index = 0
        self._read = ReadingPosition(self.identity.device, self.identity.inode)
        path = str(self._path.absolute())  # FFmpeg would take what stands before a colon for a protocol
        self.capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, threads])
        if not self.capture.isOpened():
            raise SourceError(
                f"file {self._path} is not a video that OpenCV {cv2.__version__} can read: damaged, cut off while it"
                " was written, or no video at all; 'ffprobe' says more"
            )

    def _picture_at_start(self, landing: Landing | None) -> Pixels:
        if landing is not None and landing.identity == self.identity:
            picture = self._seek()
            if picture is not None and self.position == landing.position and np.array_equal(picture, landing.picture):
                return picture
            self._start_over()
        while self.advance():
            self._stop_if_cancelled()
            if self.index > self.start:
                picture = first_picture(self.capture)
                if picture is not None:
                    return picture
                break
        if 0 < self.index <= self.start:
            raise SourceError(
                f"file {self._path} has {self.index} frames, video_start_frame {self.start} is beyond them"
            )
        raise SourceError(
            f"file {self._path} opens but gives no frame: its codec, {codec(self.capture)}, may be one that OpenCV"
            f" {cv2.__version__} cannot decode; convert it: ffmpeg -i {self._path.name} -c:v libx264 out.mp4"
        )

    def _picture_near_start(self) -> Pixels:
        picture = self._seek()
        if picture is None:
            raise SourceError(f"file {self._path} cannot be sought in")
        return picture

    def _seek(self) -> Pixels | None:
        self.capture.set(cv2.CAP_PROP_POS_FRAMES, self.start)
        self.index = self.start + 1
        return first_picture(self.capture) if self.capture.grab() else None

    def _start_over(self) -> None:
        threads = int(self.capture.get(cv2.CAP_PROP_N_THREADS))
        self.capture.release()
        self._open_with(threads)

    def _pass_over(self) -> bool:
        """After a refusal, goes on to the next frame that can be decoded; False where there is none."""
        patience = PATIENCE_WHERE_EXPECTED if 0 < self.announced <= self.index else PATIENCE
        read = self._read.get()
        refusals, in_vain = 1, 1
        while not self.capture.grab():
            refusals += 1
            in_vain += 1
            if in_vain >= patience:
                before, read = read, self._read.get()
                if read == before or (self.index == 0 and refusals >= PATIENCE_AT_FIRST):
                    return False
                self._stop_if_cancelled()
                in_vain = 0
        self.skipped += refusals
        self.jumped = True
        return True

    def _stop_if_cancelled(self) -> None:
        if self._cancelled():
            raise SourceError(f"file {self._path}: opening it was cancelled")


def identity_of(path: Path) -> Identity:
    """Says what is wrong with a file where the system knows; else gives what tells it from another."""
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise SourceError(f"file {path} is not a regular file; a video file is asked for")
        path.open("rb").close()
    except FileNotFoundError:
        hint = "; a stream's URL belongs into vision.camera.device_id" if ":/" in str(path) else ""
        raise SourceError(f"file {path} does not exist (looked in {Path.cwd()}){hint}") from None
    except ValueError:
        raise SourceError(f"file {str(path)!r} cannot be: no file's name has a NUL in it") from None
    except OSError as error:
        raise SourceError(f"file {path} cannot be read: {error.strerror}") from None
    if not facts.st_size:
        raise SourceError(f"file {path} is empty (0 bytes): the recording was never written")
    return Identity(facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)


def _pixels_per_second(capture: cv2.VideoCapture) -> float:
    size = capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    return size * (nominal_fps(capture) or USUAL_FPS)

"""A video file, played at its own pace or as fast as it can be decoded.

Nothing that a file announces about its length is believed: the end is where no further frame can be decoded, and a
frame is counted by decoding it, so start and end are exact. See `film` for how, and `reel` for how one pass follows
the other.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cv2

from billiards_video.capture.decoder_threads import DecoderThreads
from billiards_video.capture.film import USUAL_FPS, Film, identity_of
from billiards_video.capture.first_pictures import FirstPictures
from billiards_video.capture.opencv import OpenCVSource, Opened, codec
from billiards_video.capture.reel import Reel
from billiards_video.capture.source import Grabbed, SourceEnded, SourceError
from billiards_video.capture.timeline import Timeline

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from billiards_video.capture.source import Pixels, SourceFacts


class FileSource(OpenCVSource):
    """A video file: `[start_frame, end_frame)` of it, once or again and again.

    Frames are counted from 0, as they come out of the decoder. `end_frame` is the first one that is not shown; None
    means the end of the file. Frames before `start_frame` are decoded and dropped, which takes its time. With `pace`
    "unlimited" no frame is due at a time of its own. `threads` decides how many decode; `clock` stands in for
    `time.monotonic_ns` in tests.
    """

    live = False

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        loop: bool = False,
        start_frame: int = 0,
        end_frame: int | None = None,
        pace: Literal["realtime", "unlimited"] = "realtime",
        threads: DecoderThreads | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        super().__init__()
        self._path = Path(path)
        self._loop = loop
        self._pace = pace
        self._threads = threads or DecoderThreads()
        self._clock = clock
        self._cancelled = threading.Event()
        self._reel = Reel(self._path, start_frame, end_frame, self._threads, self._cancelled.is_set)
        self._film: Film | None = None
        self._timeline = Timeline(0)
        self._doubt: FirstPictures | None = None
        self._skipped_before = 0  # in earlier passes
        self._position_ns = 0
        self._loop_count = 0

    @property
    def text(self) -> str:  # noqa: D102 - as in the interface
        return f"file {self._path}"

    @property
    def threads(self) -> int:
        """How many threads decode the film now."""
        return round(self._opened.get(cv2.CAP_PROP_N_THREADS))

    def open(self) -> SourceFacts:  # noqa: D102 - as in the interface
        self._loop_count = self._skipped_before = 0
        if self._pace == "unlimited":
            self._threads.hurry()
        facts = super().open()
        self._doubt = FirstPictures(self._path, codec(self._opened))
        fps = facts.fps or USUAL_FPS
        self._threads.begin(fps)
        self._timeline = Timeline(round(1e9 / fps), self._clock)
        return facts

    def grab(self) -> Grabbed:  # noqa: D102 - as in the interface
        film = self._going_on()
        jumped = False
        if not self._take_held():
            if self._reel.advance(film):
                jumped = film.jumped
                self.skipped = self._skipped_before + film.skipped
            else:
                film = self._start_over(film)
                jumped = True
        if self._loop:
            self._reel.look_ahead(film)
        self._position_ns = max(0, round(film.position * 1e6))
        grabbed = Grabbed(position_ns=self._position_ns, loop_count=self._loop_count, discontinuity=jumped)
        if self._pace == "unlimited":
            return grabbed
        moment = self._timeline.place(self._position_ns)
        if self._threads.note(late=self._timeline.late_ns > 0):
            self._reel.relieve(film)
        jumped = jumped or self._timeline.leapt
        return grabbed._replace(captured_ns=moment.presented_ns, due_ns=moment.due_ns, discontinuity=jumped)

    def retrieve(self, out: Pixels) -> Pixels | None:  # noqa: D102 - as in the interface
        picture = super().retrieve(out)
        if picture is None or self._film is None:
            return picture
        if self._doubt is not None:
            self._doubt.look(picture, self._position_ns)
            if self._doubt.are_settled:
                self._doubt = None
        self._reel.compare(self._film, picture)
        return picture

    def examine(self) -> None:  # noqa: D102 - as in the interface
        identity_of(self._path)

    def cancel(self) -> None:  # noqa: D102 - as in the interface
        self._cancelled.set()

    def close(self) -> None:  # noqa: D102 - as in the interface
        doubt, self._doubt = self._doubt, None
        if doubt is not None:
            doubt.stop()
        self._reel.close()
        self._film = None
        super().close()

    def _begin(self) -> Opened:
        return self._show(self._reel.open())

    def _show(self, film: Film) -> Opened:
        self._film = film
        self.skipped = self._skipped_before + film.skipped
        return Opened(film.capture, film.picture)

    def _going_on(self) -> Film:
        """The film whose frame is next: another one, where a quicker decoder has reached the same place."""
        if self._film is None:
            raise SourceError(f"{self.text} is not open: call open() first")
        film = self._reel.current(self._film)
        if film is not self._film:
            self._skipped_before += self._film.skipped - film.skipped
            self._install(self._show(film))
            self._take_held()  # its first frame was given out, by the other film
        return film

    def _start_over(self, film: Film) -> Film:
        doubt, self._doubt = self._doubt, None
        if doubt is not None:
            doubt.end()
        if not self._loop:
            raise SourceEnded
        self._skipped_before += film.skipped
        following = self._reel.next()
        film.release()
        self._install(self._show(following))
        self._take_held()
        self._timeline.restart()
        self._loop_count += 1
        return following

"""A network stream: anything that FFmpeg opens by a URL.

A stream is live: it is read as fast as it comes, and its end is a failure that is worth another try. A plain video file
behind an HTTP URL is therefore played as fast as it downloads; download it instead.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2

from billiards_video.capture.ffmpeg_options import in_force
from billiards_video.capture.host_name import unknown_host
from billiards_video.capture.live_pace import Backlog, Load, Stopwatch
from billiards_video.capture.opencv import OpenCVSource, Opened, codec, first_picture, nominal_fps
from billiards_video.capture.settings import FirstFrames
from billiards_video.capture.source import Grabbed, Setting, SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from billiards_video.capture.live_pace import Grab
    from billiards_video.capture.source import Pixels, SourceFacts

logger = logging.getLogger(__name__)

_SECRETS = re.compile(r"(?<=://).*@(?=[^@]*$)|(?<=\?).*")  # a user and a password; a query, which may be one too
_MADE_UP_FPS = 25  # what FFmpeg says of MJPEG over HTTP, which has neither a rate nor times of its own
_USUAL_PERIOD = 1 / 25
_LONGEST_STEP = 10.0  # seconds from one position to the next; more is a clock begun anew
_AT_ONCE_SECONDS = 0.001
_SETTLE_SECONDS = 1.0
_REFUSALS = 10  # at once and in a row: there is nothing more to come
_MOST_THREADS = 4


class StreamSource(OpenCVSource):
    """A camera behind a URL. Time-outs in seconds; `options` are FFmpeg's, by their names.

    `threads` decode. None is one, which gives each frame out as soon as it is there, where every further thread holds
    one back; where one proves too slow, the stream is opened again with more.
    """

    remote = True

    def __init__(
        self,
        url: str,
        *,
        open_timeout: float = 10.0,
        read_timeout: float = 5.0,
        threads: int | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self._url = url
        self._open_timeout = open_timeout
        self._read_timeout = read_timeout
        self._threads_wanted = threads
        self._threads = threads or 1
        self._options = options or {}
        self._period = _USUAL_PERIOD
        self._stopwatch = Stopwatch(_USUAL_PERIOD)
        self._backlog = Backlog(_USUAL_PERIOD)
        self._load = Load()
        self._position = 0.0
        self._last_came = False  # nothing more will come after it
        self._rate = FirstFrames(_SETTLE_SECONDS)

    @property
    def text(self) -> str:
        """The URL, without user and password."""
        return f"stream {_SECRETS.sub('', self._url)}"

    def open(self) -> SourceFacts:  # noqa: D102 - as in the interface
        self.measured_fps, self._rate = None, FirstFrames(_SETTLE_SECONDS)
        facts = super().open()
        if self._is_made_up(facts.fps):
            facts = replace(facts, fps=None)
        return replace(facts, settings=self._settled(facts))

    def _is_made_up(self, fps: float | None) -> bool:
        announced = self._url.lower().startswith("rtsp")  # there the camera describes what it sends
        return fps == _MADE_UP_FPS and codec(self._opened) == "MJPG" and not announced

    def _settled(self, facts: SourceFacts) -> tuple[Setting, ...]:
        capture = self._opened
        turned = round(capture.get(cv2.CAP_PROP_ORIENTATION_META))
        return (
            Setting("codec", None, codec(capture)),
            Setting("resolution", None, f"{facts.width}x{facts.height}", f"{facts.width}x{facts.height}"),
            Setting("fps", None, None if facts.fps is None else f"{facts.fps:.4g}"),
            Setting("rotation", None, f"{turned}", note="applied" if turned else ""),
            Setting("decoder_threads", str(self._threads_wanted or "auto"), f"{self._threads}"),
        )

    def _begin(self) -> Opened:
        began = time.monotonic()
        parameters = [
            *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(self._open_timeout * 1000)),
            *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(self._read_timeout * 1000)),
            *(cv2.CAP_PROP_N_THREADS, self._threads),
        ]
        with in_force(self._options):
            capture = cv2.VideoCapture(self._url, cv2.CAP_FFMPEG, parameters)
        try:
            picture = self._first_of(capture, began)
        except SourceError:
            capture.release()
            raise
        return Opened(capture, picture)

    def _first_of(self, capture: cv2.VideoCapture, began: float) -> Pixels:
        if not capture.isOpened():
            took = time.monotonic() - began
            host = unknown_host(self._url, self._open_timeout - took)
            if host is not None:
                raise SourceError(
                    f"{self.text} cannot be opened: its host '{host.name}' is not known here ({host.why}): check the"
                    " name, and this machine's network and name service"
                )
            raise SourceError(
                f"{self.text} cannot be opened (gave up after {took:.1f} s, the limit is {self._open_timeout:g} s):"
                " check that the camera answers at this address, its path, user and password"
            )
        fps = nominal_fps(capture)
        self._period = 1 / fps if fps else _USUAL_PERIOD
        self._stopwatch, self._position, self._last_came = Stopwatch(self._period), 0.0, False
        # To learn what is in a stream, FFmpeg has read up to seconds of it: that is what it gives out first.
        self._backlog = Backlog(self._period, waiting=time.monotonic() - began)
        with contextlib.suppress(SourceError):
            self._newest(capture)
            picture = first_picture(capture)
            if picture is not None:
                self._load = Load()
                return picture
        raise SourceError(
            f"{self.text} opens but gives no frame within {self._read_timeout:g} s (codec {codec(capture)})"
        )

    def grab(self) -> Grabbed:  # noqa: D102 - as in the interface
        capture = self._opened
        passed_over = 0
        if not self._take_held():
            passed_over = self._newest(capture)
            self.skipped += passed_over
            if self._threads_wanted is None and self._load.is_too_much(self._position):
                passed_over += self._take_more_threads()
        self._rate.count(time.monotonic_ns(), 1 + passed_over)
        self.measured_fps = self._rate.fps
        return Grabbed(discontinuity=passed_over > 0)

    def _newest(self, capture: cv2.VideoCapture) -> int:
        """Grabs up to a frame that is not old; gives how many were passed over, for that or as damaged."""
        if self._last_came:
            raise SourceError(f"{self.text} gives no more frames: nothing came for {self._read_timeout:g} s")
        passed_over = refused_at_once = 0
        deadline = time.monotonic() + self._read_timeout
        while True:
            grab = self._stopwatch.time(capture.grab)
            if grab.done:
                # What the decoder still had, when the time was over; it takes nothing in after that.
                self._last_came = grab.seconds >= self._read_timeout
                if not self._is_old(capture, grab):
                    return passed_over
            elif time.monotonic() >= deadline:
                raise SourceError(f"{self.text} gives no more frames: nothing came for {self._read_timeout:g} s")
            else:  # it may be this frame alone
                refused_at_once = refused_at_once + 1 if grab.seconds < _AT_ONCE_SECONDS else 0
                if refused_at_once == _REFUSALS:
                    raise SourceError(f"{self.text} gives no more frames: ended by the server, or the network")
            passed_over += 1

    def _is_old(self, capture: cv2.VideoCapture, grab: Grab) -> bool:
        position = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        step, self._position = position - self._position, position
        lasts = step if 0 < step < _LONGEST_STEP else self._period
        # Positions may be made up: MJPEG has none, and FFmpeg counts 25 frames a second.
        return self._backlog.is_old(waited=grab.waited, lasts=1 / self._rate.fps if self._rate.fps else lasts)

    def _take_more_threads(self) -> int:
        most = min(_MOST_THREADS, os.cpu_count() or 1)
        if self._threads >= most:
            return 0
        self._threads = min(2 * self._threads, most)
        logger.warning(
            "%s: one decoder thread falls behind; it is opened again with %d, which delay a frame by %d",
            self.text,
            self._threads,
            self._threads - 1,
        )
        self._reopen()
        self._take_held()
        return 1

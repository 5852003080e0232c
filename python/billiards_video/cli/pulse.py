"""Every frame of a stream as it comes, in a thread: when it was captured, and how late it was here.

The thread is a reader like any other, with a line among the readers', and looks at no pixel: a frame is leased for some
microseconds. Of another user's stream, where each look is a copy, it takes a few frames a second.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, Self

from billiards_video.cli.stream_choice import in_words
from billiards_video.ipc import EndOfStream, SharedMemoryFrameReader

if TYPE_CHECKING:
    from billiards_video.ipc import FrameMetadata

NAME = "billiards-video top"

_SLICE_SECONDS = 0.25  # how soon the thread hears that it is to end
_COPY_SECONDS = 0.2
_WINDOW = 2000  # frames
_NS = 1_000_000_000


class Beat(NamedTuple):
    """A frame: its place in its segment, when it was captured and published, and when it was here."""

    sequence: int
    number: int
    captured_ns: int
    published_ns: int
    seen_ns: int


class Pulse:
    """The frames of a stream, taken while the `with` block lasts; it waits for a stream that is not there yet."""

    def __init__(self, name: str, owner: int | None) -> None:
        self.reader = SharedMemoryFrameReader(name, reader_name=NAME, owner=owner)
        self.problem = ""
        """Why there is nothing to read; "" where there is."""
        self._owner = owner
        self._beats: deque[Beat] = deque(maxlen=_WINDOW)
        self._epoch: int | None = None  # of the segment that these are of
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self.reader.detach()
        self._thread.join(2 * _SLICE_SECONDS)

    def beats(self, span: float) -> list[Beat]:
        """The frames of the last `span` seconds, of the segment that is read now, the newest last."""
        with self._lock:
            beats = list(self._beats)
        since_ns = time.monotonic_ns() - round(span * _NS)
        return [beat for beat in beats if beat.seen_ns >= since_ns]

    @property
    def last(self) -> Beat | None:
        """The newest frame, however old."""
        with self._lock:
            return self._beats[-1] if self._beats else None

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if self.reader.is_attached:
                    self._take()
                else:
                    self._attach()
            except EndOfStream:
                self._stop.wait(_SLICE_SECONDS)  # it may be started again
            except (OSError, RuntimeError) as error:  # detached by the end of the block; or a damaged segment
                self.problem = str(error)
                self._stop.wait(_SLICE_SECONDS)

    def _attach(self) -> None:
        try:
            self.reader.attach(_SLICE_SECONDS)
        except TimeoutError as error:
            self.problem = in_words(self.reader.name, str(error))
            return
        except RuntimeError as error:
            if self.reader.is_observer:
                raise
            # All 64 lines are taken: an observer needs none.
            self.problem = str(error)
            self.reader = SharedMemoryFrameReader(self.reader.name, observe=True, owner=self._owner)
            return
        self.problem = ""

    def _take(self) -> None:
        try:
            with self.reader.lease(_SLICE_SECONDS) as frame:
                self._note(frame.metadata)
                copied = frame.is_copy
        except TimeoutError:
            return  # the figures show it
        if copied:
            self._stop.wait(_COPY_SECONDS)

    def _note(self, frame: FrameMetadata) -> None:
        beat = Beat(frame.sequence, frame.frame_number, frame.captured_ns, frame.published_ns, time.monotonic_ns())
        epoch = self.reader.epoch
        with self._lock:
            if self._epoch != epoch:  # sequences begin anew
                self._epoch = epoch
                self._beats.clear()
            self._beats.append(beat)


def rate(beats: list[Beat]) -> float | None:
    """Frames a second, those not seen here included; None where there are too few to say."""
    if len(beats) < 2:  # noqa: PLR2004 - two frames make an interval
        return None
    lasted = beats[-1].captured_ns - beats[0].captured_ns
    return (beats[-1].sequence - beats[0].sequence) / 2 * _NS / lasted if lasted > 0 else None


def intervals(beats: list[Beat]) -> list[float]:
    """Seconds from frame to frame; where some were not seen here, what each of them took."""
    return [
        (after.captured_ns - before.captured_ns) / _NS / max(1, (after.sequence - before.sequence) // 2)
        for before, after in itertools.pairwise(beats)
    ]

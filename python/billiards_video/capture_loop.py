"""The thread that captures: opens the source, publishes its frames, opens it again where that helps, releases it.

Nothing else touches the source. No loan is open while the source can block, so that a source that hangs holds nothing
that the main thread needs to say so, and to end.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from billiards_video.backoff import Backoff
from billiards_video.capture import SourceEnded, SourceError
from billiards_video.capture.preprocessing import PreprocessingError, preprocessing_for
from billiards_video.capture.settings import table, with_rate
from billiards_video.capture_health import NO_FRAMES
from billiards_video.ipc import FrameFormat, Reservation, State
from billiards_video.picture_watch import PictureWatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from billiards_video.capture import Grabbed, Source, SourceFacts
    from billiards_video.capture.source import Pixels, Setting
    from billiards_video.capture_statistics import Statistics
    from billiards_video.config import Config
    from billiards_video.ipc import SharedMemoryFrameWriter

logger = logging.getLogger(__name__)

_INTERNAL = "an error in the capture process"


class StreamError(Exception):
    """The shared memory cannot be had: its name is in use, there is no room; in the words of the bus."""


class Outcome(NamedTuple):
    """How the capture ended: the last state of the stream, the reason that readers see, an error for the log."""

    state: State
    reason: str
    error: str | None = None


class CaptureLoop:
    """One source, one writer, one thread. `changed` is called, in that thread, when the state is another one.

    Raises `ValueError` where frames cannot be preprocessed as configured, whatever their size.
    """

    def __init__(self, config: Config, source: Source, statistics: Statistics, changed: Callable[[], None]) -> None:
        self._config = config
        self._source = source
        self._preprocessing, self._not_preprocessed = preprocessing_for(config.video)
        self._statistics = statistics
        self._changed = changed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._reservation: Reservation | None = None
        self.writer: SharedMemoryFrameWriter | None = None
        """The stream; None until the source has given a frame."""
        self.facts: SourceFacts | None = None
        """What is known about the source."""
        self.state = State.LIVE
        self.reason = ""
        self.outcome: Outcome | None = None
        """How it ended; None while it runs."""
        patience = config.vision.camera.bad_picture_after
        self.picture = PictureWatch(patience) if source.live and patience is not None else None
        """What looks whether a live picture lives, if anything does."""
        self._untold: tuple[Setting, ...] = ()  # settings that the log has not been told yet
        self._state_lock = threading.Lock()  # held for no longer than it takes to set a state
        self._stream_lock = threading.RLock()  # reentrant: the signal handler ends the stream too
        self._stream_ended = False

    def take_name(self) -> None:
        """Takes the right to publish under the configured name, before the source is touched. Raises `StreamError`.

        A second process would otherwise find the camera of the first one busy, and wait for it for ever.
        """
        video = self._config.video
        try:
            self._reservation = Reservation(
                video.shared_memory_name, max_buffers=video.max_buffers, access=video.access
            )
        except (OSError, ValueError) as error:
            raise StreamError(str(error)) from None

    def start(self) -> None:
        """Starts the thread; after `take_name`."""
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """Asks the thread to end and waits for it; False if it has not, `timeout` seconds later. May be repeated."""
        self._stop.set()
        self._source.cancel()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def end_stream(self, state: State, reason: str) -> None:
        """Removes the shared memory, and sees to it that a thread that was abandoned makes no other."""
        with self._stream_lock:
            self._stream_ended = True
            if self.writer is not None:
                self.writer.cleanup(state, reason)
            elif self._reservation is not None:
                self._reservation.cancel()

    def set_state(self, state: State, reason: str) -> None:
        """Makes a state known, in the header and to the main thread. From any thread."""
        with self._state_lock:
            self._set_state(state, reason)

    def judge(self, state: State, reason: str) -> bool:
        """Says LIVE or STALLED from outside, while the source is open; gives whether that is news."""
        with self._state_lock:
            if self.state not in (State.LIVE, State.STALLED) or (self.state, self.reason) == (state, reason):
                return False
            self._set_state(state, reason)
            return True

    def _set_state(self, state: State, reason: str) -> None:
        self.state, self.reason = state, reason
        if self.writer is not None:
            self.writer.set_state(state, reason)
        self._changed()

    def _run(self) -> None:
        outcome = self._outcome()
        self._close_source()
        self.outcome = outcome
        self._changed()

    def _outcome(self) -> Outcome:
        try:
            self._capture()
        except SourceEnded:
            return Outcome(State.ENDED, "end of the source")
        except SourceError as error:
            return Outcome(State.FAILED, self._loss(), str(error))
        except StreamError as error:
            return Outcome(State.FAILED, _INTERNAL, str(error))
        except Exception as error:
            problem = self._problem_of_stream()
            if problem is None:
                logger.exception("This is a mistake in billiards_video or in the source, please report it")
            return Outcome(State.FAILED, _INTERNAL, problem or repr(error))
        return Outcome(State.CLOSED, "stopped")

    def _problem_of_stream(self) -> str | None:
        """Why the writer cannot go on, in its own words, if that is so: another one has taken its name."""
        try:
            if self.writer is not None:
                self.writer.tend()
        except (OSError, RuntimeError) as error:
            return str(error)
        return None

    def _close_source(self) -> None:
        self._tell_settings()
        try:
            self._source.close()
        except Exception:
            logger.exception("%s cannot be closed", self._source.text)

    def _capture(self) -> None:
        if self._not_preprocessed is not None:
            logger.warning("%s", self._not_preprocessed)
        camera = self._config.vision.camera
        backoff = Backoff(camera.reconnect_delay, camera.max_reconnect_attempts)
        while not self._stop.is_set():
            try:
                writer = self._open()
                if writer is not None:
                    self._publish_frames(writer, backoff)
            except SourceError as error:
                self._close_source()
                if self._stop.is_set():
                    return
                mistaken = isinstance(error, PreprocessingError) and self.writer is None  # opening again would not help
                if mistaken or not (self._source.live and camera.auto_reconnect):
                    raise
                self._wait_to_reconnect(backoff, str(error))

    def _open(self) -> SharedMemoryFrameWriter | None:
        skipped = self._source.skipped  # since the last open
        facts = self._source.open()
        self._statistics.unusable += skipped
        rate = "" if facts.fps is None else f" at {facts.fps:.5g} frames a second"
        logger.info("Source: %s, %dx%d%s", self._source.text, facts.width, facts.height, rate)
        self._untold = facts.settings
        if self.facts is not None:
            self._statistics.reconnects += 1
        self.facts = facts
        width, height = facts.width, facts.height
        if self._preprocessing is not None:
            width, height = self._preprocessing.size(width, height)
            logger.info("Frames are %s: %dx%d", self._preprocessing, width, height)
        return self.writer or self._begin_stream(width, height)

    def _begin_stream(self, width: int, height: int) -> SharedMemoryFrameWriter | None:
        gray = self._preprocessing is not None and self._preprocessing.grayscale
        with self._stream_lock:
            if self._stream_ended or self._reservation is None:
                return None
            try:
                self.writer = writer = self._reservation.publish(
                    width, height, FrameFormat.GRAY8 if gray else FrameFormat.BGR24
                )
            except (OSError, ValueError) as error:
                raise StreamError(str(error)) from None
        self._tell_where(writer)
        return writer

    def _publish_frames(self, writer: SharedMemoryFrameWriter, backoff: Backoff) -> None:
        source, statistics, stop = self._source, self._statistics, self._stop
        interval = self._config.vision.camera.frame_log_interval
        gap = statistics.reconnects > 0
        epoch = writer.epoch
        while True:
            grabbed = source.grab()
            if stop.is_set():
                return
            due_ns = grabbed.due_ns
            if due_ns is not None:
                early_ns = due_ns - time.monotonic_ns()
                if early_ns > 0 and stop.wait(early_ns / 1e9):
                    return
            captured_ns = grabbed.captured_ns or due_ns or time.monotonic_ns()
            number = statistics.captured
            statistics.captured = number + 1
            statistics.last_frame_ns = captured_ns
            statistics.loop_count = grabbed.loop_count
            writer.count_captured()
            gap = gap or grabbed.discontinuity
            if self._publish(writer, number, captured_ns, grabbed, discontinuity=gap):
                gap = False
            if writer.epoch != epoch:  # behind a frame, a segment whose name was removed is replaced
                epoch = writer.epoch
                self._changed()
            if number % interval == 0:
                logger.info("Frame %d", number)
            self._frame_has_come(backoff)

    def _frame_has_come(self, backoff: Backoff) -> None:
        if self._untold and self._source.measured_fps is not None:
            self._tell_settings()
        if self.state is State.RECONNECTING:
            self.set_state(State.LIVE, "")
            backoff.reset()
        elif self.reason == NO_FRAMES:
            self.judge(State.LIVE, "")

    def _publish(
        self, writer: SharedMemoryFrameWriter, number: int, captured_ns: int, grabbed: Grabbed, *, discontinuity: bool
    ) -> bool:
        """Converts the grabbed frame into a free buffer and publishes it; where there is none, it is not converted."""
        with writer.loan() as slot:
            if slot is None:
                self._statistics.dropped += 1
                return False
            array = slot.array
            picture = self._retrieve(array)
            if picture is array:
                if self.picture is not None:
                    self.picture.look(array, captured_ns)
                slot.publish(
                    number,
                    captured_ns=captured_ns,
                    position_ns=grabbed.position_ns,
                    loop_count=grabbed.loop_count,
                    discontinuity=discontinuity,
                )
                self._statistics.written += 1
                return True
        del slot, array  # a cancelled buffer is free once nothing shows it, and may be the only one
        if picture is None:
            self._statistics.unusable += 1
            return False
        height, width = picture.shape[:2]
        if (width, height) != (writer.width, writer.height):
            self._reshape(writer, width, height)
        published = writer.write_frame(
            picture,
            number,
            captured_ns=captured_ns,
            position_ns=grabbed.position_ns,
            loop_count=grabbed.loop_count,
            discontinuity=discontinuity,
        )
        self._statistics.written += published
        self._statistics.dropped += not published
        return published

    def _retrieve(self, out: Pixels) -> Pixels | None:
        """Converts the grabbed frame into `out`, the shared memory: the source itself, where nothing is to be done."""
        if self._preprocessing is None:
            return self._source.retrieve(out)
        return self._preprocessing.retrieve(self._source, out)

    def _reshape(self, writer: SharedMemoryFrameWriter, width: int, height: int) -> None:
        logger.info("Frames are %dx%d now: new shared memory under the same name", width, height)
        try:
            writer.reshape(width, height)
        except (OSError, ValueError) as error:
            raise StreamError(str(error)) from None
        self._tell_where(writer)

    def _tell_settings(self) -> None:
        """Logs what was asked, accepted, measured: once the rate is known, or when the source is closed before that."""
        settings, self._untold = self._untold, ()
        for line in table(with_rate(settings, self._source.measured_fps)):
            logger.info("Settings: %s", line)

    def _tell_where(self, writer: SharedMemoryFrameWriter) -> None:
        size = writer.get_stats()["total_size_mb"]
        form = writer.frame_format.name
        logger.info("Shared memory: %s, %dx%d %s, %.1f MB", writer.path, writer.width, writer.height, form, size)
        self._changed()

    def _wait_to_reconnect(self, backoff: Backoff, error: str) -> None:
        delay = backoff.failed()
        level = logging.ERROR if backoff.persistent else logging.WARNING
        logger.log(level, "%s; attempt %d to open it again in %g s", error, backoff.failures, delay)
        self.set_state(State.RECONNECTING, self._loss())
        self._stop.wait(delay)

    def _loss(self) -> str:
        return "the source cannot be opened" if self.facts is None else "the source is gone"

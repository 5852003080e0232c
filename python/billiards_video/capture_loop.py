"""A thread that captures: opens its source, publishes the frames, opens it again where that helps, releases it.

Nothing else touches the source. No loan is open while the source can block (converting a frame is no waiting), so that
a source that hangs holds nothing that the main thread needs to say so, to end, or to go on without this thread.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from billiards_video.capture import SourceEnded, SourceError
from billiards_video.capture.preprocessing import PreprocessingError
from billiards_video.capture.settings import table, with_rate
from billiards_video.capture.source import HELD_BY_ITSELF
from billiards_video.capture_health import NO_FRAMES, missing_after_ns
from billiards_video.capture_plan import Gap, Outcome, delay_after
from billiards_video.capture_stream import CANNOT_BE_OPENED, GONE, INTERNAL, StreamError
from billiards_video.frame_publisher import FramePublisher
from billiards_video.ipc import FrameFormat, State
from billiards_video.picture_watch import PictureWatch
from billiards_video.watched_source import GivenUpError

if TYPE_CHECKING:
    from billiards_video.backoff import Backoff
    from billiards_video.capture import SourceFacts
    from billiards_video.capture.source import Setting
    from billiards_video.capture_plan import CapturePlan
    from billiards_video.capture_stream import CaptureStream
    from billiards_video.ipc import SharedMemoryFrameWriter
    from billiards_video.watched_source import WatchedSource

logger = logging.getLogger(__name__)


class CaptureLoop:
    """One source and one thread, which fills a stream. What is said in `after` was before its first frame."""

    def __init__(
        self,
        source: WatchedSource,
        plan: CapturePlan,
        stream: CaptureStream,
        backoff: Backoff,
        after: Gap | None = None,
    ) -> None:
        self.source = source
        self.plan = plan
        """By which the next frame is treated."""
        self._stream = stream
        self._statistics = stream.statistics
        self._backoff = backoff
        self._gap = after
        self._stop = threading.Event()
        self._wake = threading.Event()  # ends a pause between attempts
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self.facts: SourceFacts | None = None
        """What is known about the source."""
        self.outcome: Outcome | None = None
        """How it ended; None while it runs."""
        self._publisher = FramePublisher(source, stream)
        self.follow(plan)
        self._untold: tuple[Setting, ...] = ()  # settings that the log has not been told yet

    @property
    def alive(self) -> bool:
        """Whether its thread runs, or hangs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Starts the thread; once the stream has its name."""
        self._thread.start()

    @property
    def picture_problem(self) -> str | None:
        """What is wrong with the picture, in the words of the bus; None where nothing is, or nobody looks."""
        return self._publisher.picture.problem if self._publisher.picture is not None else None

    @property
    def expected_fps(self) -> float | None:
        """Frames a second that a live source announces, or else gave at first; None for a file, or if nobody knows."""
        facts, source = self.facts, self.source.source
        return None if facts is None or not source.live else facts.fps or source.measured_fps

    def follow(self, plan: CapturePlan) -> None:
        """Goes by another plan from the next frame on; from another thread, too."""
        patience = plan.camera.bad_picture_after
        if self._publisher.picture is None or patience != self.plan.camera.bad_picture_after:
            live = self.source.source.live
            self._publisher.picture = PictureWatch(patience) if live and patience is not None else None
        self._publisher.preprocessing = plan.preprocessing
        self.plan = plan

    def try_now(self) -> None:
        """Ends the pause before the next attempt to open the source, if there is one."""
        self._wake.set()

    def ask_to_end(self) -> None:
        """Asks the thread to end; does not wait for it."""
        self._stop.set()
        self._wake.set()
        self.source.source.cancel()

    def stop(self, timeout: float) -> bool:
        """Asks the thread to end and waits for it; False if it has not, `timeout` seconds later. May be repeated."""
        self.ask_to_end()
        self._thread.join(timeout)
        return not self.alive

    def loss(self) -> str:
        """What it means for the stream that the source has failed, in the words of the bus."""
        return CANNOT_BE_OPENED if self._stream.writer is None else GONE

    def _run(self) -> None:
        try:
            outcome = self._outcome()
            self._close_source()
        except GivenUpError:
            self._clear_up()
            return
        self.outcome = outcome
        self._stream.changed()

    def _clear_up(self) -> None:
        """Releases the source, long after others went on without it, and touches nothing else."""
        logger.info("%s: a call that was given up has come back; it is closed", self.source.source.text)
        try:
            self.source.source.close()
        except Exception as error:  # noqa: BLE001 - a source's own, and nobody is left to be told
            logger.info("%s cannot be closed: %r", self.source.source.text, error)

    def _outcome(self) -> Outcome:
        try:
            self._capture()
        except SourceEnded:
            return Outcome(State.ENDED, "end of the source")
        except SourceError as error:
            return Outcome(State.FAILED, self.loss(), str(error))
        except StreamError as error:
            return Outcome(State.FAILED, INTERNAL, str(error))
        except GivenUpError:
            raise
        except Exception as error:
            problem = self._stream.problem()
            if problem is None:
                logger.exception("This is a mistake in billiards_video or in the source, please report it")
            return Outcome(State.FAILED, INTERNAL, problem or repr(error))
        return Outcome(State.CLOSED, "stopped")

    def _close_source(self) -> None:
        self._tell_settings()
        try:
            self.source.close()
        except GivenUpError:
            raise
        except Exception:
            logger.exception("%s cannot be closed", self.source.source.text)

    def _capture(self) -> None:
        if self._gap is not None:
            self._wake.wait(self._gap.delay)
        while not self._stop.is_set():
            self._wake.clear()
            if self._stop.is_set():  # in between
                return
            try:
                writer = self._open()
                if writer is not None:
                    self._publish_frames(writer)
            except SourceError as error:
                if self._stop.is_set():  # called off, and no failure
                    return
                self._lose(error)

    def _open(self) -> SharedMemoryFrameWriter | None:
        source, statistics = self.source.source, self._statistics
        skipped = source.skipped  # since the last open
        facts = self.source.open()
        statistics.skipped += skipped
        rate = "" if facts.fps is None else f" at {facts.fps:.5g} frames a second"
        logger.info("Source: %s, %dx%d%s", source.text, facts.width, facts.height, rate)
        self._untold = facts.settings
        self.facts = facts
        width, height, form = facts.width, facts.height, FrameFormat.BGR24
        preprocessing = self.plan.preprocessing
        if preprocessing is not None:
            width, height = preprocessing.size(width, height)
            logger.info("Frames are %s: %dx%d", preprocessing, width, height)
            form = FrameFormat.GRAY8 if preprocessing.grayscale else form
        if self._stream.writer is not None and self._gap is not None:
            statistics.reconnected(self._gap.reason)
        return self._stream.begin(width, height, form)

    def _publish_frames(self, writer: SharedMemoryFrameWriter) -> None:
        source, statistics, stop = self.source, self._statistics, self._stop
        gap = statistics.captured > 0
        epoch = None  # the first frame is news, too: from now on there are times that the next one may not exceed
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
            gap = gap or grabbed.discontinuity
            expected = self.expected_fps
            if number and expected and captured_ns - statistics.last_frame_ns > missing_after_ns(expected):
                gap = True
            statistics.captured = number + 1
            statistics.last_frame_ns = captured_ns
            statistics.loop_count = grabbed.loop_count
            writer.count_captured()
            self._frame_has_come()
            if self._publisher.publish(writer, number, captured_ns, grabbed, discontinuity=gap):
                gap = False
            if writer.epoch != epoch:  # likewise: behind a frame, a segment whose name was removed is replaced
                epoch = writer.epoch
                self._stream.changed()
            if number % self.plan.camera.frame_log_interval == 0:
                logger.info("Frame %d", number)
            self._backoff.reset()

    def _frame_has_come(self) -> None:
        """Tells the state before the frame is published: whoever sees it sees the stream LIVE."""
        stream = self._stream
        if self._untold and self.source.source.measured_fps is not None:
            self._tell_settings()
        if stream.state is State.RECONNECTING:
            stream.set_state(State.LIVE, "")
            self._gap = None
        elif stream.reason == NO_FRAMES:
            stream.judge(State.LIVE, "")

    def _lose(self, error: SourceError) -> None:
        """Closes the source and waits until it is time to open it again; raises `error` where that would not help."""
        self._statistics.failed(str(error))
        camera = self.plan.camera
        mistaken = isinstance(error, PreprocessingError) and self._stream.writer is None
        if mistaken or HELD_BY_ITSELF in str(error) or not (self.source.source.live and camera.auto_reconnect):
            raise error
        self._gap = self._gap or Gap(self.loss())
        self._stream.set_state(State.RECONNECTING, self.loss())  # to close what is gone can take a while
        self._close_source()
        if not self._stop.is_set():
            self._wake.wait(delay_after(str(error), self._backoff, camera))

    def _tell_settings(self) -> None:
        """Logs what was asked, accepted, measured: once the rate is known, or when the source is closed before that."""
        settings, self._untold = self._untold, ()
        for line in table(with_rate(settings, self.source.source.measured_fps)):
            logger.info("Settings: %s", line)

"""The capture process: a source, a writer, a lifetime."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from typing import TYPE_CHECKING

from billiards_video.capture.selection import source_for
from billiards_video.capture.settings import with_rate
from billiards_video.capture_health import NO_FRAMES, TOO_SLOW, Arrival, ArrivalRate
from billiards_video.capture_loop import CaptureLoop, Outcome, StreamError
from billiards_video.capture_statistics import Rate, Statistics
from billiards_video.ipc import State
from billiards_video.stop_request import StopRequest

if TYPE_CHECKING:
    from billiards_video.capture import Source, SourceFacts
    from billiards_video.config import Config

logger = logging.getLogger(__name__)

OK = 0
FAILURE = 1

_PROMPT_SECONDS = 0.04  # a frame's time: most sources end within it
_LOOK_SECONDS = 1.0
_LINE_SECONDS = 10.0
_SOURCE_SHARE = 0.9  # of the time that stopping may take
LOG_SHARE = 0.1  # likewise, for the last lines of the log: `__main__` has the log


class VideoProcess:
    """Captures from a source and publishes its frames, until it is told to stop or the source has ended.

    The main thread, in `run`, does everything that must go on while the source hangs: signals, the log's statistics,
    the header's heartbeat and state, the clean-up. A thread of its own, `CaptureLoop`, has the source to itself.
    """

    def __init__(self, config: Config, source: Source | None = None) -> None:
        """Takes the source that `config` asks for, or one of the caller's own.

        Raises `ValueError` where `config` asks for none that there is.
        """
        self._config = config
        self._source = source or source_for(config.vision.camera)
        self._statistics = Statistics()
        self._second = Rate()
        self._stopping = threading.Event()
        self._request = StopRequest(self._exit_now)
        self._loop = CaptureLoop(config, self._source, self._statistics, self._request.wake)
        self._judged: SourceFacts | None = None  # the opening of the source that `_arrival` and `_rate` are about
        self._arrival = Arrival(None, 0, 0)
        self._rate = ArrivalRate(None)
        self.abandoned = False
        """True when `run` has come back without the source's thread, which hangs: end with `os._exit`."""

    def run(self) -> int:
        """Captures until the end, and gives the exit code: 0 when stopped or the file has ended, 1 for a failure.

        SIGTERM and SIGINT stop it if it runs in the main thread; a second one ends the process at once, with 1. Blocks.
        """
        with self._request:  # before the name is taken: a signal in between would leave its lock file behind
            try:
                self._loop.take_name()
            except StreamError as error:
                logger.error("%s", error)  # noqa: TRY400 - it is the user's affair, a traceback would not help
                return FAILURE
            logger.info("Starting: %s", self._source.text)
            failure = None
            self._loop.start()
            try:
                self._watch()
            except (OSError, RuntimeError) as error:  # the shared memory's own words: its name was taken, say
                failure = str(error)
            return self._end(failure)

    def stop(self) -> None:
        """Makes `run` come to its end. From any thread; does not block."""
        self._stopping.set()
        self._request.wake()

    def _watch(self) -> None:
        next_look = time.monotonic()
        next_line = next_look + _LINE_SECONDS
        line_rate = Rate()
        told: tuple[State, str, int | None] | None = None
        while self._loop.outcome is None and self._request.signal is None and not self._stopping.is_set():
            now = time.monotonic()
            if now >= next_look:
                next_look = now + _LOOK_SECONDS
                self._look_after()
                told = None
            next_judgement = self._judge()
            if now >= next_line:
                next_line += _LINE_SECONDS
                logger.info("Stats: %s", self._line(line_rate.since_last(self._statistics.written)))
            state, reason, writer = self._loop.state, self._loop.reason, self._loop.writer
            known = (state, reason, None if writer is None else writer.epoch)  # a new segment has notices, too
            if told != known:
                self._tell(state, reason)
                told = known
            self._request.wait(min(next_look - now, next_judgement))

    def _look_after(self) -> None:
        """What is due once a second, whether frames come or not."""
        if self._loop.writer is not None:
            self._loop.writer.tend()

    def _judge(self) -> float:
        """Says whether frames come as they should; gives the seconds until the next one is missing."""
        facts, loop = self._loop.facts, self._loop
        if facts is None or loop.writer is None or not self._source.live or not self._statistics.last_frame_ns:
            return _LOOK_SECONDS
        now_ns = time.monotonic_ns()
        if facts is not self._judged:
            self._judged = facts
            self._arrival = Arrival(facts.fps, self._config.vision.camera.read_timeout, now_ns)
            self._rate = ArrivalRate(facts.fps)
        self._rate.look(now_ns, self._statistics.captured)
        late_ns = self._arrival.late_ns(self._statistics.last_frame_ns)
        if now_ns >= late_ns:
            reason = NO_FRAMES
        else:
            reason = (loop.picture and loop.picture.problem) or (TOO_SLOW if self._rate.slow else "")
        if loop.judge(State.STALLED if reason else State.LIVE, reason) and reason:
            age = (now_ns - self._statistics.last_frame_ns) / 1e9
            logger.warning("%s: %s (the last frame is %.1f s old)", self._source.text, reason, age)
        return (late_ns - now_ns) / 1e9 if now_ns < late_ns else _LOOK_SECONDS

    def _tell(self, state: State, reason: str) -> None:
        """Passes the writer's notices to the log, and what is known here to the readers."""
        writer, facts = self._loop.writer, self._loop.facts
        if writer is None or facts is None:
            return
        for level, text in writer.notices():
            logger.log(logging.getLevelName(level.upper()), text)
        figures = self._statistics.as_json(self._second.since_last(self._statistics.written), self._source.skipped)
        settings = [setting._asdict() for setting in with_rate(facts.settings, self._source.measured_fps)]
        condition = {"state": state.name, "reason": reason}
        source = {"source": self._source.text, "nominal_fps": facts.fps, "settings": settings}
        writer.set_status(json.dumps(condition | source | figures))

    def _line(self, fps: float) -> str:
        writer = self._loop.writer
        return self._statistics.line(fps, self._source.skipped, 0 if writer is None else len(writer.readers()))

    def _end(self, failure: str | None) -> int:
        if self._request.signal is not None:
            logger.info("Stopping: %s", self._request.signal.name)
        ended = self._loop.stop(_PROMPT_SECONDS)
        outcome = self._loop.outcome or Outcome(State.CLOSED, "stopped")
        error = failure or outcome.error
        if error is not None:
            logger.error("%s", error)
        logger.info("Final statistics: %s", self._line(self._statistics.written / self._statistics.uptime))
        state = State.FAILED if failure else outcome.state
        try:
            self._tell(state, outcome.reason)
        except (OSError, RuntimeError) as problem:
            logger.warning("The last status was not written: %s", problem)
        try:
            self._loop.end_stream(state, outcome.reason)
        except (OSError, RuntimeError) as problem:
            logger.warning("Shared memory was not cleaned up: %s", problem)
        if not ended and self._source.live:  # there is a device to be released; of a file the system takes care
            self._wait_for_source()
        logger.info("Stopped: %s", "failure" if error else outcome.reason)
        return OK if error is None else FAILURE

    def _wait_for_source(self) -> None:
        longest = self._config.video.process.shutdown_timeout
        patience = min(self._config.vision.camera.stop_timeout, _SOURCE_SHARE * longest)
        if not self._loop.stop(patience):
            self.abandoned = True
            logger.warning("%s did not come to its end within %.1f s and is abandoned", self._source.text, patience)

    def _exit_now(self) -> None:
        """In the signal handler, at the second signal: no log, which may be what hangs."""
        try:
            self._loop.end_stream(State.CLOSED, "stopped")
        finally:
            os._exit(FAILURE)

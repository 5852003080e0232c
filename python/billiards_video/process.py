"""The capture process: a source, a writer, a lifetime."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from typing import TYPE_CHECKING

from billiards_video.capture.preprocessing import preprocessing_for
from billiards_video.capture.selection import source_for
from billiards_video.capture.settings import with_rate
from billiards_video.capture.source import Source
from billiards_video.capture_plan import CapturePlan, Outcome
from billiards_video.capture_relay import CaptureRelay
from billiards_video.capture_statistics import Rate
from billiards_video.capture_stream import CaptureStream, StreamError
from billiards_video.health_watch import HealthWatch
from billiards_video.ipc import State
from billiards_video.reload import Reload
from billiards_video.stop_request import StopRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from billiards_video.config import Config, Loaded

logger = logging.getLogger(__name__)

OK = 0
FAILURE = 1

_PROMPT_SECONDS = 0.04  # a frame's time: most sources end within it
_LOOK_SECONDS = 1.0
_LINE_SECONDS = 10.0
_FAREWELL_SECONDS = 0.5  # for a network camera to be told
_SOURCE_SHARE = 0.9  # of the time that stopping may take
LOG_SHARE = 0.1  # likewise, for the last lines of the log: `__main__` has the log


class VideoProcess:
    """Captures from a source and publishes its frames, until it is told to stop or the source has ended.

    The main thread, in `run`, does everything that must go on while the source hangs: signals, the log's statistics,
    the header's heartbeat and state, the clean-up. A thread of its own, `CaptureLoop`, has the source to itself; where
    that hangs for too long, another thread goes on with another source, as `CaptureRelay` decides.
    """

    def __init__(
        self,
        config: Config,
        source: Source | Callable[[], Source] | None = None,
        *,
        reload: Callable[[], Loaded] | None = None,
    ) -> None:
        """Takes the source that `config` asks for, or one of the caller's own.

        A `source` is an object, or what makes one (its class, say): then another one can be made when the first one
        hangs; without that, a source that hangs for twice `read_timeout` is the end. `reload` reads the configuration
        again, when SIGHUP comes; without it, SIGHUP is none of this process's business.

        Raises `ValueError` where `config` asks for a source that there is not, or for frames to be preprocessed in a
        way that is not possible, whatever their size.
        """
        self._config = config
        self._own_source = source
        preprocessing, self._not_preprocessed = preprocessing_for(config.video)
        self._second = Rate()
        self._stopping = threading.Event()
        self._request = StopRequest(self._exit_now, hear_reload=reload is not None)
        self._stream = CaptureStream(self._request.wake)
        self._relay = CaptureRelay(
            self._make_source(),
            None if isinstance(source, Source) else self._make_source,
            CapturePlan(config.vision.camera, preprocessing),
            self._stream,
        )
        self._reload = None if reload is None else Reload(reload, self._relay, own_source=source is not None)
        self._health = HealthWatch(self._stream)
        self.stage_times = self._stream.times
        """How long each stage of a frame's way took, since the start."""
        self.abandoned = False
        """True when `run` has come back without a source's thread, which hangs: end with `os._exit`."""

    def run(self) -> int:
        """Captures until the end, and gives the exit code: 0 when stopped or the file has ended, 1 for a failure.

        SIGTERM and SIGINT stop it if it runs in the main thread; a second one ends the process at once, with 1. Blocks.
        """
        with self._request:  # before the name is taken: a signal in between would leave its lock file behind
            try:
                self._stream.take_name(self._config.video)
            except StreamError as error:
                logger.error("%s", error)  # noqa: TRY400 - it is the user's affair, a traceback would not help
                return FAILURE
            logger.info("Starting: %s", self._relay.source.text)
            if self._not_preprocessed is not None:
                logger.warning("%s", self._not_preprocessed)
            failure, outcome = None, None
            self._relay.start()
            try:
                outcome = self._watch()
            except (OSError, RuntimeError) as error:  # the shared memory's own words: its name was taken, say
                failure = str(error)
            return self._end(outcome, failure)

    def stop(self) -> None:
        """Makes `run` come to its end. From any thread; does not block."""
        self._stopping.set()
        self._request.wake()

    def _make_source(self) -> Source:
        own = self._own_source
        if own is None:
            return source_for(self._config.vision.camera)
        return own if isinstance(own, Source) else own()

    def _watch(self) -> Outcome | None:
        stream, relay = self._stream, self._relay
        next_look = time.monotonic()
        next_line = next_look + _LINE_SECONDS
        line_rate = Rate()
        told: tuple[State, str, int | None] | None = None
        while self._request.signal is None and not self._stopping.is_set():
            outcome = relay.look()
            if outcome is not None:
                return outcome
            if self._request.take_reload() and self._reload is not None:
                self._config = self._reload.read_anew(self._config)
            now = time.monotonic()
            if now >= next_look:
                next_look = now + _LOOK_SECONDS
                if stream.writer is not None:
                    stream.writer.tend()
                told = None
            next_judgement = self._health.look(relay.loop)
            if now >= next_line:
                next_line += _LINE_SECONDS
                logger.info("Stats: %s", self._line(line_rate.since_last(stream.statistics.written)))
            state, reason, writer = stream.state, stream.reason, stream.writer
            known = (state, reason, None if writer is None else writer.epoch)  # a new segment has notices, too
            if told != known:
                self._tell(state, reason)
                told = known
            self._request.wait(min(next_look - now, next_judgement, relay.patience))
        return None

    def _tell(self, state: State, reason: str) -> None:
        """Passes the writer's notices to the log, and what is known here to the readers."""
        stream, source = self._stream, self._relay.source
        writer = stream.writer
        facts = self._relay.facts
        if writer is None or facts is None:
            return
        for level, text in writer.notices():
            logger.log(logging.getLevelName(level.upper()), text)
        figures = stream.statistics.as_json(self._second.since_last(stream.statistics.written), source.skipped)
        settings = [setting._asdict() for setting in with_rate(facts.settings, source.measured_fps)]
        since_ns = stream.since_ns if state is stream.state else time.monotonic_ns()
        condition = {"state": state.name, "reason": reason, "state_since_ns": since_ns}
        about = {"source": source.text, "nominal_fps": facts.fps, "settings": settings}
        writer.set_status(json.dumps(condition | about | figures | {"stages": stream.times.as_json()}))

    def _line(self, fps: float) -> str:
        writer = self._stream.writer
        readers = 0 if writer is None else len(writer.readers())
        return self._stream.statistics.line(fps, self._relay.source.skipped, readers)

    def _end(self, outcome: Outcome | None, failure: str | None) -> int:
        if self._request.signal is not None:
            logger.info("Stopping: %s", self._request.signal.name)
        ended = self._relay.stop(_PROMPT_SECONDS)
        outcome = outcome or self._relay.loop.outcome or Outcome(State.CLOSED, "stopped")
        error = failure or outcome.error
        if error is not None:
            logger.error("%s", error)
        statistics = self._stream.statistics
        logger.info("Final statistics: %s", self._line(statistics.written / statistics.uptime))
        state = State.FAILED if failure else outcome.state
        try:
            self._tell(state, outcome.reason)
        except (OSError, RuntimeError) as problem:
            logger.warning("The last status was not written: %s", problem)
        try:
            self._stream.end(state, outcome.reason)
        except (OSError, RuntimeError) as problem:
            logger.warning("Shared memory was not cleaned up: %s", problem)
        # A device is to be released; of a file the system takes care, and nothing helps a call that was given up.
        if not ended and self._relay.source.live and not self._relay.hanging:
            self._wait_for_source()
        self.abandoned = self.abandoned or self._relay.hanging > 0
        logger.info("Stopped: %s", "failure" if error else outcome.reason)
        return OK if error is None else FAILURE

    def _wait_for_source(self) -> None:
        longest = self._config.video.process.shutdown_timeout
        patience = min(self._config.vision.camera.stop_timeout, _SOURCE_SHARE * longest)
        if self._relay.source.remote:  # a connection ends with the process, and a read of it cannot be called off
            patience = min(patience, _FAREWELL_SECONDS)
        if not self._relay.stop(patience):
            self.abandoned = True
            logger.warning(
                "%s did not come to its end within %.1f s and is abandoned", self._relay.source.text, patience
            )

    def _exit_now(self) -> None:
        """In the signal handler, at the second signal: no log, which may be what hangs."""
        try:
            self._stream.end(State.CLOSED, "stopped")
        finally:
            os._exit(FAILURE)

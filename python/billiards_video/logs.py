"""Log lines on standard output, written by a thread of their own.

Whoever reads the output may be slow, or stop reading. That must not hold up a frame: a line is queued, and where the
queue is full, dropped.
"""

from __future__ import annotations

import logging
import queue
import sys
import threading
from logging.handlers import QueueHandler
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

FORMAT = "%(asctime)s - %(name)s - %(levelname)s - %(message)s"

_LONGEST_QUEUE = 10_000
_FLUSH_SECONDS = 0.5
_flush_limit = _FLUSH_SECONDS


def limit_flush(seconds: float) -> None:
    """Gives the end of a `Log` at most so long, and never more than half a second: the process is to end in time."""
    global _flush_limit  # noqa: PLW0603 - the log is the process's, and known to those who log by no other name
    _flush_limit = min(_FLUSH_SECONDS, seconds)


class Log:
    """Logging to standard output while the `with` block lasts; its end waits up to half a second for it."""

    def __init__(self, level: str) -> None:
        self._level = level
        self._queue: queue.Queue[logging.LogRecord | None] = queue.Queue(_LONGEST_QUEUE)
        self._entrance = QueueHandler(self._queue)
        self._output = logging.StreamHandler(sys.stdout)
        self._output.setFormatter(logging.Formatter(FORMAT))
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)

    def __enter__(self) -> Self:
        logging.raiseExceptions = False  # a closed standard output or a full queue is not worth a traceback a line
        root = logging.getLogger()
        root.addHandler(self._entrance)
        root.setLevel(self._level)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        logging.getLogger().removeHandler(self._entrance)
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            return  # nobody reads
        self._thread.join(_flush_limit)

    def _write(self) -> None:
        while (record := self._queue.get()) is not None:
            self._output.handle(record)

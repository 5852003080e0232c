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


class Log:
    """Logging to standard output while the `with` block lasts.

    Its end waits for the lines still queued, for `flush_seconds` and never more than half a second: whoever has to end
    in a given time must not wait for a reader who does not read.
    """

    def __init__(self, level: str, flush_seconds: float = _FLUSH_SECONDS) -> None:
        self._level = level
        self._flush_seconds = min(flush_seconds, _FLUSH_SECONDS)
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
        self._thread.join(self._flush_seconds)

    def _write(self) -> None:
        while (record := self._queue.get()) is not None:
            self._output.handle(record)

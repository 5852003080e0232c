"""A program of this package, as a child that does not outlive this process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

_LINES_KEPT = 12
_STOP_SECONDS = 11.0  # a second more than the capture process gives itself

# Ends the child with this process, even if this one is killed: the kernel sends it a SIGTERM then (prctl 1 is
# PR_SET_PDEATHSIG, which outlasts exec). By way of a small interpreter, as nothing may be run between fork and exec
# here, where threads of NumPy's exist.
_LAUNCHER = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.executable, [sys.executable, "-m", *sys.argv[2:]])
"""


class Child:
    """`python -m` something, running while the `with` block lasts; `title` is what it is called towards people.

    It is in a process group of its own, so that Ctrl-C reaches this process alone, which then ends it in good order.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._lines: deque[str] = deque(maxlen=_LINES_KEPT)

    def start(self, module: str, *arguments: str, pass_fds: Sequence[int] = ()) -> None:
        """Starts it. What it writes is kept, the last lines of it."""
        environment = {key: value for key, value in os.environ.items() if key != "VIDEO_FILE"}  # it would be the source
        self._process = subprocess.Popen(  # noqa: S603 - nothing here comes from outside
            [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            process_group=0,
            pass_fds=pass_fds,
            text=True,
            errors="replace",
        )
        self._listener = threading.Thread(target=self._listen, name=f"{self._title} log", daemon=True)
        self._listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop(lambda: False)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def stop(self, impatient: Callable[[], bool]) -> int:
        """Asks it to end, waits for that, and gives its exit code; may be repeated.

        It is killed where it has not ended in time, or when `impatient` says so, which is asked ten times a second.
        """
        self._process.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        while self.running:
            if impatient() or time.monotonic() > deadline:
                self._process.kill()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.1)
        self._listener.join()
        return self._process.returncode

    def last_words(self) -> str:
        """How it ended and the end of its log, to be shown where it ended unasked."""
        code = self._process.poll()
        if code is not None:
            self._listener.join(1.0)
        how = "is running" if code is None else f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
        return "\n".join([f"{self._title} (pid {self.pid}) {how}. The end of its log:", *list(self._lines)])

    def heard(self, line: str) -> None:
        """Takes note of a line that it has written. In a thread of its own."""
        self._lines.append(line)

    def _listen(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
        with self._process.stdout as lines:
            for line in lines:
                self.heard(line.rstrip())

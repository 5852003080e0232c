"""The command `billiards-video`, run as a process: with pipes, or in a terminal of its own."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

COMMAND = [sys.executable, "-W", "error", "-m", "billiards_video.cli"]
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[=>])")
_IN_A_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
_LEFT_OUT = {"VIDEO_FILE", "LOG_LEVEL", "NO_COLOR", "COLUMNS", "LINES"}


def environment(**more: str) -> dict[str, str]:
    """The one of this process, without what would change the command's doing."""
    return {key: value for key, value in os.environ.items() if key not in _LEFT_OUT} | more


def run(
    *arguments: str | Path, cwd: Path | None = None, variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end, its output in pipes."""
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env=environment(**(variables or {})), capture_output=True, text=True, check=False, timeout=50
    )


class Terminal:
    """The command in a terminal; killed, if need be, when the `with` block is left."""

    def __init__(
        self,
        *arguments: str | Path,
        command: list[str] = COMMAND,
        columns: int = 80,
        lines: int = 24,
        variables: dict[str, str] | None = None,
    ) -> None:
        self._ours, self._theirs = pty.openpty()
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.settings = termios.tcgetattr(self._theirs)
        self.shown = ""
        """All that was written, escape sequences included."""
        self.process = subprocess.Popen(
            [sys.executable, "-c", _IN_A_TERMINAL, *command, *map(str, arguments)],
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
            env=environment(**{"TERM": "xterm-256color"} | (variables or {})),
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)

    @property
    def text(self) -> str:
        """What was written, without escape sequences."""
        return _ESCAPES.sub("", self.shown)

    def wait_for(self, text: str, timeout: float = 30) -> None:
        """Waits until something was written, after what was waited for before."""
        deadline = time.monotonic() + timeout
        while text not in self.text:
            assert time.monotonic() < deadline, f"{text!r} did not come; came:\n{self.text[-3000:]}"
            assert self._take() or self.process.poll() is None, f"it has ended without {text!r}:\n{self.text[-3000:]}"

    def press(self, keys: str) -> None:
        """Types."""
        os.write(self._ours, keys.encode())

    def end(self, timeout: float = 30) -> int:
        """Waits for its end, taking what it writes; gives its exit code."""
        deadline = time.monotonic() + timeout
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it has not ended:\n{self.text[-3000:]}"
            self._take()
        while self._take():
            pass
        return self.process.returncode

    def settings_now(self) -> list[Any]:
        """How the terminal is set."""
        return termios.tcgetattr(self._theirs)

    def _take(self) -> bool:
        if not select.select([self._ours], [], [], 0.1)[0]:
            return False
        self.shown += os.read(self._ours, 65536).decode("utf-8", "replace")
        return True

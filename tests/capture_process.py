"""The capture process under test, as a child, with its log at hand, for tests that start the command."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from billiards_video import SharedMemoryFrameReader

PACKAGE = [sys.executable, "-W", "error", "-m", "billiards_video"]


def write_config(folder: Path, name: str, camera: dict[str, Any], **sections: dict[str, Any]) -> Path:
    """Writes a configuration for the segment `name` and the source that `camera` describes; gives its path."""
    config = {"video": {"shared_memory_name": name}, "vision": {"camera": camera}, **sections}
    path = folder / "config.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


def reader_of(name: str) -> SharedMemoryFrameReader:
    """A reader of a process that has only just been started; a `with` block detaches it."""
    reader = SharedMemoryFrameReader(name)
    reader.attach(20)
    return reader


class CaptureProcess:
    """A running capture process; killed, if need be, when the `with` block is left."""

    def __init__(
        self,
        *arguments: str | Path,
        command: list[str] | None = None,
        cwd: Path | None = None,
        listen: bool = True,
        **environment: str,
    ) -> None:
        clean = {key: value for key, value in os.environ.items() if key not in ("VIDEO_FILE", "LOG_LEVEL")}
        self.started = time.monotonic()
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            [*(command or PACKAGE), *map(str, arguments)],
            cwd=cwd,
            env=clean | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._listener = threading.Thread(target=self._listen)
        if listen:
            self._listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self.wait()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def output(self) -> str:
        """All that it has said so far, on both streams."""
        return "\n".join(self.lines)

    def wait_for(self, text: str, timeout: float = 20) -> str:
        """Waits for a line with `text` in it, which may have come already, and gives it."""
        with self._news:
            found = self._news.wait_for(lambda: self._line(text) or not self._listener.is_alive(), timeout)
            line = self._line(text)
        assert found, f"{text!r} did not come within {timeout} s; came:\n{self.output}"
        assert line, f"{text!r} never came; came:\n{self.output}"
        return line

    def say(self, *lines: str) -> None:
        """Writes lines to its standard input."""
        assert self._process.stdin
        self._process.stdin.write("".join(f"{line}\n" for line in lines))
        self._process.stdin.flush()

    def send(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Sends a signal."""
        self._process.send_signal(number)

    def wait(self, timeout: float = 20) -> int:
        """Waits for its end, and for the last of its log; gives its exit code."""
        code = self._process.wait(timeout)
        if self._listener.ident is None:
            self._listener.start()  # for what is in the pipe
        self._listener.join(timeout)
        if self._process.stdin:
            self._process.stdin.close()
        return code

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Sends a signal and waits; gives the exit code and how many seconds the process lived on."""
        gone = os.pidfd_open(self.pid)
        try:
            began = time.monotonic()
            self.send(number)
            assert select.select([gone], [], [], 20)[0], f"it runs on; came:\n{self.output}"
            took = time.monotonic() - began
        finally:
            os.close(gone)
        return self.wait(), took

    def _line(self, text: str) -> str | None:
        return next((line for line in self.lines if text in line), None)

    def _listen(self) -> None:
        assert self._process.stdout
        with self._process.stdout as output:
            for line in output:
                with self._news:
                    self.lines.append(line.rstrip("\n"))
                    self._news.notify_all()
        with self._news:
            self._news.notify_all()

"""A process that publishes or reads, from outside: starting it, asking it, ending it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Self

from bench.child import ROOT

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

PATIENCE = 30.0


class ProcessLink:
    """A context in which one process lives that runs `module`, a server of requests.

    It imports the `billiards_video` that is in the folder `packages`; without one, the same as this process.
    """

    patience_after_error = 0.1  # seconds to end in where the context is left by an exception

    def __init__(self, module: str, *, pinned: bool, packages: Path | None = None) -> None:
        self._module = module
        self._pinned = pinned
        self._packages = packages

    def __enter__(self) -> Self:
        here, there = socket.socketpair()
        environment = {} if self._packages is None else {"PYTHONPATH": str(self._packages)}
        with there:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module, str(there.fileno()), "pin" if self._pinned else "free"],
                pass_fds=[there.fileno()],
                cwd=ROOT,
                env=os.environ | environment,
            )
        self._link: Connection[object, object] = Connection(here.detach())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._link.close()
        try:
            self._process.wait(timeout=self.patience_after_error if kind else PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()  # it may be waiting on a futex that nobody will raise
            self._process.wait()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def ask(self, request: object) -> object:
        """Send a request and return the first answer to it."""
        try:
            self._link.send(request)
        except BrokenPipeError:
            raise self._ended() from None
        return self.answer()

    def answer(self) -> object:
        """Return the next answer."""
        if not self._link.poll(PATIENCE):
            raise TimeoutError(f"{self._module} did not answer within {PATIENCE:g} s; it may be waiting for a frame")
        try:
            return self._link.recv()
        except (EOFError, ConnectionResetError):
            raise self._ended() from None

    def _ended(self) -> RuntimeError:
        return RuntimeError(f"{self._module} ended with code {self._process.wait()}; its own message is above")

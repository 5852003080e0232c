"""The writer's end of the reader process: starting it, asking it, ending it."""

from __future__ import annotations

import socket
import subprocess
import sys
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Self

from bench.child import ROOT
from bench.requests import Attach, Detach, ReadBlock, Reading

if TYPE_CHECKING:
    from types import TracebackType

    from bench.sides import Size

PATIENCE = 30.0


class ReaderLink:
    """A context in which one reader process lives."""

    def __init__(self, *, pinned: bool) -> None:
        self._pinned = pinned

    def __enter__(self) -> Self:
        here, there = socket.socketpair()
        with there:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.reader_process", str(there.fileno()), "pin" if self._pinned else "free"],
                pass_fds=[there.fileno()],
                cwd=ROOT,
            )
        self._link: Connection[object, object] = Connection(here.detach())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._link.close()
        try:
            self._process.wait(timeout=0.1 if kind else PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()  # it may be waiting on a futex that nobody will raise
            self._process.wait()

    @property
    def pid(self) -> int:
        """The reader process's id."""
        return self._process.pid

    def attach(self, name: str, kind: str, size: Size) -> None:
        """Let it attach; returns when it has."""
        self._ask(Attach(name, kind, size))

    def detach(self, name: str) -> None:
        """Let it detach; returns when it has."""
        self._ask(Detach(name))

    def begin(self, name: str, first: int, last: int) -> None:
        """Let it read until `last`; returns when it is about to wait."""
        self._ask(ReadBlock(name, first, last))

    def reading(self) -> Reading:
        """Return what it read in the block begun before."""
        answer = self._answer()
        if not isinstance(answer, Reading):
            raise TypeError(f"the reader process answered {answer!r} where a reading was due")
        return answer

    def _ask(self, request: Attach | Detach | ReadBlock) -> None:
        self._link.send(request)
        self._answer()

    def _answer(self) -> object:
        if not self._link.poll(PATIENCE):
            raise TimeoutError(f"the reader process did not answer within {PATIENCE:g} s; it waits for a frame")
        try:
            return self._link.recv()
        except EOFError:
            raise RuntimeError(
                f"the reader process ended with code {self._process.wait()}; its own message is above"
            ) from None

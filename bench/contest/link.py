"""The other end of a crew: starting it, asking it, ending it, and starting it again where it went wrong."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Self, TypeVar

from bench.child import ROOT
from bench.contest.orders import Block, Close, Failure, Kill, Open, Opened, Ready, Run, Survived
from bench.rivals.transport import NotHereError

if TYPE_CHECKING:
    from types import TracebackType

    from bench.rivals.registry import Way
    from bench.sides import Size

PATIENCE = 90.0  # seconds; the crew has time-outs of its own, this one is for a crew that has lost its way
RIVALS = ROOT / "target" / "rivals" / "bin" / "python"

T = TypeVar("T")


class CrewError(Exception):
    """A crew could not do what was asked; the text says why."""


def interpreter() -> str:
    """Return the Python that all ways are run by: the rivals' if it is there, so that none has a better one."""
    return str(RIVALS) if RIVALS.exists() else sys.executable


class CrewLink:
    """A crew, for as long as the context lasts; `missing` says why there is none."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self.missing = ""
        self.version = ""
        self._open: Open | None = None

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _start(self) -> None:
        here, there = socket.socketpair()
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(ROOT / "python"), str(ROOT)]),
            "OPENBLAS_NUM_THREADS": "1",  # threads that nobody asked for, and that a fork does not take along
            "PYTHONWARNINGS": "ignore",
        }
        with there:
            self._process = subprocess.Popen(
                [interpreter(), "-m", "bench.contest.service", self.way.name, str(there.fileno())],
                pass_fds=[there.fileno()],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=None if os.environ.get("BENCH_STDERR") else subprocess.DEVNULL,
            )
        self._link: Connection[object, object] = Connection(here.detach())
        try:
            self.version = self._answer(Ready).version
        except NotHereError as error:
            self.missing = str(error)
        except CrewError as error:
            self.missing = f"its process failed: {error}"

    def _end(self) -> None:
        self._link.close()
        try:
            self._process.wait(timeout=10.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def open(self, name: str, size: Size, readers: int) -> Opened | None:
        """Let it open; None where this way cannot be measured here, which `missing` then explains."""
        self._open = Open(name, size, readers)
        self._send(self._open)
        try:
            return self._answer(Opened)
        except NotHereError as error:
            self.missing = str(error)
            return None

    def begin(self, run: Run) -> None:
        """Let it begin a block."""
        self._send(run)

    def block(self) -> Block:
        """Return the block begun before."""
        return self._answer(Block)

    def kill(self, order: Kill) -> Survived:
        """Let it kill one of its own."""
        self._send(order)
        return self._answer(Survived)

    def close(self) -> None:
        """Let it close what it has opened; a crew that cannot is replaced."""
        try:
            self._send(Close())
            self._answer(str)
        except CrewError:
            self.restart()

    def restart(self) -> None:
        """Replace the whole crew by a new one."""
        with suppress(ProcessLookupError):
            self._process.kill()  # its workers die with it: they have asked the kernel for that
        self._end()
        self._start()

    def _send(self, asked: object) -> None:
        try:
            self._link.send(asked)
        except OSError:
            raise CrewError(f"{self.way.name}: its process has ended") from None

    def _answer(self, kind: type[T]) -> T:
        if not self._link.poll(PATIENCE):
            raise CrewError(f"{self.way.name}: no answer within {PATIENCE:g} s")
        try:
            said = self._link.recv()
        except (EOFError, ConnectionResetError):
            raise CrewError(f"{self.way.name}: its process ended with code {self._process.wait()}") from None
        if isinstance(said, Failure):
            raise NotHereError(said.why) if said.missing else CrewError(said.why)
        if not isinstance(said, kind):
            raise CrewError(f"{self.way.name} answered {said!r}")
        return said

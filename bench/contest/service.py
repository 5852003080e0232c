"""`python -m bench.contest.service WAY SOCKET`: a process that has imported one way, and does with it what it is asked.

It forks the crew, opens nothing of the way itself, and sleeps while a block runs.
"""

from __future__ import annotations

import ctypes
import signal
import sys
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING

from bench.contest.crew import Crew
from bench.contest.orders import Close, Failure, Kill, Open, Ready, Run
from bench.contest.worker import PR_SET_PDEATHSIG
from bench.contest.workers import failure_of
from bench.rivals.registry import WAYS
from bench.rivals.transport import NotHereError

if TYPE_CHECKING:
    from bench.rivals.transport import Transport


class Service:
    """Does what it is asked, and keeps what went wrong with one thing from ending the rest."""

    def __init__(self, kind: type[Transport], link: Connection) -> None:
        self._kind = kind
        self._link = link
        self._crew: Crew | None = None

    def serve(self) -> None:
        """Obey until the other end closes."""
        try:
            while True:
                wait([self._link])
                try:
                    self._link.send(self._obey(self._link.recv()))
                except EOFError:
                    return
        finally:
            self._drop()

    def _obey(self, asked: object) -> object:
        try:
            return self._do(asked)
        except NotHereError as error:
            self._drop()
            return Failure(str(error), missing=True)
        except Exception as error:  # noqa: BLE001 - of whatever kind: it is this way's result
            self._drop()
            return failure_of(error)

    def _do(self, asked: object) -> object:
        match asked:
            case Open():
                self._crew = Crew(self._kind, asked)
                return self._crew.memory
            case Run() if self._crew:
                return self._crew.run(asked)
            case Kill() if self._crew:
                return self._crew.kill(asked)
            case Close():
                if self._crew:
                    self._crew.close()
                self._crew = None
                return "closed"
        raise RuntimeError(f"{asked!r}, but nothing is open")

    def _drop(self) -> None:
        if self._crew:
            self._crew.close(patience=0.0)
        self._crew = None


def main() -> None:
    """Import the way, then serve."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    link = Connection(int(sys.argv[2]))
    way = WAYS[sys.argv[1]]
    try:
        kind = way.load()
        version = way.version()
    except NotHereError as error:
        link.send(Failure(str(error), missing=True))
        return
    link.send(Ready(version))
    Service(kind, link).serve()


if __name__ == "__main__":
    main()

"""A forked process, as its crew sees it."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import TYPE_CHECKING

from bench.contest.orders import Failure
from bench.contest.workers import failure_of
from bench.rivals.transport import NotHereError

if TYPE_CHECKING:
    from collections.abc import Callable

PR_SET_PDEATHSIG = 1
PATIENCE = 15.0  # seconds in which a worker must have opened, or ended its block after the writer's last frame
KIB = 1024


class Worker:
    """A forked process, and the pipe to it."""

    def __init__(self, play: Callable[[Connection], None], others: list[Worker]) -> None:
        self.link, theirs = Pipe()
        self.pid = os.fork()
        if self.pid:
            theirs.close()
            return
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        for other in others:
            other.link.close()
        self.link.close()
        status = 1
        try:
            play(theirs)
            status = 0
        except NotHereError as error:
            theirs.send(Failure(str(error), missing=True))
        except BaseException as error:  # noqa: BLE001 - of whatever kind: the other end is waiting for it
            with suppress(OSError):
                theirs.send(failure_of(error))
        finally:
            os._exit(status)  # nothing of the crew's own is to be undone here

    def answer(self, patience: float = PATIENCE) -> object:
        """Return what it says next; a failure is raised."""
        if not self.link.poll(patience):
            raise TimeoutError(f"no answer within {patience:g} s")
        try:
            said: object = self.link.recv()
        except (EOFError, ConnectionResetError):
            raise RuntimeError("the process ended") from None
        if isinstance(said, Failure):
            raise NotHereError(said.why) if said.missing else RuntimeError(said.why)
        return said

    def end(self, limit: float) -> None:
        """Wait for its end until `limit` (monotonic seconds), then make sure."""
        with suppress(ProcessLookupError, ChildProcessError):
            while time.monotonic() < limit:
                if os.waitpid(self.pid, os.WNOHANG)[0]:
                    break
                time.sleep(0.002)
            else:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        self.link.close()


def memory_of(pids: list[int]) -> tuple[int, int]:
    """Return own and shared memory of these processes together, each page counted once, in bytes."""
    own = shared = 0
    for pid in pids:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        kib = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
        own += kib["Pss_Anon"]
        shared += kib["Pss_Shmem"]
    return own * KIB, shared * KIB

"""The second process: attaches to whatever it is told to, and reads blocks of frames.

Started by `bench.reader_link`, which hands it one end of a socket. One process reads every side in turn, so that floor
and ours share an interpreter, a heap and a core.
"""

from __future__ import annotations

import ctypes
import signal
import sys
import time
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from bench import floor, ours, signalled
from bench.pacing import pin_to
from bench.requests import Attach, Detach, ReadBlock, Reading

if TYPE_CHECKING:
    from bench.sides import Receiver

RECEIVERS: dict[str, type[Receiver]] = {
    "floor view": floor.FloorView,
    "floor fresh view": floor.FloorFreshView,
    "floor copy": floor.FloorCopy,
    "leased": ours.Leased,
    "leased, low latency": ours.LeasedLowLatency,
    "leased copy": ours.LeasedCopy,
    "read into": signalled.ReadInto,
    "lease and release": signalled.LeaseAndRelease,
}
PR_SET_PDEATHSIG = 1


def read_block(receiver: Receiver, first: int, last: int) -> Reading:
    """Read until frame `last`; the processor time is that of the whole process, between two frames just taken."""
    reading = Reading()
    cpu_start, counted, number = 0, 0, 0
    while number < last:
        number, ready, work, whole = receiver.take()
        if number < first:
            continue
        if not reading.ready_ns:
            cpu_start = time.process_time_ns()
        counted += 1
        reading.ready_ns[number] = ready
        reading.work_ns.append(work)
        reading.torn += not whole
    if counted > 1:
        reading.cpu_ns_per_frame = (time.process_time_ns() - cpu_start) / (counted - 1)
    return reading


def serve(link: Connection) -> None:
    """Obey until the other end closes."""
    receivers: dict[str, Receiver] = {}
    while True:
        try:
            asked = link.recv()
        except (EOFError, ConnectionResetError):
            return
        match asked:
            case Attach(name, kind, size):
                receivers[name] = RECEIVERS[kind](name, size)
                link.send(None)
            case Detach(name):
                receivers.pop(name).close()
                link.send(None)
            case ReadBlock(name, first, last):
                link.send(None)  # from here on it waits: the writer may begin
                link.send(read_block(receivers[name], first, last))


def main() -> None:
    """Serve the socket whose descriptor is the first argument, pinned where the second one is `pin`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the writer's; it ends this process with itself
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if sys.argv[2] == "pin":
        pin_to(1)
    serve(Connection(int(sys.argv[1])))


if __name__ == "__main__":
    main()

"""A process that publishes what it is told to: for measurements in which the writer's build is in question, too.

Started by `bench.writer_link`, which hands it one end of a socket.
"""

from __future__ import annotations

import signal
import sys
from functools import partial
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from bench import ours, signalled
from bench.pacing import pin_to
from bench.publication import publish_block
from bench.requests import Attach, Detach, PublishBlock

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.sides import Publisher, Size

PUBLISHERS: dict[str, Callable[[str, Size], Publisher]] = {
    "loaned": ours.Loaned,
    "written": ours.Written,
    "signalled": partial(signalled.SignalledLoan, fill=False),
    "filled and signalled": partial(signalled.SignalledLoan, fill=True),
}


def serve(link: Connection) -> None:
    """Obey until the other end closes; what is open then is removed."""
    publishers: dict[str, Publisher] = {}
    try:
        while True:
            match link.recv():
                case Attach(name, kind, size):
                    publishers[name] = PUBLISHERS[kind](name, size)
                    link.send(None)
                case Detach(name):
                    publishers.pop(name).close()
                    link.send(None)
                case PublishBlock(name, frames, per_second):
                    link.send(publish_block(publishers[name], frames, per_second))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # whoever asked has gone
    finally:
        for publisher in publishers.values():
            publisher.close()


def main() -> None:
    """Serve the socket whose descriptor is the first argument, pinned where the second one is `pin`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's: without it this process ends as well
    if sys.argv[2] == "pin":
        pin_to(0)
    serve(Connection(int(sys.argv[1])))


if __name__ == "__main__":
    main()

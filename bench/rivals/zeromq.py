"""pyzmq: publish and subscribe over a local socket, sent and received without copies in Python, newest frame only."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zmq

from bench.rivals.transport import Pixels, Pool, Publisher, Receiver, Transport

if TYPE_CHECKING:
    from bench.sides import Size


PATIENCE = 1.0  # seconds


def _socket(name: str) -> Path:
    return Path(tempfile.gettempdir()) / f"{name}.zmq"


class SocketPublisher(Publisher):
    """Sends the frame's own memory (`copy=False`), and tracks when it has been sent: until then it must not change."""

    def __init__(self, name: str, pool: Pool) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.PUB)
        self._socket.setsockopt(zmq.CONFLATE, 1)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.bind(f"ipc://{_socket(name)}")
        self._pool = pool
        self._trackers: list[Any] = [None] * pool.COUNT

    def publish(self, mark: int) -> int:
        """Send to all who have subscribed."""
        tracker = self._trackers[self._pool.following]
        try:
            if tracker:
                tracker.wait(PATIENCE)
        except zmq.NotDone:
            return 0
        turn = self._pool.next(mark)
        before = time.monotonic_ns()
        self._trackers[turn] = self._socket.send(self._pool.arrays[turn], copy=False, track=True)
        return before

    def close(self) -> None:
        """Close the socket."""
        self._context.destroy(linger=0)


class SocketReceiver(Receiver):
    """Receives into a message of the library's (`copy=False`); the array is that message."""

    def __init__(self, name: str, size: Size) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.CONFLATE, 1)
        self._socket.setsockopt(zmq.SUBSCRIBE, b"")
        self._socket.setsockopt(zmq.RECONNECT_IVL, 20)
        self._socket.connect(f"ipc://{_socket(name)}")
        self._shape = size.shape

    def take(self) -> Pixels:
        """Wait for the next message."""
        return np.frombuffer(self._socket.recv(copy=False).buffer, np.uint8).reshape(self._shape)

    def close(self) -> None:
        """Close the socket."""
        self._context.destroy(linger=0)


class Sockets(Transport):
    """PUB and SUB over `ipc://`."""

    def publisher(self, pool: Pool) -> Publisher:
        """Return the writer's half."""
        return SocketPublisher(self.name, pool)

    def receiver(self, index: int) -> Receiver:  # noqa: ARG002 - all readers are alike
        """Return a reader's half."""
        return SocketReceiver(self.name, self.size)

    def close(self) -> None:
        """Remove the socket."""
        _socket(self.name).unlink(missing_ok=True)

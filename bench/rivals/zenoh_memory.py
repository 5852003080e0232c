"""zenoh with shared memory, as in its `z_pub_shm` and `z_sub_shm` examples.

Two peers over a local socket, no discovery; best effort, dropped where a reader is behind, express (not batched). The
Python binding fills a shared buffer from bytes and hands out bytes: a copy on each side that cannot be left out.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zenoh

from bench.rivals.transport import Pixels, Pool, Publisher, Receiver, Transport

if TYPE_CHECKING:
    from bench.sides import Size

BUFFERS = 8
PATIENCE = 10.0


def _socket(name: str) -> Path:
    return Path(tempfile.gettempdir()) / f"{name}.zenoh"


def _session(name: str, role: str) -> Any:  # noqa: ANN401 - the package is not there when this is checked
    settings = {
        "mode": "peer",
        "scouting/multicast/enabled": False,
        "scouting/gossip/enabled": False,
        "transport/shared_memory/enabled": True,
        "listen/endpoints": [],
        "connect/endpoints": [],
        "connect/timeout_ms": -1,  # try for ever, and again after a loss
        "connect/exit_on_failure": False,
        "connect/retry": {"period_init_ms": 50, "period_max_ms": 200, "period_increase_factor": 2},
        f"{role}/endpoints": [f"unixsock-stream/{_socket(name)}"],
    }
    config = zenoh.Config()
    for key, value in settings.items():
        config.insert_json5(key, json.dumps(value))
    return zenoh.open(config)


class SharedPublisher(Publisher):
    """Allocates a shared buffer per frame, copies the frame into it, puts it."""

    def __init__(self, name: str, size: Size, pool: Pool) -> None:
        _socket(name).unlink(missing_ok=True)  # of a writer that was killed
        self._session = _session(name, "listen")
        self._publisher = self._session.declare_publisher(
            f"bench/{name}",
            congestion_control=zenoh.CongestionControl.DROP,
            reliability=zenoh.Reliability.BEST_EFFORT,
            express=True,
        )
        self._provider = zenoh.shm.ShmProvider.default_backend(BUFFERS * size.frame_bytes)
        self._policy = zenoh.shm.GarbageCollect()
        self._length = size.frame_bytes
        self._pool = pool

    def publish(self, mark: int) -> int:
        """Copy into shared memory and put; dropped where readers hold all of it."""
        frame = self._pool.buffers[self._pool.next(mark)]
        before = time.monotonic_ns()
        try:
            shared = self._provider.alloc(self._length, policy=self._policy)
        except zenoh.ZError:
            return 0
        shared[: self._length] = frame
        self._publisher.put(shared)
        return before

    def close(self) -> None:
        """Close the session."""
        self._session.close()


class SharedReceiver(Receiver):
    """Keeps the newest sample only, in a ring of one."""

    def __init__(self, name: str, size: Size) -> None:
        self._session = _session(name, "connect")
        self._shape = size.shape
        self._subscriber = self._session.declare_subscriber(f"bench/{name}", zenoh.handlers.RingChannel(1))

    def take(self) -> Pixels:
        """Wait for the next sample."""
        payload = self._subscriber.recv().payload
        return np.frombuffer(payload.to_bytes(), np.uint8).reshape(self._shape)

    def close(self) -> None:
        """Close the session."""
        self._session.close()


class SharedMemory(Transport):
    """zenoh, its shared memory enabled."""

    def publisher(self, pool: Pool) -> Publisher:
        """Return the writer's half."""
        return SharedPublisher(self.name, self.size, pool)

    def receiver(self, index: int) -> Receiver:  # noqa: ARG002 - all readers are alike
        """Return a reader's half."""
        return SharedReceiver(self.name, self.size)

    def close(self) -> None:
        """Remove the socket of a writer that was killed."""
        _socket(self.name).unlink(missing_ok=True)
        _socket(self.name).with_suffix(".zenoh.lock").unlink(missing_ok=True)

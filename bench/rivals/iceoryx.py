"""iceoryx2: samples loaned from shared memory, an event to wake the readers.

As in its examples of dynamic data and of event-based communication: the publisher loans, fills and sends a sample and
notifies; the subscriber waits for the event and takes the newest sample, its buffer being one with safe overflow.
"""

from __future__ import annotations

import ctypes
import time
from typing import Any

import iceoryx2 as iox2
import numpy as np

from bench.rivals.transport import Pixels, Pool, Publisher, Receiver, Transport, stamp

READERS = 72
NODES = 80
TOUCHED = 4  # samples whose memory is touched beforehand, as the floors do with theirs


class Ports:
    """The node and its two services, publish-subscribe and event, opened or created."""

    def __init__(self, transport: Transport) -> None:
        iox2.set_log_level(iox2.LogLevel.Error)
        self.node = iox2.NodeBuilder.new().create(iox2.ServiceType.Ipc)
        name = iox2.ServiceName.new(transport.name)
        self.frames = (
            self.node.service_builder(name)
            .publish_subscribe(iox2.Slice[ctypes.c_uint8])
            .subscriber_max_buffer_size(1)
            .subscriber_max_borrowed_samples(2)
            .enable_safe_overflow(True)
            .history_size(0)
            .max_publishers(2)
            .max_subscribers(READERS)
            .max_nodes(NODES)
            .open_or_create()
        )
        self.event = (
            self.node.service_builder(name)
            .event()
            .max_notifiers(2)
            .max_listeners(READERS)
            .max_nodes(NODES)
            .open_or_create()
        )


class SamplePublisher(Publisher):
    """Loans a sample, fills it in place or by a copy, sends it, notifies."""

    def __init__(self, transport: Transport, pool: Pool | None) -> None:
        self._ports = Ports(transport)
        self._length = transport.size.frame_bytes
        self._frame_type = ctypes.c_uint8 * self._length
        self._publisher = (
            self._ports.frames.publisher_builder()
            .initial_max_slice_len(self._length)
            .max_loaned_samples(TOUCHED)
            .create()
        )
        self._notifier = self._ports.event.notifier_builder().create()
        self._pool = pool
        loaned = [self._publisher.loan_slice_uninit(self._length) for _ in range(TOUCHED)]
        for sample in loaned:
            self._view(sample)[:] = 0
            sample.delete()

    def _view(self, sample: Any) -> Pixels:  # noqa: ANN401 - the package has no types
        return np.asarray(self._frame_type.from_address(sample.payload_ptr))

    def publish(self, mark: int) -> int:
        """Loan, fill, send, notify."""
        if self._pool is None:
            sample = self._publisher.loan_slice_uninit(self._length)
            stamp(self._frame_type.from_address(sample.payload_ptr), self._length, mark)
            before = time.monotonic_ns()
        else:
            frame = self._pool.arrays[self._pool.next(mark)].reshape(-1)
            before = time.monotonic_ns()
            sample = self._publisher.loan_slice_uninit(self._length)
            np.copyto(self._view(sample), frame)
        sample.assume_init().send()
        self._notifier.notify()
        return before

    def close(self) -> None:
        """Close ports and services."""
        self._publisher.delete()
        self._notifier.delete()
        del self._ports


class SampleReceiver(Receiver):
    """Waits for the event, then takes the newest sample, whose memory the array is."""

    def __init__(self, transport: Transport) -> None:
        self._ports = Ports(transport)
        self._shape = transport.size.shape
        self._frame_type = ctypes.c_uint8 * transport.size.frame_bytes
        self._subscriber = self._ports.frames.subscriber_builder().buffer_size(1).create()
        self._listener = self._ports.event.listener_builder().create()
        self._sample: Any = None

    def take(self) -> Pixels:
        """Wait for a sample; an event may come for one that was taken already."""
        self._sample = self._subscriber.receive()
        while self._sample is None:
            self._listener.blocking_wait()
            self._sample = self._subscriber.receive()
        frame: Any = self._frame_type.from_address(self._sample.payload_ptr)
        return np.ndarray(self._shape, np.uint8, frame)

    def release(self) -> None:
        """Give the sample back."""
        self._sample.delete()
        self._sample = None

    def close(self) -> None:
        """Close ports and services."""
        self._subscriber.delete()
        self._listener.delete()
        del self._ports


class InPlace(Transport):
    """The loaned sample is filled in place."""

    def publisher(self, pool: Pool) -> Publisher:  # noqa: ARG002 - nothing is copied
        """Return the writer's half."""
        return SamplePublisher(self, None)

    def receiver(self, index: int) -> Receiver:  # noqa: ARG002 - all readers are alike
        """Return a reader's half."""
        return SampleReceiver(self)


class ByCopy(InPlace):
    """A frame is copied into the loaned sample."""

    def publisher(self, pool: Pool) -> Publisher:
        """Return the writer's half."""
        return SamplePublisher(self, pool)

"""GStreamer: `appsrc ! shmsink` and `shmsrc ! appsink`.

The publisher allocates its buffers from the sink's own allocator, as a pipeline's elements would be offered it, so that
the sink has nothing to copy. The reader keeps the newest buffer only, and maps it where it lies.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gi
import numpy as np

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402 - the versions are chosen before  # isort: skip

from bench.rivals.transport import Pixels, Pool, Publisher, Receiver, Transport, stamp  # noqa: E402

if TYPE_CHECKING:
    from bench.sides import Size

BUFFERS = 8
PATIENCE_NS = 10 * 10**9
REATTACH = 0.02
assert GstApp  # noqa: S101 - its import gives appsrc and appsink their methods


def _socket(name: str) -> Path:
    return Path(tempfile.gettempdir()) / f"{name}.gst"


def _playing(description: str) -> Any:  # noqa: ANN401 - the package has no types
    Gst.init(None)
    pipeline = Gst.parse_launch(description)
    pipeline.set_state(Gst.State.PLAYING)
    return pipeline


class SinkPublisher(Publisher):
    """Fills a buffer of the sink's memory, in place or by a copy, and pushes it."""

    def __init__(self, name: str, size: Size, pool: Pool | None) -> None:
        _socket(name).unlink(missing_ok=True)  # of a writer that was killed
        self._pipeline = _playing(
            "appsrc name=source is-live=true block=true max-bytes=0 max-buffers=2"
            f" ! shmsink name=sink socket-path={_socket(name)} shm-size={BUFFERS * size.frame_bytes}"
            " wait-for-connection=false sync=false async=false enable-last-sample=false"
        )
        self._pipeline.get_state(Gst.CLOCK_TIME_NONE)
        self._source = self._pipeline.get_by_name("source")
        query = Gst.Query.new_allocation(None, need_pool=False)
        self._pipeline.get_by_name("sink").get_static_pad("sink").query(query)
        self._allocator, self._parameters = query.parse_nth_allocation_param(0)
        self._length = size.frame_bytes
        self._pool = pool

    def publish(self, mark: int) -> int:
        """Allocate, fill, push."""
        before = time.monotonic_ns()
        buffer = Gst.Buffer.new_allocate(self._allocator, self._length, self._parameters)
        if buffer is None:
            return 0
        with buffer.map(Gst.MapFlags.WRITE) as mapped:
            if self._pool is None:
                stamp(mapped.data, self._length, mark)
            else:
                frame = self._pool.arrays[self._pool.next(mark)].reshape(-1)
                before = time.monotonic_ns()
                np.copyto(np.frombuffer(mapped.data, np.uint8), frame)
        if self._pool is None:
            before = time.monotonic_ns()
        self._source.push_buffer(buffer)
        return before

    def close(self) -> None:
        """Stop the pipeline."""
        self._pipeline.set_state(Gst.State.NULL)


class SourceReceiver(Receiver):
    """Pulls the newest buffer and maps it."""

    def __init__(self, name: str, size: Size) -> None:
        self._pipeline = _playing(
            f"shmsrc socket-path={_socket(name)}"
            " ! appsink name=sink sync=false max-buffers=1 drop=true enable-last-sample=false"
        )
        self._sink = self._pipeline.get_by_name("sink")
        self._shape = size.shape
        self._held: tuple[Any, ...] = ()

    def take(self) -> Pixels:
        """Wait for the next buffer; after an end of stream or an error the pipeline is what it is: that is the end."""
        sample = self._sink.try_pull_sample(PATIENCE_NS)
        if sample is None:
            raise RuntimeError("the pipeline has ended, or gave no buffer for ten seconds")
        buffer = sample.get_buffer()
        mapping = buffer.map(Gst.MapFlags.READ)
        self._held = (sample, buffer, mapping)
        return np.frombuffer(mapping.__enter__().data, np.uint8).reshape(self._shape)

    def release(self) -> None:
        """Unmap and give the buffer back."""
        self._held[2].__exit__(None, None, None)
        self._held = ()

    def close(self) -> None:
        """Stop the pipeline."""
        self._pipeline.set_state(Gst.State.NULL)


class InPlace(Transport):
    """The sink's own memory is filled in place."""

    def publisher(self, pool: Pool) -> Publisher:  # noqa: ARG002 - nothing is copied
        """Return the writer's half."""
        return SinkPublisher(self.name, self.size, None)

    def receiver(self, index: int) -> Receiver:  # noqa: ARG002 - all readers are alike
        """Return a reader's half."""
        return SourceReceiver(self.name, self.size)

    def close(self) -> None:
        """Remove the socket."""
        _socket(self.name).unlink(missing_ok=True)


class ByCopy(InPlace):
    """A frame is copied into the sink's memory."""

    def publisher(self, pool: Pool) -> Publisher:
        """Return the writer's half."""
        return SinkPublisher(self.name, self.size, pool)

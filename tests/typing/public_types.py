"""What type checkers know of the public names. Checked by `mypy --strict`, in `make lint`; never run."""

from pathlib import Path
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

from billiards_video import (
    EndOfStream,
    Frame,
    FrameFormat,
    FrameMetadata,
    SharedMemoryFrameReader,
    SharedMemoryFrameWriter,
    State,
    VideoConsumer,
    VideoModuleNotAvailableError,
)
from billiards_video.ipc import Counters, Loan, ReaderFigures, Slot

Pixels = NDArray[np.uint8]


def publishing(frame: NDArray[np.float32], image: bytes) -> None:
    """A writer takes whatever may be a frame, and its slot may be None."""
    with SharedMemoryFrameWriter("name", 64, 48, FrameFormat.GRAY8, max_buffers=4, access="group") as writer:
        assert_type(writer, SharedMemoryFrameWriter)
        assert_type(writer.write_frame(frame, 5, captured_ns=1, position_ns=None), bool)
        assert_type(writer.write_frame(image), bool)
        assert_type(writer.loan(), Loan)
        with writer.loan() as slot:
            assert_type(slot, Slot | None)
            slot.publish()  # type: ignore[union-attr]
            if slot is not None:
                assert_type(slot.array, Pixels)
                assert_type(slot.publish(frame_number=1, discontinuity=True), FrameMetadata)
        assert_type(writer.readers(), list[ReaderFigures])
        assert_type(writer.readers()[0].held_since_ns, int | None)
        assert_type(writer.notices(), list[tuple[str, str]])
        assert_type(writer.get_stats(), dict[str, Any])
        assert_type(writer.path, Path)
        writer.set_state(State.STALLED, "no frames arrive")
        writer.cleanup(State.ENDED)
        writer.initialize(5)  # type: ignore[call-arg]


def reading(out: Pixels) -> None:
    """A reader's copies come with their metadata, or both are None; a lease is there or raises."""
    with SharedMemoryFrameReader("name", reader_name="typing", owner=None, max_leases=1) as reader:
        assert_type(reader, SharedMemoryFrameReader)
        frame, metadata = reader.read_frame(out)
        assert_type(frame, Pixels | None)
        assert_type(metadata, FrameMetadata | None)
        assert_type(reader.wait_for_frame(timeout=None, out=out)[0], Pixels | None)
        assert_type(reader.try_lease(), Frame | None)
        try:
            with reader.lease(timeout=1) as leased:
                assert_type(leased, Frame)
                assert_type(leased.array, Pixels)
                assert_type(leased.metadata.timestamp, float)
                assert_type(leased.metadata.position_ns, int | None)
                leased.is_copy = True  # type: ignore[misc]
        except EndOfStream as end:
            assert_type(str(end), str)
        for array, known in reader.frames():
            assert_type(array, Pixels)
            assert_type(known, FrameMetadata)
        assert_type(reader.state, tuple[State, str])
        assert_type(reader.frame_format, FrameFormat)
        assert_type(reader.counters, Counters)
        assert_type(reader.status(), dict[str, Any])


async def reading_asynchronously(reader: SharedMemoryFrameReader) -> None:
    """The asynchronous iteration gives the same pairs."""
    async for array, metadata in reader:
        assert_type(array, Pixels)
        assert_type(metadata, FrameMetadata)


def consuming() -> None:
    """The thin client gives an array, or None."""
    try:
        with VideoConsumer(Path("config.json")) as consumer:
            assert_type(consumer, VideoConsumer)
            assert_type(consumer.get_frame(), Pixels | None)
            assert_type(consumer.is_running, bool)
            assert_type(consumer.reader, SharedMemoryFrameReader | None)
    except VideoModuleNotAvailableError as error:
        assert_type(error, VideoModuleNotAvailableError)


def knowing() -> None:
    """Metadata is made of six values, by position or by name, and cannot be changed."""
    metadata = FrameMetadata(1, 2, 3, width=4, height=5, format=FrameFormat.BGR24)
    assert_type(metadata.format, FrameFormat)
    metadata.width = 6  # type: ignore[misc]

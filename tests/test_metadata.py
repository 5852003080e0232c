"""What is known of a frame beside its pixels."""

import copy
import pickle
import time

import pytest

from billiards_video import FrameFormat, FrameMetadata, SharedMemoryFrameReader, SharedMemoryFrameWriter
from small_stream import picture


def test_metadata_is_a_value(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """It is made of the six known fields, cannot be changed, and compares, hashes, copies and pickles by value."""
    metadata = FrameMetadata(5, 1_700_000_000, 250_000_000, 64, 48, FrameFormat.GRAY8)
    assert metadata == FrameMetadata(
        frame_number=5,
        timestamp_sec=1_700_000_000,
        timestamp_nsec=250_000_000,
        width=64,
        height=48,
        format=FrameFormat(3),
    )
    assert metadata.timestamp == 1_700_000_000.25
    assert metadata.wall_ns == 1_700_000_000_250_000_000
    assert metadata.format is FrameFormat.GRAY8
    assert metadata != FrameMetadata(6, 1_700_000_000, 250_000_000, 64, 48, FrameFormat.GRAY8)
    with pytest.raises(AttributeError):
        metadata.frame_number = 6  # type: ignore[misc]
    with pytest.raises(ValueError, match=r"^frame_format is 9: allowed are RGB24 \(1\), BGR24 \(2\), GRAY8 \(3\)"):
        FrameMetadata(5, 0, 0, 64, 48, 9)  # type: ignore[arg-type]

    writer.write_frame(picture(0), 8, captured_ns=1, wall_ns=2, position_ns=3, loop_count=4, discontinuity=True)
    read = reader.read_frame()[1]
    assert read is not None
    assert (read.captured_ns, read.wall_ns, read.position_ns, read.loop_count, read.discontinuity) == (1, 2, 3, 4, True)
    assert (read.missed, read.sequence) == (0, 2)
    for same in (copy.deepcopy(read), pickle.loads(pickle.dumps(read)), eval(repr(read))):  # noqa: S301, S307 - our own
        assert same == read
        assert hash(same) == hash(read)
    assert repr(metadata).startswith("FrameMetadata(frame_number=5, timestamp_sec=1700000000,")


def test_times_are_the_clocks_of_the_machine(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """What the publisher does not say is filled in at the publication: both clocks, no position, no loop."""
    before = time.monotonic_ns()
    writer.write_frame(picture(0))
    after = time.monotonic_ns()
    metadata = reader.read_frame()[1]
    assert metadata is not None
    assert before <= metadata.captured_ns <= metadata.published_ns <= after
    assert (metadata.position_ns, metadata.loop_count, metadata.discontinuity) == (None, 0, False)

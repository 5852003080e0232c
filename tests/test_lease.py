"""Leases: the newest frame in place, read-only; when there is one, and when there is none."""

import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from billiards_video import (
    EndOfStream,
    FrameFormat,
    SharedMemoryFrameReader,
    SharedMemoryFrameWriter,
    State,
)
from small_stream import HEIGHT, WIDTH, held, picture


def address(array: NDArray[np.uint8]) -> int:
    """Where an array's pixels are."""
    return int(array.__array_interface__["data"][0])


def is_mapped_from(path: Path, pointer: int) -> bool:
    """Whether an address of this process lies in a mapping of a file."""
    for line in Path("/proc/self/maps").read_text(encoding="ascii").splitlines():
        span, _, _, _, _, *name = line.split(maxsplit=5)
        begin, end = (int(bound, 16) for bound in span.split("-"))
        if begin <= pointer < end:
            return name == [str(path)]
    return False


@pytest.mark.parametrize(("frame_format", "channels"), [(FrameFormat.GRAY8, 1), (FrameFormat.RGBA32, 4)])
def test_the_array_is_the_shared_buffer(segment_name: str, frame_format: FrameFormat, channels: int) -> None:
    """A leased array lies in the segment itself, has the frame's shape, and is the same array every time."""
    with (
        SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT, frame_format) as writer,
        SharedMemoryFrameReader(segment_name) as reader,
    ):
        written = picture(4, channels)
        writer.write_frame(written, 4)
        frame = reader.lease()
        np.testing.assert_array_equal(written, frame.array)
        assert frame.array is frame.array
        assert frame.metadata is frame.metadata
        assert (frame.array.shape, frame.array.strides) == (written.shape, written.strides)
        assert frame.array.dtype == np.uint8
        assert is_mapped_from(writer.path, address(frame.array))
        assert not frame.is_copy
        assert not reader.is_observer
        assert (frame.metadata.frame_number, frame.metadata.format) == (4, frame_format)


def test_the_array_cannot_be_written_to(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """Neither an element, nor the flag, nor a memoryview, nor a buffer asked for in place lets anybody write."""
    writer.write_frame(picture(1))
    with reader.lease() as frame:
        with pytest.raises(ValueError, match="read-only"):
            frame.array[0, 0, 0] = 1
        with pytest.raises(ValueError, match="WRITEABLE"):
            frame.array.flags.writeable = True
        view = frame.array.data
        assert view.readonly
        with pytest.raises(TypeError, match="read-only"):
            view[0, 0, 0] = 1
        with pytest.raises(TypeError, match="read-write"), Path("/dev/zero").open("rb", buffering=0) as zeros:
            zeros.readinto(frame.array)  # type: ignore[arg-type]
        np.testing.assert_array_equal(picture(1), frame.array)
        view.release()


def test_the_block_ends_the_hold(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """The hold begins with `lease`, and ends with the block where nothing else views the frame."""
    writer.write_frame(picture(1), 1)
    with reader.lease() as frame:
        assert held(writer) == 1
        assert frame.array[0, 0, 0] == 1
        assert held(writer) == 1
    assert held(writer) == 0
    assert frame.metadata.frame_number == 1
    with pytest.raises(RuntimeError, match=r"^this frame was given back at the end of its with block"):
        _ = frame.array


def test_an_exception_in_the_block_ends_the_hold(
    writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader
) -> None:
    """The hold ends with the block however that is left, and the exception goes on."""
    writer.write_frame(picture(1))
    with pytest.raises(LookupError), reader.lease() as frame:
        raise LookupError(frame.array.shape)
    assert held(writer) == 0


def test_a_fourth_frame_is_refused(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """A handle that holds as many frames as it may is told to copy; after letting go of one it reads on."""
    kept = []
    for value in range(3):
        writer.write_frame(picture(value))
        kept.append(reader.lease())
    writer.write_frame(picture(3), 3)
    for read in (reader.lease, reader.try_lease, reader.read_frame, reader.wait_for_frame):
        with pytest.raises(RuntimeError, match=r"already holds 3 frames.*copy"):
            read()
    kept.pop()
    assert reader.lease().metadata.frame_number == 3


def test_an_observer_gets_copies(writer: SharedMemoryFrameWriter) -> None:
    """A reader that only observes holds nothing and is no reader to the writer: its frames are private copies."""
    with SharedMemoryFrameReader(writer.name, observe=True) as observer:
        assert observer.is_observer
        writer.write_frame(picture(8), 8)
        with observer.lease() as frame:
            assert frame.is_copy
            assert "a copy" in repr(frame)
            assert not is_mapped_from(writer.path, address(frame.array))
            assert not frame.array.flags.writeable
            for value in range(20):
                writer.write_frame(picture(value))
            np.testing.assert_array_equal(picture(8), frame.array)
        assert writer.readers() == []


def test_a_lease_times_out(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """Where nothing newer comes, `lease` raises after its time and says what the stream does; `try_lease` is None."""
    assert reader.try_lease() is None
    writer.set_state(State.STALLED, "no frames arrive")
    begin = time.monotonic()
    with pytest.raises(TimeoutError, match=r"within 0\.1s \(the stream is STALLED, no frames arrive\)$"):
        reader.lease(timeout=0.1)
    assert 0.1 <= time.monotonic() - begin < 1
    assert reader.state == (State.STALLED, "no frames arrive")


def test_the_end_of_the_source_is_said_at_once(segment_name: str) -> None:
    """After the last frame a lease raises `EndOfStream` without waiting; the copying calls just have nothing new."""
    writer = SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT)
    writer.initialize()
    with SharedMemoryFrameReader(segment_name) as reader:
        writer.write_frame(picture(1), 1)
        writer.cleanup(State.ENDED, "end of the source")
        assert reader.lease(timeout=0).metadata.frame_number == 1
        begin = time.monotonic()
        for read in (reader.lease, reader.try_lease, reader.wait_newer):
            with pytest.raises(EndOfStream, match=f"^the source of '{segment_name}' has ended"):
                read()
        assert time.monotonic() - begin < 1
        assert reader.state == (State.ENDED, "end of the source")
        assert reader.read_frame() == (None, None)
        begin = time.monotonic()
        assert reader.wait_for_frame(timeout=0.2) == (None, None)
        assert time.monotonic() - begin >= 0.2

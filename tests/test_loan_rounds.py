"""Loan after loan: their arrays are prepared in advance, which nobody may notice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from billiards_video import SharedMemoryFrameReader, SharedMemoryFrameWriter
from small_stream import HEIGHT, WIDTH, picture

if TYPE_CHECKING:
    import numpy.typing as npt

ROUNDS = 80  # several stocks of three buffers


def publish_rounds(writer: SharedMemoryFrameWriter, rounds: int) -> None:
    """Publish so many loans, and keep nothing of them."""
    for number in range(rounds):
        with writer.loan() as slot:
            assert slot is not None
            slot.array[:] = number % 256
            slot.publish(number)


def mapped(name: str) -> list[str]:
    """Return the mappings of the segments of this name, gone ones among them."""
    lines = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if name in line]


def test_each_loan_has_an_array_of_its_own(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """In every round the array is new and writable, shows the reader's frame, and is read-only for good afterwards."""
    arrays: set[int] = set()
    for number in range(ROUNDS):
        with writer.loan() as slot:
            assert slot is not None
            array = slot.array
            assert (array.shape, array.dtype.name, array.flags.writeable) == ((HEIGHT, WIDTH, 3), "uint8", True)
            array[:] = picture(number % 256)
            if number % 5 == 0:
                continue  # cancelled
            assert slot.publish(number).frame_number == number
            assert slot.array is array
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="cannot set WRITEABLE flag to True"):
            array.flags.writeable = True
        with reader.lease() as frame:
            np.testing.assert_array_equal(picture(number % 256), frame.array)
        arrays.add(id(array))
        array.shape = (-1,)  # the publisher's own: the next loan's is another
    assert len(arrays) > 1


def test_a_cancelled_loan_is_read_only_in_every_round(writer: SharedMemoryFrameWriter) -> None:
    """What was lent and not published can no longer be written to."""
    publish_rounds(writer, ROUNDS)
    with writer.loan() as slot:
        assert slot is not None
        array = slot.array
    assert not array.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


def test_kept_arrays_pin_their_buffers_in_every_round(segment_name: str) -> None:
    """An array of any round keeps its buffer from being lent; when it goes, the buffer is lent again."""
    with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT, max_buffers=3) as writer:
        kept: list[npt.NDArray[np.uint8]] = []
        for start in range(0, ROUNDS, 10):
            publish_rounds(writer, start % 7 + 3)
            with writer.loan() as slot:
                assert slot is not None
                kept = [slot.array]
                slot.array[:] = 7
                slot.publish()
            del slot
            publish_rounds(writer, 7)  # which draw other values
            assert (kept[0] == 7).all()


def test_nothing_of_an_old_segment_stays_mapped(segment_name: str) -> None:
    """Neither a new size nor the end of the stream leaves memory behind that only prepared arrays show."""
    with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT) as writer:
        publish_rounds(writer, ROUNDS)
        writer.reshape(WIDTH * 2, HEIGHT)
        assert [line for line in mapped(segment_name) if "(deleted)" in line] == []
        publish_rounds(writer, ROUNDS)
        with writer.loan() as slot:
            assert slot is not None
            assert slot.array.shape == (HEIGHT, WIDTH * 2, 3)
        del slot
    assert mapped(segment_name) == []


def test_a_writer_that_goes_leaves_nothing_mapped(segment_name: str) -> None:
    """Also where it was not cleaned up but dropped."""
    writer = SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT)
    writer.initialize()
    publish_rounds(writer, ROUNDS)
    with SharedMemoryFrameReader(segment_name) as reader:
        del writer
        assert not reader.writer_alive
    assert mapped(segment_name) == []


def test_a_slot_that_is_kept_keeps_nothing_mapped(writer: SharedMemoryFrameWriter) -> None:
    """After a cancelled loan the slot is a name and no more: the segment goes with its writer."""
    kept = []
    for _ in range(2):  # without and with prepared arrays
        with writer.loan() as slot:
            kept.append(slot)
        publish_rounds(writer, ROUNDS)
    writer.cleanup()
    assert mapped(writer.name) == []
    assert None not in kept

"""A reader that asks for low latency: the same frames, the same waits, and figures of what polling did."""

import time

import pytest

from billiards_video import SharedMemoryFrameReader, SharedMemoryFrameWriter
from billiards_video.ipc import Anticipation
from small_stream import picture


def test_it_reads_as_any_other(writer: SharedMemoryFrameWriter) -> None:
    """Frame after frame, by lease and by copy, in step and out of it; a wait without a frame lasts as long as asked."""
    with SharedMemoryFrameReader(writer.name, low_latency=True) as reader:
        for number in range(40):
            writer.write_frame(picture(number), number)
            if number % 2:
                with reader.lease() as frame:
                    assert (frame.array == picture(number)).all()
            else:
                array, metadata = reader.wait_for_frame()
                assert array is not None
                assert metadata is not None
                assert (array == picture(number)).all()
                assert metadata.frame_number == number
        begin = time.monotonic()
        with pytest.raises(TimeoutError):
            reader.lease(0.05)
        assert time.monotonic() - begin >= 0.05


def test_it_tells_what_polling_did(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """It counts from zero; a reader that has not asked for it never polls."""
    with SharedMemoryFrameReader(writer.name, low_latency=True) as impatient:
        before = impatient.anticipation
        for number in range(20):
            writer.write_frame(picture(number))
            impatient.lease()
            reader.lease()
        after = impatient.anticipation
    nothing = (0, 0, 0)
    assert (before.timed, before.met, before.polled_ns) == nothing
    assert after.met <= after.timed <= 20
    patient = reader.anticipation
    assert isinstance(patient, Anticipation)
    assert (patient.timed, patient.met, patient.polled_ns) == nothing


def test_it_has_to_be_attached_to_tell() -> None:
    """Before it is attached there is nothing to tell."""
    with pytest.raises(RuntimeError, match="Reader not attached"):
        _ = SharedMemoryFrameReader("nobody", low_latency=True).anticipation

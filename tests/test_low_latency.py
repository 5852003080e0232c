"""A reader that asks for low latency: the same frames, the same waits, and figures of what polling did."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from billiards_video import SharedMemoryFrameReader, SharedMemoryFrameWriter
from billiards_video.ipc import Anticipation
from small_stream import picture

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def steadily(writer: SharedMemoryFrameWriter) -> Iterator[None]:
    """Publish a frame every 5 ms, from another thread, for as long as the block lasts."""
    over = threading.Event()

    def publish() -> None:
        while not over.wait(0.005):
            writer.write_frame(picture(1))

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


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


def test_what_a_signal_raises_is_heard_in_every_wait(writer: SharedMemoryFrameWriter) -> None:
    """Also by a reader that does more than sleep before a frame is due: what a handler raises ends the wait."""

    def ring(_number: int, _frame: object) -> None:
        raise InterruptedError

    before = signal.signal(signal.SIGALRM, ring)
    rung = 0
    try:
        with SharedMemoryFrameReader(writer.name, low_latency=True) as reader, steadily(writer):
            for number in range(60):
                try:
                    signal.setitimer(signal.ITIMER_REAL, 0.003 + number % 7 / 1000)
                    while True:
                        reader.lease(10)
                except InterruptedError:
                    rung += 1
    finally:
        signal.signal(signal.SIGALRM, before)
    assert rung == 60

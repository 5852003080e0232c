"""The right to a name, taken before anybody knows how large the frames will be."""

import gc
import os

import pytest

from billiards_video import FrameFormat, SharedMemoryFrameReader, SharedMemoryFrameWriter
from billiards_video.ipc import Reservation
from peer_process import PeerError, PeerProcess
from small_stream import HEIGHT, WIDTH, picture

OVER = r"^this reservation is over: it was published or cancelled"


def test_a_reserved_name_is_nobody_else_s(segment_name: str) -> None:
    """While a name is reserved no other process can write under it, and one that wants to read is told who holds it."""
    with PeerProcess() as peer, Reservation(segment_name):
        with pytest.raises(PeerError, match=rf"^FileExistsError: .*pid {os.getpid()}"):
            peer.run(f"SharedMemoryFrameWriter({segment_name!r}, 8, 8).initialize()")
        with pytest.raises(PeerError, match=rf"^TimeoutError: .* not created within 0\.1s.*pid {os.getpid()}"):
            peer.run(f"SharedMemoryFrameReader({segment_name!r}).attach(0.1)")


def test_a_reservation_becomes_a_writer(segment_name: str) -> None:
    """`publish` gives an initialized writer of the size given, whose frames readers see, and ends the reservation."""
    with Reservation(segment_name, max_buffers=4, access="group") as reservation:
        with pytest.raises(ValueError, match="width is 0: allowed are 1 to 16384"):
            reservation.publish(0, 8)
        writer = reservation.publish(WIDTH, HEIGHT, FrameFormat.BGRA32)
        with pytest.raises(RuntimeError, match=OVER):
            reservation.publish(WIDTH, HEIGHT)
    with writer, SharedMemoryFrameReader(segment_name) as reader:
        assert (writer.width, writer.height, writer.frame_format) == (WIDTH, HEIGHT, FrameFormat.BGRA32)
        assert writer.path.stat().st_mode & 0o777 == 0o640
        assert writer.write_frame(picture(3, 4))
        assert (reader.lease().array == picture(3, 4)).all()


def test_a_reservation_that_is_not_used_gives_the_name_back(segment_name: str) -> None:
    """At its block's end, by `cancel`, or when it goes: the name is free again."""
    with Reservation(segment_name):
        pass
    cancelled = Reservation(segment_name)
    cancelled.cancel()
    cancelled.cancel()
    with pytest.raises(RuntimeError, match=OVER):
        cancelled.publish(8, 8)
    dropped = Reservation(segment_name)
    del dropped
    gc.collect()
    with SharedMemoryFrameWriter(segment_name, 8, 8), pytest.raises(FileExistsError, match="already publishes"):
        Reservation(segment_name)
    with pytest.raises(ValueError, match="max_buffers is 17: allowed are 3 to 16"):
        Reservation(segment_name, max_buffers=17)

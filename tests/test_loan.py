"""Loans: the publisher writes into the shared buffer itself."""

import threading

import numpy as np
import pytest

from billiards_video import FrameFormat, SharedMemoryFrameReader, SharedMemoryFrameWriter, State
from small_stream import HEIGHT, WIDTH, picture

CLOSED = r"^this loan is closed: it was published or cancelled"


def test_what_is_drawn_is_published(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """A slot's array is writable, has the frame's shape, and what it shows at `publish` is the frame."""
    with writer.loan() as slot:
        assert slot is not None
        assert (slot.array.shape, slot.array.flags.writeable) == ((HEIGHT, WIDTH, 3), True)
        assert slot.array is slot.array
        slot.array[:] = picture(8)
        published = slot.publish(
            30, captured_ns=1, wall_ns=2_000_000_003, position_ns=4, loop_count=5, discontinuity=True
        )
        frame, metadata = reader.read_frame()
        assert frame is not None
        assert metadata == published
        np.testing.assert_array_equal(picture(8), frame)
    assert (published.frame_number, published.captured_ns, published.position_ns) == (30, 1, 4)
    assert (published.timestamp_sec, published.timestamp_nsec) == (2, 3)
    assert (published.loop_count, published.discontinuity) == (5, True)
    assert writer.get_stats()["frames_written"] == 1


def test_the_array_is_the_reader_s_array(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """No copy on either side: what a reader leases is the memory that the publisher drew into."""
    with writer.loan() as slot:
        assert slot is not None
        slot.array[:] = 1
        view = slot.array[0, 0]
        slot.publish()
        with reader.lease() as frame:
            view[:] = (9, 8, 7)  # what a publisher must not do shows it best
            assert frame.array[0, 0].tolist() == [9, 8, 7]


def test_a_published_array_is_read_only(writer: SharedMemoryFrameWriter) -> None:
    """From `publish` on the array refuses writing, in the block, after it, and if it is first asked for then."""
    with writer.loan() as slot:
        assert slot is not None
        array = slot.array
        slot.publish()
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            slot.array[0] = 1
    assert slot.array is array
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1

    with writer.loan() as slot:
        assert slot is not None
        slot.publish()
        assert not slot.array.flags.writeable


def test_a_loan_without_publish_is_cancelled(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """Leaving the block, by an exception or not, publishes nothing, closes the slot and makes its array read-only."""
    with writer.loan() as slot:
        assert slot is not None
        array = slot.array
        array[:] = 1
    assert not array.flags.writeable
    with pytest.raises(RuntimeError, match=CLOSED):
        slot.publish()
    with pytest.raises(RuntimeError, match=CLOSED):
        _ = slot.array
    with pytest.raises(LookupError), writer.loan() as slot:
        raise LookupError
    assert reader.read_frame() == (None, None)
    assert writer.get_stats()["frames_written"] == 0
    assert writer.write_frame(picture(1))


def test_a_slot_is_published_once(writer: SharedMemoryFrameWriter) -> None:
    """A second `publish` is refused, whether or not another loan is open by then."""
    with writer.loan() as first:
        assert first is not None
        first.publish(1)
        with pytest.raises(RuntimeError, match=CLOSED):
            first.publish(2)
    with writer.loan() as second:
        assert second is not None
        with pytest.raises(RuntimeError, match=CLOSED):
            first.publish(3)
        assert second.publish(4).frame_number == 4
    assert writer.get_stats()["frames_written"] == 2


def test_one_loan_at_a_time(writer: SharedMemoryFrameWriter) -> None:
    """While a loan is open, another one, `write_frame` and `reshape` are refused; the open one is not disturbed."""
    with writer.loan() as slot:
        assert slot is not None
        for use in (writer.loan().__enter__, lambda: writer.write_frame(picture(0)), lambda: writer.reshape(8, 8)):
            with pytest.raises(RuntimeError, match=r"^a loan is already open: publish or cancel it first$"):
                use()
        slot.publish(5)
        assert writer.write_frame(picture(0))  # open until published, not until the block ends
    assert writer.get_stats()["frames_written"] == 2


def test_a_loan_is_taken_with_the_block(writer: SharedMemoryFrameWriter) -> None:
    """`loan()` alone takes nothing, and what it gives can be used again."""
    loan = writer.loan()
    assert writer.write_frame(picture(0))
    for number in (7, 8):
        with loan as slot:
            assert slot is not None
            slot.publish(number)
    assert writer.get_stats()["frames_written"] == 3


def test_no_buffer_no_slot(segment_name: str) -> None:
    """Where readers hold every buffer the slot is None, the frame counts as dropped, until one lets go."""
    with (
        SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT, max_buffers=3) as writer,
        SharedMemoryFrameReader(segment_name) as reader,
    ):
        kept = []
        for value in range(3):
            writer.write_frame(picture(value))
            kept.append(reader.lease())
        with writer.loan() as slot:
            assert slot is None
        assert not writer.write_frame(picture(3))
        assert writer.get_stats()["frames_dropped"] == 2
        assert writer.get_stats()["buffers_free"] == 0
        kept.pop(0)
        with writer.loan() as slot:
            assert slot is not None
            slot.publish(3)
        assert reader.lease().metadata.frame_number == 3


def test_buffers_are_added_for_those_who_hold(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """Up to `max_buffers`, the writer grows instead of dropping, and says so; held frames stay as they are."""
    kept = []
    for value in range(3):
        assert writer.write_frame(picture(value))
        kept.append(reader.lease())
    assert writer.get_stats()["buffers"] > 3
    assert writer.get_stats()["frames_dropped"] == 0
    assert {level for level, _ in writer.notices()} == {"info"}
    assert writer.notices() == []
    for value, frame in enumerate(kept):
        np.testing.assert_array_equal(picture(value), frame.array)


def test_a_kept_view_pins_its_buffer(segment_name: str) -> None:
    """A buffer that a view of an earlier loan shows is not lent again, even where nothing else is free."""
    with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT, max_buffers=3) as writer:
        with writer.loan() as slot:
            assert slot is not None
            view = slot.array[5:]
            slot.array[:] = 5
            slot.publish()
        del slot
        for value in range(20):
            writer.write_frame(picture(value))
        assert (view == 5).all()
        with writer.loan() as slot:
            assert slot is not None
            kept = slot.array
            kept[:] = 6  # cancelled
        with writer.loan() as slot:
            assert slot is None  # two are pinned, the third has the newest frame
        del kept
        with writer.loan() as slot:
            assert slot is not None


def test_a_view_outlives_the_writer(segment_name: str) -> None:
    """An array of a loan stays mapped when the writer has been cleaned up, with the loan open or published."""
    with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT) as writer:
        with writer.loan() as slot:
            assert slot is not None
            slot.array[:] = 3
            slot.publish()
        published = slot.array
        loan = writer.loan()
        opened = loan.__enter__()
        assert opened is not None
        lent = opened.array
        lent[:] = 4
    assert (published == 3).all()
    lent[0] = 5
    assert (lent[0] == 5).all()
    with pytest.raises(RuntimeError, match=CLOSED):
        opened.publish()
    loan.__exit__(None, None, None)
    with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT) as writer, writer.loan() as slot:
        assert slot is not None
        with pytest.raises(RuntimeError, match=CLOSED):
            opened.publish()  # not the new writer's loan


def test_a_slot_is_published_by_another_thread(
    writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader
) -> None:
    """The thread that fills and publishes a slot need not be the one that took it."""
    with writer.loan() as slot:
        assert slot is not None

        def fill() -> None:
            slot.array[:] = picture(2)
            slot.publish(2)

        thread = threading.Thread(target=fill)
        thread.start()
        thread.join()
    np.testing.assert_array_equal(picture(2), reader.read_frame()[0])


def test_gray_frames_are_lent_with_two_axes(segment_name: str) -> None:
    """A GRAY8 slot is (height, width)."""
    with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT, FrameFormat.GRAY8) as writer, writer.loan() as slot:
        assert slot is not None
        assert slot.array.shape == (HEIGHT, WIDTH)


def test_a_leased_frame_can_be_published_again(
    writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader, segment_name: str
) -> None:
    """A process in the middle publishes what it leases, under another name, straight from the shared buffer."""
    writer.write_frame(picture(1))
    with (
        SharedMemoryFrameWriter(f"{segment_name}-again", WIDTH, HEIGHT) as relay,
        SharedMemoryFrameReader(relay.name) as far,
    ):
        with reader.lease() as frame:
            relay.write_frame(frame.array)
        np.testing.assert_array_equal(picture(1), far.read_frame()[0])


def test_state_reason_and_status_reach_the_readers(
    writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader
) -> None:
    """What the writer says of itself is what readers are told; words that the bus does not know are refused."""
    assert reader.state == (State.LIVE, "")
    assert reader.status() == {}
    writer.set_state(State.RECONNECTING, "the source is gone")
    assert reader.state == (State.RECONNECTING, "the source is gone")
    writer.set_status('{"source": "Kamera 1, größer", "settings": []}')
    assert reader.status() == {"source": "Kamera 1, größer", "settings": []}
    with pytest.raises(ValueError, match=r"^reason is 'rain': allowed are '', 'stopped', 'end of the source'"):
        writer.set_state(State.STALLED, "rain")
    with pytest.raises(ValueError, match=r"^state is 99: allowed are LIVE \(1\)"):
        writer.set_state(99)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"status of 70000 bytes is too long"):
        writer.set_status("x" * 70_000)
    writer.set_status("[1]")
    with pytest.raises(ValueError, match=r"is list, not a JSON object$"):
        reader.status()
    writer.count_captured(3)
    writer.count_dropped(2)
    counters = reader.counters
    assert (counters.captured, counters.published, counters.dropped, counters.buffers) == (3, 0, 2, 3)
    assert reader.writer_alive


def test_a_lost_slot_does_not_lock_the_writer_out(writer: SharedMemoryFrameWriter) -> None:
    """A loan whose slot is gone, with no block to end it, is cancelled: the writer lends and writes again."""
    slot = writer.loan().__enter__()
    assert slot is not None
    del slot
    assert writer.write_frame(picture(1)) is True
    with writer.loan() as slot:
        assert slot is not None

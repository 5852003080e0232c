"""The surface that clients of the replaced system know: names, meanings, the texts of errors."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from billiards_video.ipc.shared_memory import (
    FrameFormat,
    SharedMemoryFrameReader,
    SharedMemoryFrameWriter,
)
from peer_process import PeerError, PeerProcess
from small_stream import HEIGHT, WIDTH, picture

NOT_INITIALIZED = r"^Writer not initialized\. Call initialize\(\) first\.$"
NOT_ATTACHED = r"^Reader not attached\. Call attach\(\) first\.$"


@pytest.mark.parametrize(
    ("frame_format", "channels"),
    [
        (FrameFormat.RGB24, 3),
        (FrameFormat.BGR24, 3),
        (FrameFormat.GRAY8, 1),
        (FrameFormat.RGBA32, 4),
        (FrameFormat.BGRA32, 4),
    ],
)
def test_a_frame_arrives_as_it_was_written(segment_name: str, frame_format: FrameFormat, channels: int) -> None:
    """What one side writes, the other reads, in every format: pixels, number, time, size; GRAY8 has two axes."""
    written = picture(3, channels)
    with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT, frame_format) as writer:
        reader = SharedMemoryFrameReader(segment_name)
        reader.attach(timeout=5.0)
        before = time.time()
        assert writer.write_frame(written, frame_number=17)
        frame, metadata = reader.read_frame()
        assert frame is not None
        assert metadata is not None
        np.testing.assert_array_equal(written, frame)
        assert frame.shape == written.shape
        assert frame.flags.writeable
        assert frame.flags.owndata
        assert metadata.frame_number == 17
        assert before - 0.001 <= metadata.timestamp <= time.time()
        assert metadata.timestamp == metadata.timestamp_sec + metadata.timestamp_nsec / 1e9
        assert (metadata.width, metadata.height, metadata.format) == (WIDTH, HEIGHT, frame_format)
        assert (reader.name, reader.width, reader.height) == (segment_name, WIDTH, HEIGHT)
        assert (reader.frame_format, reader.bytes_per_frame) == (frame_format, written.nbytes)
        assert (writer.name, writer.width, writer.height) == (segment_name, WIDTH, HEIGHT)
        assert (writer.frame_format, writer.bytes_per_frame) == (frame_format, written.nbytes)
        reader.detach()


def test_a_frame_is_new_once(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """`read_frame` gives the newest frame, and (None, None) until there is a newer one; it counts those missed."""
    assert reader.read_frame() == (None, None)
    for number in range(3):
        writer.write_frame(picture(number), number)
    frame, metadata = reader.read_frame()
    assert frame is not None
    assert metadata is not None
    np.testing.assert_array_equal(picture(2), frame)
    assert (metadata.frame_number, metadata.missed) == (2, 0)  # what was there before the first read is not missed
    assert reader.read_frame() == (None, None)
    for number in range(3, 6):
        writer.write_frame(picture(number), number)
    metadata = reader.read_frame()[1]
    assert metadata is not None
    assert (metadata.frame_number, metadata.missed) == (5, 2)


def test_frame_numbers_count_by_themselves(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """Without a number a frame has its predecessor's plus one, from 0."""
    numbers = []
    for given in (None, None, 40, None):
        writer.write_frame(picture(0), given)
        metadata = reader.read_frame()[1]
        assert metadata is not None
        numbers.append(metadata.frame_number)
    assert numbers == [0, 1, 40, 41]


def test_waiting_ends_with_a_frame_or_with_the_time(
    writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader
) -> None:
    """`wait_for_frame` returns (None, None) at the time-out, not before, and a frame that is there at once."""
    begin = time.monotonic()
    assert reader.wait_for_frame(timeout=0.2) == (None, None)
    assert 0.2 <= time.monotonic() - begin < 1
    assert reader.wait_for_frame(timeout=0) == (None, None)
    assert reader.wait_for_frame(timeout=-1) == (None, None)
    writer.write_frame(picture(9))
    frame, _ = reader.wait_for_frame(timeout=30)
    assert frame is not None
    np.testing.assert_array_equal(picture(9), frame)


def test_a_waiting_reader_is_woken(segment_name: str) -> None:
    """A frame that another process publishes ends a wait, long before the time-out, whichever of the two came first."""
    with PeerProcess() as peer, SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT) as writer:
        peer.run(f"reader = SharedMemoryFrameReader({segment_name!r}); reader.attach()")
        for number in range(20):
            peer.tell("frame, metadata = reader.wait_for_frame(timeout=30); metadata.frame_number, int(frame.sum())")
            written = picture(number)
            writer.write_frame(written, number)
            assert peer.answer() == (number, int(written.sum()))
        assert peer.end() == 0


def test_stats_are_what_was_done(segment_name: str) -> None:
    """`get_stats` counts from `initialize` to `cleanup`, and knows nothing before and after."""
    writer = SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT)
    assert writer.get_stats() == {"initialized": False}
    writer.initialize()
    for number in range(4):
        writer.write_frame(picture(number))
    writer.count_captured(5)
    writer.count_dropped()
    stats = writer.get_stats()
    assert stats.pop("current_buffer_index") in range(3)
    assert stats == {
        "initialized": True,
        "frames_written": 4,
        "write_counter": 4,
        "total_size_mb": (4096 + 3 * WIDTH * HEIGHT * 3) / 1e6,
        "frames_captured": 5,
        "frames_dropped": 1,
        "buffers": 3,
        "buffers_free": 2,
    }
    writer.cleanup()
    writer.cleanup()
    assert writer.get_stats() == {"initialized": False}


def test_calls_out_of_order_say_what_to_call_first(segment_name: str) -> None:
    """A writer before `initialize` and after `cleanup`, and a reader that is not attached, say so."""
    writer = SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT)
    with pytest.raises(RuntimeError, match=NOT_INITIALIZED):
        writer.write_frame(picture(0))
    with pytest.raises(RuntimeError, match=NOT_INITIALIZED), writer.loan():
        pass
    writer.initialize()
    writer.initialize()
    reader = SharedMemoryFrameReader(segment_name)
    for call in (reader.read_frame, reader.wait_for_frame, reader.lease, reader.try_lease, reader.status):
        with pytest.raises(RuntimeError, match=NOT_ATTACHED):
            call()
    with pytest.raises(RuntimeError, match=NOT_ATTACHED):
        _ = reader.width
    reader.attach()
    reader.attach()
    reader.detach()
    reader.detach()
    with pytest.raises(RuntimeError, match=NOT_ATTACHED):
        next(reader.frames())
    writer.cleanup()
    with pytest.raises(RuntimeError, match=NOT_INITIALIZED):
        writer.tend()


def test_attaching_to_nothing_times_out(segment_name: str) -> None:
    """Where nobody publishes, `attach` waits as long as it was told and then names the segment and the time."""
    reader = SharedMemoryFrameReader(segment_name)
    begin = time.monotonic()
    with pytest.raises(TimeoutError, match=rf"^Shared memory segment '{segment_name}' not created within 0\.2s"):
        reader.attach(timeout=0.2)
    assert 0.2 <= time.monotonic() - begin < 1
    assert not reader.is_attached


def test_attaching_to_a_dead_writer_is_refused_unless_it_is_allowed(segment_name: str) -> None:
    """A killed writer's frame is readable for who asks for it; anybody else is told of it and times out."""
    with PeerProcess() as peer:
        peer.run(f"writer = SharedMemoryFrameWriter({segment_name!r}, {WIDTH}, {HEIGHT}); writer.initialize()")
        peer.run(f"writer.write_frame(np.full(({HEIGHT}, {WIDTH}, 3), 7, np.uint8), 23)")
        peer.kill()
    with pytest.raises(TimeoutError, match=r"not created within 0\.1s.*23"):
        SharedMemoryFrameReader(segment_name).attach(timeout=0.1)
    reader = SharedMemoryFrameReader(segment_name, allow_dead=True)
    reader.attach(timeout=0.1)
    assert not reader.writer_alive
    frame, metadata = reader.read_frame()
    assert frame is not None
    assert metadata is not None
    assert (metadata.frame_number, frame.min(), frame.max()) == (23, 7, 7)
    reader.detach()
    with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT):
        pass  # removes what the dead one has left


def test_a_second_writer_is_refused(writer: SharedMemoryFrameWriter) -> None:
    """A name has one writer: another process is told whose it is, and the first one goes on."""
    with PeerProcess() as peer, pytest.raises(PeerError, match=rf"^FileExistsError: .*'{writer.name}'.*pid "):
        peer.run(f"SharedMemoryFrameWriter({writer.name!r}, 8, 8).initialize()")
    assert writer.write_frame(picture(0))


@pytest.mark.parametrize("name", ["", "a/b", ".hidden", "x.lock", "x.leases", "x.status", "x" * 101, "ä"])
def test_a_name_that_is_no_plain_file_name_is_refused(name: str) -> None:
    """Both sides refuse it when they are made, and say what is allowed."""
    for make in (lambda: SharedMemoryFrameWriter(name, 8, 8), lambda: SharedMemoryFrameReader(name)):
        with pytest.raises(ValueError, match=r"is not a valid shared memory name: use "):
            make()


def test_options_out_of_range_are_refused(segment_name: str) -> None:
    """A size, a format, an access mode, a number of buffers or of leases that cannot be is a ValueError."""
    for width, height in ((0, 1), (1, 0), (16385, 1)):
        with pytest.raises(ValueError, match=r"(width|height) is (0|16385): allowed are 1 to 16384"):
            SharedMemoryFrameWriter(segment_name, width, height)
    with pytest.raises(ValueError, match="frame_format is 0"):
        SharedMemoryFrameWriter(segment_name, 8, 8, 0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="access is 'all': allowed are 'owner', 'group', 'everyone'"):
        SharedMemoryFrameWriter(segment_name, 8, 8, access="all")
    with pytest.raises(ValueError, match="max_buffers is 2: allowed are 3 to 16"):
        SharedMemoryFrameWriter(segment_name, 8, 8, max_buffers=2).initialize()
    with pytest.raises(ValueError, match="max_leases is 4: allowed are 1 to 3"):
        SharedMemoryFrameReader(segment_name, max_leases=4).attach(timeout=0)
    with pytest.raises(ValueError, match="timeout is nan"):
        SharedMemoryFrameReader(segment_name).attach(timeout=float("nan"))


def test_access_is_the_mode_of_the_files(segment_name: str) -> None:
    """Frames are the owner's alone unless the writer says otherwise."""
    for access, mode in (("owner", 0o600), ("group", 0o640), ("everyone", 0o644)):
        with SharedMemoryFrameWriter(segment_name, 8, 8, access=access) as writer:
            assert isinstance(writer.path, Path)
            assert writer.path.stat().st_mode & 0o777 == mode


def test_frames_of_another_size_follow_under_the_same_name(
    writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader
) -> None:
    """After `reshape` the same handles go on with the new size, and its readers are told it."""
    writer.write_frame(picture(1))
    assert reader.read_frame()[0] is not None
    epoch = writer.epoch
    writer.reshape(32, 16, FrameFormat.GRAY8)
    assert (writer.width, writer.height, writer.frame_format) == (32, 16, FrameFormat.GRAY8)
    assert writer.epoch != epoch
    writer.write_frame(np.full((16, 32), 5, np.uint8), 70)
    frame, metadata = reader.wait_for_frame(5.0)
    assert frame is not None
    assert metadata is not None
    assert (frame.shape, metadata.frame_number, metadata.missed) == ((16, 32), 70, 0)
    assert (reader.width, reader.height, reader.frame_format) == (32, 16, FrameFormat.GRAY8)
    assert reader.epoch == writer.epoch
    with pytest.raises(ValueError, match=r"(width|height) is .*: allowed are 1 to 16384"):
        writer.reshape(0, 16)


def test_a_polling_reader_follows_too(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """A client that only ever calls `read_frame` finds the frames of a new segment."""
    writer.write_frame(picture(1))
    assert reader.read_frame()[0] is not None
    writer.reshape(32, 16)
    writer.write_frame(np.full((16, 32, 3), 5, np.uint8))
    frame, _ = reader.read_frame()
    assert frame is not None
    assert frame.shape == (16, 32, 3)


def test_threads_that_initialize_at_once_share_one_writer(segment_name: str) -> None:
    """`initialize` from several threads makes one writer, and refuses none of them."""
    for _ in range(20):
        writer = SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT)
        together = threading.Barrier(4)

        def initialize(writer: SharedMemoryFrameWriter = writer, together: threading.Barrier = together) -> None:
            together.wait(10)
            writer.initialize()

        with ThreadPoolExecutor(4) as pool:
            for result in [pool.submit(initialize) for _ in range(4)]:
                result.result(10)
        assert writer.get_stats()["initialized"] is True
        writer.cleanup()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda name: SharedMemoryFrameWriter(name, -1, 5), "width is -1: allowed are 1 to 16384"),
        (lambda name: SharedMemoryFrameWriter(name, 5, 2**40), "height is 1099511627776: allowed are 1 to 16384"),
        (lambda name: SharedMemoryFrameWriter(name, 5, 5, max_buffers=300), "max_buffers is 300: allowed are 3 to 16"),
        (lambda name: SharedMemoryFrameReader(name, max_leases=-1), "max_leases is -1: allowed are 1 to 3"),
        (lambda name: SharedMemoryFrameReader(name, owner=-1), "owner is -1: allowed are 0 to 4294967295"),
    ],
)
def test_numbers_out_of_range_say_the_range(segment_name: str, make: Callable[[str], object], text: str) -> None:
    """A number that no type of the core can hold is refused like any other: by name, with what is allowed."""
    with pytest.raises(ValueError, match=f"^{text}$"):
        make(segment_name)

"""A buffer is held for exactly as long as something views its frame, whatever becomes of everything else.

Meanwhile the writer goes on by the thousand: a buffer that is held keeps its pixels, and one that is let go of is used.
"""

import functools
import gc
import pickle
import re
import struct
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from billiards_video import Frame, SharedMemoryFrameReader, SharedMemoryFrameWriter
from busy_stream import MANY, is_whole, publish, slot, slots_used
from peer_process import PeerProcess
from small_stream import HEIGHT, WIDTH, held, picture


@pytest.mark.parametrize(
    "view",
    [
        lambda frame: frame.array,
        lambda frame: frame.array[10:20, ::2],
        lambda frame: frame.array[0, 0],
        lambda frame: frame.array.data,
        lambda frame: frame.array.base,
        lambda frame: frame.array.data[5:],
        lambda frame: frame.array.reshape(-1).view(np.uint32),
        lambda frame: frame.array.transpose(1, 0, 2),
        lambda frame: frame.array.view(np.recarray),
        lambda frame: np.lib.stride_tricks.sliding_window_view(frame.array, (3, 3, 3)),
        lambda frame: np.broadcast_to(frame.array, (2, *frame.array.shape)),
        lambda frame: np.frombuffer(frame.array.data, np.uint8),
        lambda frame: np.nditer(frame.array),
        lambda frame: np.from_dlpack(frame.array),
        lambda frame: iter(frame.array.flat),
        lambda frame: [frame.array for _ in range(3)],
        lambda frame: pickle.PickleBuffer(frame.array),
        lambda frame: re.search(b".", frame.array.data.cast("B"), re.DOTALL),
        lambda frame: struct.iter_unpack("B", frame.array.data),
        lambda frame: functools.partial(np.sum, frame.array),
        lambda frame: (row for row in frame.array),
        lambda frame: zip(frame.array, frame.array, strict=True),
    ],
    ids=[
        "array",
        "slice",
        "row of one pixel",
        "memoryview",
        "base",
        "part of a memoryview",
        "other type",
        "transposed",
        "subclass",
        "windows",
        "broadcast",
        "frombuffer",
        "nditer",
        "dlpack",
        "iterator",
        "list",
        "pickle buffer",
        "match",
        "unpacking",
        "partial",
        "generator",
        "zip",
    ],
)
def test_the_last_view_ends_the_hold(
    writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader, view: Callable[[Frame], object]
) -> None:
    """Whatever shows the frame's pixels without a copy holds its buffer beyond block and frame, and no longer."""
    writer.write_frame(picture(1))
    taken = slot(writer)
    with reader.lease() as frame:
        kept = view(frame)
    del frame
    assert held(writer) == 1
    assert taken not in slots_used(writer, 20)
    del kept
    assert held(writer) == 0
    assert taken in slots_used(writer, 20)


@pytest.mark.parametrize(
    ("view", "pixels"),
    [
        (lambda frame: frame.array, bytes),
        (lambda frame: frame.array[5:40:3, ::-2], lambda view: view.tobytes()),
        (lambda frame: frame.array.data, bytes),
        (lambda frame: frame.array.transpose(2, 1, 0), lambda view: view.tobytes()),
        (lambda frame: np.from_dlpack(frame.array), lambda view: view.tobytes()),
        (lambda frame: pickle.PickleBuffer(frame.array), lambda view: bytes(view.raw())),
        (lambda frame: re.search(b".*", frame.array.data.cast("B"), re.DOTALL), lambda view: bytes(view.string)),
    ],
    ids=["array", "slice", "memoryview", "transposed", "dlpack", "pickle buffer", "match"],
)
def test_no_pixel_of_a_view_changes(
    writer: SharedMemoryFrameWriter,
    reader: SharedMemoryFrameReader,
    view: Callable[[Frame], object],
    pixels: Callable[[object], bytes],
) -> None:
    """Thousands of frames later a view shows what it showed, without its reader, and beside other holds."""
    publish(writer, 1)
    with reader.lease() as frame:
        kept = view(frame)
        before = pixels(kept)
    del frame
    for first in range(0, MANY, MANY // 6):
        publish(writer, MANY // 6, first)
        with reader.lease() as other:
            assert is_whole(other)
        assert pixels(kept) == before
        if first == MANY // 2:
            reader.detach()
            reader.attach()


def test_a_copy_holds_nothing(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """A copy, and a result of arithmetic, are free of the frame."""
    writer.write_frame(picture(1))
    with reader.lease() as frame:
        copied, sums = frame.array.copy(), frame.array.sum(axis=2)
    assert held(writer) == 0
    np.testing.assert_array_equal(picture(1), copied)
    assert sums.shape == (HEIGHT, WIDTH)


def test_a_frame_without_a_block_is_held_until_it_goes(
    writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader
) -> None:
    """Outside a `with` block a frame holds its buffer, asked for its array or not, until it is gone."""
    for ask in (False, True):
        writer.write_frame(picture(1))
        frame = reader.try_lease()
        assert frame is not None
        assert not ask or frame.array.any()
        assert held(writer) == 1
        del frame
        assert held(writer) == 0


def test_a_held_frame_does_not_change(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """Whatever is published meanwhile, held frames keep their pixels; the writer drops nothing for three of them."""
    kept: list[Frame] = []
    for value in range(3):
        writer.write_frame(picture(value), value)
        kept.append(reader.lease())
    publish(writer, MANY, 3)
    for value, frame in enumerate(kept):
        assert frame.metadata.frame_number == value
        np.testing.assert_array_equal(picture(value), frame.array)
    assert held(writer) == 3
    kept.clear()
    del frame
    assert held(writer) == 0


def test_a_view_outlives_everything(segment_name: str) -> None:
    """Frame, reader and writer may go, in any order: an array stays what it is, and nothing crashes."""
    with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT) as writer:
        reader = SharedMemoryFrameReader(segment_name)
        reader.attach()
        writer.write_frame(picture(6))
        array = reader.lease().array
        reader.detach()
        assert held(writer) == 1
        publish(writer, MANY)
        np.testing.assert_array_equal(picture(6), array)
    np.testing.assert_array_equal(picture(6), array)
    del reader
    with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT) as writer:
        publish(writer, MANY)
        np.testing.assert_array_equal(picture(6), array)
        writer.reshape(8, 8)
        writer.write_frame(np.zeros((8, 8, 3), np.uint8))
        np.testing.assert_array_equal(picture(6), array)
    assert array[5:].sum() == picture(6)[5:].sum()


def test_a_frame_ends_in_another_thread(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """An array may be used, and be let go of, in another thread than the one that leased it."""
    writer.write_frame(picture(3))
    frames = [reader.lease()]
    seen = []

    def use() -> None:
        frame = frames.pop()
        seen.append(bool((frame.array == picture(3)).all()))

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert seen == [True]
    assert held(writer) == 0


def test_arrays_at_the_interpreter_s_end(segment_name: str) -> None:
    """A process that ends with a reader, a writer, frames, arrays and a loan still alive ends in order."""
    with PeerProcess() as peer:
        peer.run(f"writer = SharedMemoryFrameWriter({segment_name!r}, 64, 48); writer.initialize()")
        peer.run(f"reader = SharedMemoryFrameReader({segment_name!r}); reader.attach()")
        peer.run("writer.write_frame(np.zeros((48, 64, 3), np.uint8)); frame = reader.lease(); array = frame.array[1:]")
        peer.run("loan = writer.loan(); slot = loan.__enter__(); lent = slot.array")
        assert peer.end() == 0


def test_a_reader_killed_while_holding_frees_its_buffers(segment_name: str) -> None:
    """`kill -9` of a reader that holds three frames gives the writer back its buffers at once."""
    with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT, max_buffers=3) as writer:
        with PeerProcess() as peer:
            peer.run(f"reader = SharedMemoryFrameReader({segment_name!r}, reader_name='to be killed'); reader.attach()")
            peer.run("kept = []")
            for value in range(3):
                assert writer.write_frame(picture(value), value)
                peer.run("kept.append(reader.lease().array)")
            (figures,) = writer.readers()
            assert (figures.pid, figures.name, figures.held) == (peer.pid, "to be killed", 3)
            assert not writer.write_frame(picture(9))
            assert writer.get_stats()["frames_dropped"] == 1
            levels = [level for level, text in writer.notices() if "to be killed" in text and str(peer.pid) in text]
            assert levels == ["warning"]
            peer.kill()
        assert writer.readers() == []
        assert all(writer.write_frame(picture(value)) for value in range(10))


def test_leasing_leaks_nothing(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """Thousands of leases leave no object, no descriptor and no mapping behind."""

    def lease_and_let_go(count: int) -> None:
        for value in range(count):
            writer.write_frame(picture(value))
            with reader.lease() as frame:
                assert frame.array[0, 0, 0] == value % 256
                assert frame.metadata.width == WIDTH
            with pytest.raises(TimeoutError):
                reader.lease(timeout=0)

    def count() -> tuple[int, int, int]:
        gc.collect()
        maps = len(Path("/proc/self/maps").read_text(encoding="ascii").splitlines())
        return len(list(Path("/proc/self/fd").iterdir())), maps, sys.getallocatedblocks() // 1000

    lease_and_let_go(100)
    before = count()
    lease_and_let_go(2000)
    for now, then in zip(count(), before, strict=True):
        assert now <= then + 1


def test_a_reader_that_copies_lets_go_of_the_past(segment_name: str) -> None:
    """After a restart nothing that was prepared for leases keeps the old segment mapped: a copying read is enough."""
    with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT) as writer:
        reader = SharedMemoryFrameReader(segment_name)
        reader.attach()
        with pytest.raises(TimeoutError):
            reader.lease(0.001)
        old = writer.epoch
    with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT) as writer, reader:
        writer.write_frame(picture(1), 1)
        assert reader.wait_for_frame(10)[0] is not None
        assert reader.epoch == writer.epoch != old
        reader.read_frame()
        maps = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
        assert [line for line in maps if segment_name in line and "(deleted)" in line] == []

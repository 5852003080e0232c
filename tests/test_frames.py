"""Iterating over frames, with `for` and with `async for`: across restarts, to the end of the source, and cancelled."""

import asyncio
import signal
import threading
import time

import numpy as np
import pytest

from billiards_video import SharedMemoryFrameReader, SharedMemoryFrameWriter, State
from peer_process import PeerError, PeerProcess
from small_stream import HEIGHT, WIDTH, held, picture

PUBLISH = "writer.write_frame(np.full((48, 64, 3), {0}, np.uint8), {0})"


def test_every_frame_is_a_copy_of_its_own(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """`frames` gives the newest frame as a writable copy that may be kept, and holds nothing between two."""
    frames = reader.frames()
    kept = []
    for value in range(10):
        writer.write_frame(picture(value), value)
        frame, metadata = next(frames)
        assert metadata.frame_number == value
        assert frame.flags.writeable
        assert held(writer) == 0
        kept.append(frame)
    for value, frame in enumerate(kept):
        np.testing.assert_array_equal(picture(value), frame)
    frames.close()


def test_frames_end_with_the_source(segment_name: str) -> None:
    """The last frame is given, and then the iteration ends by itself."""
    with PeerProcess() as peer:
        peer.run(f"writer = SharedMemoryFrameWriter({segment_name!r}, 64, 48); writer.initialize()")
        with SharedMemoryFrameReader(segment_name) as reader:
            peer.run(PUBLISH.format(1))
            numbers = []
            for _, metadata in reader.frames():
                numbers.append(metadata.frame_number)
                if metadata.frame_number == 1:
                    peer.run(f"{PUBLISH.format(2)}; writer.cleanup(State.ENDED, 'end of the source')")
            assert numbers == [1, 2]
            assert list(reader.frames()) == []


def test_frames_have_a_time_out_if_asked(reader: SharedMemoryFrameReader) -> None:
    """With a time-out, a wait that is too long raises."""
    with pytest.raises(TimeoutError, match=r"^no newer frame of 'test-.*' came within 0\.1s"):
        next(reader.frames(timeout=0.1))


def test_frames_go_on_with_the_successor_of_a_killed_writer(segment_name: str) -> None:
    """A writer is killed, another one takes the name: the same iteration goes on with its frames, of another size."""
    with PeerProcess() as first, PeerProcess() as second:
        first.run(f"writer = SharedMemoryFrameWriter({segment_name!r}, 64, 48); writer.initialize()")
        with SharedMemoryFrameReader(segment_name) as reader:
            frames = reader.frames(timeout=10)
            first.run(PUBLISH.format(1))
            assert next(frames)[1].frame_number == 1
            old = reader.epoch
            first.run(PUBLISH.format(2))
            held_frame = reader.lease()
            first.kill()
            assert not reader.writer_alive
            second.run(f"writer = SharedMemoryFrameWriter({segment_name!r}, 32, 16); writer.initialize()")
            second.run("writer.write_frame(np.full((16, 32, 3), 9, np.uint8), 50)")
            frame, metadata = next(frames)
            assert (frame.shape, metadata.frame_number) == ((16, 32, 3), 50)
            assert (frame == 9).all()
            assert reader.epoch != old
            assert reader.writer_pid == second.pid
            assert (held_frame.array == 2).all()
            second.run("writer.cleanup()")


def test_frames_wait_for_a_writer_that_comes_back(segment_name: str) -> None:
    """A writer that stops, as opposed to a source that ends, leaves the iteration waiting for the next one."""
    with PeerProcess() as peer:
        start = f"writer = SharedMemoryFrameWriter({segment_name!r}, 64, 48); writer.initialize()"
        peer.run(start)
        with SharedMemoryFrameReader(segment_name) as reader:
            peer.run(PUBLISH.format(1))
            peer.run("writer.cleanup()")
            frames = reader.frames(timeout=10)
            assert next(frames)[1].frame_number == 1
            assert reader.state == (State.CLOSED, "stopped")
            peer.tell(f"time.sleep(0.3); {start}; {PUBLISH.format(2)}")  # while the reader waits
            assert next(frames)[1].frame_number == 2
            peer.answer()
            peer.run("writer.cleanup()")


def test_an_ended_stream_may_begin_again(segment_name: str) -> None:
    """After the end of the source the handle still works: a client that goes on asking gets a new writer's frames."""
    reader = SharedMemoryFrameReader(segment_name)
    for number in (1, 2):
        with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT) as writer:
            reader.attach()
            writer.write_frame(picture(number), number)
            _, metadata = reader.wait_for_frame(10)
            assert metadata is not None
            assert metadata.frame_number == number
            writer.cleanup(State.ENDED, "end of the source")
        assert list(reader.frames()) == []
    reader.detach()


def test_ctrl_c_ends_a_wait(segment_name: str) -> None:
    """SIGINT ends every kind of wait, without a time-out, in less than a second, as a KeyboardInterrupt."""
    with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT), PeerProcess() as peer:
        peer.run(f"reader = SharedMemoryFrameReader({segment_name!r}); reader.attach()")
        waits = [
            "next(reader.frames())",
            "reader.lease(None)",
            "reader.wait_for_frame(None)",
            "reader.wait_newer(None)",
        ]
        waits += ["SharedMemoryFrameReader('nobody-publishes-this').attach(None)"]
        for wait in waits:
            peer.tell(f"say('waits'); {wait}")
            assert peer.answer() == "waits"
            begin = time.monotonic()
            peer.signal(signal.SIGINT)
            with pytest.raises(PeerError, match=r"^KeyboardInterrupt"):
                peer.answer()
            assert time.monotonic() - begin < 1
        assert peer.run("reader.wait_for_frame(0)") == (None, None)


def test_a_signal_without_an_exception_does_not_end_a_wait(segment_name: str) -> None:
    """A handler that raises nothing runs while the reader waits, and the wait goes on to the frame."""
    with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT) as writer, PeerProcess() as peer:
        peer.run(f"reader = SharedMemoryFrameReader({segment_name!r}); reader.attach()")
        peer.run("import signal")
        peer.run("_ = signal.signal(signal.SIGUSR1, lambda *_: say('heard'))")
        peer.tell("say('waits'); reader.lease(30).metadata.frame_number")
        assert peer.answer() == "waits"
        peer.signal(signal.SIGUSR1)
        assert peer.answer() == "heard"
        writer.write_frame(picture(0), 6)
        assert peer.answer() == 6


def test_async_for_ends_with_the_source(segment_name: str) -> None:
    """`async for` gives the frames in order, as writable copies, and ends with the source."""
    writer = SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT)
    writer.initialize()

    async def read() -> list[int]:
        numbers = []
        with SharedMemoryFrameReader(segment_name) as reader:
            writer.write_frame(picture(0), 0)
            async for frame, metadata in reader:
                np.testing.assert_array_equal(picture(metadata.frame_number), frame)
                assert frame.flags.writeable
                numbers.append(metadata.frame_number)
                if metadata.frame_number < 5:
                    writer.write_frame(picture(metadata.frame_number + 1))
                else:
                    writer.cleanup(State.ENDED, "end of the source")
        return numbers

    assert asyncio.run(read()) == [0, 1, 2, 3, 4, 5]


def test_async_for_lets_other_tasks_run(writer: SharedMemoryFrameWriter) -> None:
    """Other tasks run while the reader waits, and between frames that come faster than they are used."""

    async def main() -> int:
        turns = 0
        done = asyncio.Event()

        async def other() -> None:
            nonlocal turns
            while not done.is_set():
                turns += 1
                await asyncio.sleep(0)
                if turns == 100:
                    writer.write_frame(picture(0), 0)

        task = asyncio.create_task(other())
        with SharedMemoryFrameReader(writer.name) as reader:
            async for _, metadata in reader:
                if metadata.frame_number == 0:
                    assert turns >= 100
                    turns = 1000
                if metadata.frame_number == 20:
                    break
                writer.write_frame(picture(0))  # the next one is always there
        done.set()
        await task
        return turns - 1000

    assert asyncio.run(main()) >= 20


def test_cancelling_an_async_wait_loses_no_frame(
    writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader
) -> None:
    """A frame that comes while, or after, an `async for` is cancelled is still there for the next read."""

    async def main() -> None:
        for number in range(20):
            task = asyncio.create_task(anext(aiter(reader)))
            await asyncio.sleep(0.005 * (number % 3))  # long enough to wait, or not
            task.cancel()
            writer.write_frame(picture(number), number)
            try:
                _, metadata = await task
            except asyncio.CancelledError:
                _, cancelled = reader.wait_for_frame(5)
                assert cancelled is not None
                metadata = cancelled
            assert (metadata.frame_number, metadata.missed) == (number, 0)

    begin = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - begin < 10


def test_detaching_ends_a_wait_in_another_thread(
    writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader
) -> None:
    """`detach` makes a thread that waits on the handle raise, in less than a second."""
    raised: list[str] = []
    begun = threading.Event()

    def wait() -> None:
        frames = reader.frames()
        next(frames)
        begun.set()
        with pytest.raises(RuntimeError) as error:
            next(frames)
        raised.append(str(error.value))

    writer.write_frame(picture(0))
    thread = threading.Thread(target=wait)
    thread.start()
    assert begun.wait(10)
    begin = time.monotonic()
    reader.detach()
    thread.join(10)
    assert raised == ["Reader not attached. Call attach() first."]
    assert time.monotonic() - begin < 1


@pytest.mark.parametrize("ends_by", ["the block", "cleanup"])
def test_an_end_that_was_said_is_not_unsaid(segment_name: str, ends_by: str) -> None:
    """A writer that says ENDED and then leaves its block, or cleans up, leaves it ENDED: `frames` comes to its end."""
    for number in range(20):
        writer = SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT)
        with writer, SharedMemoryFrameReader(segment_name) as reader:
            frames = reader.frames(timeout=5)
            writer.write_frame(picture(number), number)
            assert next(frames)[1].frame_number == number
            ended = threading.Thread(target=lambda frames=frames: list(frames))
            ended.start()
            writer.set_state(State.ENDED)
            if ends_by == "cleanup":
                writer.cleanup()
            else:
                writer.__exit__(None, None, None)
            ended.join(5)
            assert not ended.is_alive()
            assert reader.state[0] is State.ENDED

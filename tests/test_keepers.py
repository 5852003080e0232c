"""A buffer is held wherever its frame is kept: in cycles, tracebacks, tasks, threads, and by what outlives them."""

import asyncio
import contextlib
import contextvars
import gc
import queue
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from billiards_video import Frame, SharedMemoryFrameReader, SharedMemoryFrameWriter
from busy_stream import MANY, PICTURES, is_whole, publish, slot, slots_used
from small_stream import held


class Node:
    """An object that may be part of a cycle."""


def collect() -> None:
    """Has the collector find what is part of a cycle."""
    gc.collect()


def in_cycle(frame: Frame, array: NDArray[np.uint8]) -> Callable[[], None]:
    """A cycle that the collector finds."""
    node = Node()
    node.__dict__.update(frame=frame, array=array, itself=node)
    return collect


def in_cycle_through_a_subclass(frame: Frame, array: NDArray[np.uint8]) -> Callable[[], None]:
    """A cycle through an attribute of a view of the array itself."""

    class Named(np.ndarray):
        pass

    named = array.view(Named)
    named.__dict__.update(frame=frame, itself=[named])  # NumPy's arrays are not seen by the collector

    def end() -> None:
        nonlocal named
        named.__dict__.clear()
        del named

    return end


def in_traceback(frame: Frame, array: NDArray[np.uint8]) -> Callable[[], None]:
    """An exception that keeps a function's variables, and was raised from another one."""

    def fail(frame: Frame, array: NDArray[np.uint8]) -> None:
        try:
            array[frame.metadata.height]
        except IndexError as error:
            raise RuntimeError from error

    caught: list[BaseException] = []
    try:
        fail(frame, array)
    except RuntimeError as error:
        caught.append(error)
    return caught.clear


def in_generator(frame: Frame, array: NDArray[np.uint8]) -> Callable[[], None]:
    """A generator that has stopped in the middle."""

    def hold() -> Generator[int, None, None]:
        with frame:
            yield int(array[0, 0, 0])

    holding = hold()
    next(holding)
    return holding.close


def in_task(frame: Frame, array: NDArray[np.uint8]) -> Callable[[], None]:
    """A task that waits for ever, until its loop is closed."""
    loop = asyncio.new_event_loop()

    async def wait(frame: Frame, array: NDArray[np.uint8]) -> None:
        await loop.create_future()
        assert frame.array is array

    tasks = [loop.create_task(wait(frame, array))]
    loop.run_until_complete(asyncio.sleep(0))

    def end() -> None:
        tasks[0].cancel()
        loop.run_until_complete(asyncio.wait(tasks))
        loop.close()
        tasks.clear()
        gc.collect()

    return end


def in_queue(frame: Frame, array: NDArray[np.uint8]) -> Callable[[], None]:
    """A queue that nobody has read from."""
    waiting: queue.SimpleQueue[object] = queue.SimpleQueue()
    waiting.put((frame, array))

    def end() -> None:
        waiting.get()

    return end


def in_context(frame: Frame, array: NDArray[np.uint8]) -> Callable[[], None]:
    """A context variable."""
    variable: contextvars.ContextVar[object] = contextvars.ContextVar("kept")
    contexts = [contextvars.copy_context()]
    contexts[0].run(variable.set, (frame, array))
    return contexts.clear


def in_thread(frame: Frame, array: NDArray[np.uint8]) -> Callable[[], None]:
    """The variables and the locals of a thread that waits."""
    end, begun, local = threading.Event(), threading.Event(), threading.local()

    def wait(frame: Frame, array: NDArray[np.uint8]) -> None:
        local.kept = (frame, array)
        begun.set()
        end.wait()

    threads = [threading.Thread(target=wait, args=(frame, array))]
    threads[0].start()
    assert begun.wait(10)

    def finish() -> None:
        end.set()
        threads.pop().join()

    return finish


def in_finalizer(frame: Frame, array: NDArray[np.uint8]) -> Callable[[], None]:
    """The arguments of a finalizer, which is called when something else goes."""
    nodes = [Node()]
    weakref.finalize(nodes[0], np.testing.assert_array_equal, array, PICTURES[frame.metadata.frame_number])
    weakref.finalize(nodes[0], Frame.__exit__, frame)
    return nodes.clear


def in_last_words(frame: Frame, array: NDArray[np.uint8]) -> Callable[[], None]:
    """An object that looks at its pixels when it goes, and comes back to life once."""
    revived = []

    class Last(Node):
        def __init__(self, frame: Frame, array: NDArray[np.uint8]) -> None:
            self.frame, self.array = frame, array

        def __del__(self) -> None:
            assert is_whole(self.frame)
            revived.append((self.frame, self.array))

    lasts = [Last(frame, array)]

    def end() -> None:
        lasts.clear()
        assert len(revived) == 1
        revived.clear()

    return end


@pytest.fixture
def collector_at_rest() -> Iterator[None]:
    """The cycle collector runs when it is asked to: by itself it could end a cycle before the test looks at it."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("collector_at_rest")
@pytest.mark.parametrize(
    "keep",
    [
        in_cycle,
        in_cycle_through_a_subclass,
        in_traceback,
        in_generator,
        in_task,
        in_queue,
        in_context,
        in_thread,
        in_finalizer,
        in_last_words,
    ],
)
def test_whatever_keeps_a_frame_holds_it(
    writer: SharedMemoryFrameWriter,
    reader: SharedMemoryFrameReader,
    keep: Callable[[Frame, NDArray[np.uint8]], Callable[[], None]],
) -> None:
    """Frame and array, wherever they are kept, hold the buffer whole among thousands of others, until they go."""
    publish(writer, 1, 77)
    taken = slot(writer)
    frame = reader.lease()
    watched = weakref.ref(frame.array)
    end = keep(frame, frame.array)
    del frame
    publish(writer, MANY)
    array = watched()
    assert array is not None
    np.testing.assert_array_equal(PICTURES[77], array)
    del array
    assert held(writer) == 1
    assert taken not in slots_used(writer, 20)
    end()
    del end
    assert watched() is None
    assert held(writer) == 0
    assert taken in slots_used(writer, 20)


def take_over(belt: "queue.SimpleQueue[Frame | None]") -> Frame | None:
    """What another thread has put there.

    Runs on while there is nothing. Without a GIL, what this thread made and another let go of ends only while this one
    runs Python code: asleep, it would keep the frames held that the other waits for.
    """
    deadline = time.monotonic() + 10
    while True:
        with contextlib.suppress(queue.Empty):
            return belt.get(timeout=0.01)
        assert time.monotonic() < deadline


def lease_in_turn(reader: SharedMemoryFrameReader) -> Frame:
    """The next frame. A thread that has handed a frame over lets go of it itself only when it runs again."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return reader.lease(10)
        except RuntimeError:  # three are held
            assert time.monotonic() < deadline


def test_frames_go_from_thread_to_thread(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """Leased in one thread, looked at in another, let go of in a third: whole everywhere, and held until then."""
    frames = 300
    leased: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()
    looked_at: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()
    may_be_held = threading.Semaphore(3)
    seen: list[int] = []

    def lease() -> None:
        for _ in range(frames):
            assert may_be_held.acquire(timeout=10)
            leased.put(lease_in_turn(reader))
        leased.put(None)

    def look() -> None:
        while (frame := take_over(leased)) is not None:
            assert is_whole(frame)
            looked_at.put(frame)
        looked_at.put(None)

    def let_go() -> None:
        while (frame := take_over(looked_at)) is not None:
            number, flipped = frame.metadata.frame_number, frame.array[::-1]
            del frame
            assert held(writer) > 0
            assert (flipped == PICTURES[number % 256][::-1]).all()
            del flipped
            seen.append(number)
            may_be_held.release()

    with ThreadPoolExecutor(3) as pool:
        tasks = [pool.submit(task) for task in (lease, look, let_go)]
        number = 0
        while not tasks[0].done():
            writer.write_frame(PICTURES[number % 256], number)
            number += 1
        for task in tasks:
            task.result()
    assert len(seen) == frames
    assert seen == sorted(set(seen))
    assert held(writer) == 0

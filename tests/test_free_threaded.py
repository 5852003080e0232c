"""Eight threads on one handle, one frame and one slot: what Python without a GIL needs, and what one with it has too.

Where Python is free-threaded, it stays so with this package; elsewhere these tests find what a GIL does not hide.
"""

import os
import sysconfig
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest
from numpy.typing import NDArray

from billiards_video import SharedMemoryFrameReader, SharedMemoryFrameWriter, State
from billiards_video.ipc import Slot
from busy_stream import PICTURES, BusyStream, is_whole
from small_stream import HEIGHT, WIDTH
from whole_program import result, start

THREADS = 8
SHAPES = [(HEIGHT, WIDTH, 3), (WIDTH, HEIGHT, 3)]
WRITER_SAYS = ("a loan is already open", "frame is (")
"""How the words begin in which a writer refuses what another thread is in the way of."""
FULL = os.environ.get("BILLIARDS_VIDEO_SOUNDNESS") == "full"
ROUNDS = 4000 if FULL else 200

pytestmark = pytest.mark.timeout(900 if FULL else 60)


def all_at_once(*tasks: Callable[[int], None], rounds: int = ROUNDS) -> None:
    """Runs the tasks in threads of their own, so many rounds each, each round begun by all together."""
    barrier = threading.Barrier(len(tasks), timeout=30)

    def run(task: Callable[[int], None]) -> None:
        try:
            for number in range(rounds):
                barrier.wait()
                task(number)
        except BaseException:
            barrier.abort()
            raise

    with ThreadPoolExecutor(len(tasks)) as pool:
        for done in [pool.submit(run, task) for task in tasks]:
            with suppress(threading.BrokenBarrierError):
                done.result()


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python has a GIL")
def test_the_import_does_not_bring_the_gil_back(writer: SharedMemoryFrameWriter) -> None:
    """The module says that it needs no GIL: Python would switch it on again, with a warning, for one that does not."""
    program = """
        assert not sys._is_gil_enabled()
        writer = SharedMemoryFrameWriter(name + "-own", 64, 48); writer.initialize()
        writer.write_frame(PICTURES[0]); writer.cleanup()
        assert not sys._is_gil_enabled()
    """
    assert result(start(program, writer.name)) == ("", 0, "")


class Reading:
    """What threads do with one reader that others detach, and that may hold three frames."""

    def __init__(self, reader: SharedMemoryFrameReader) -> None:
        self._reader = reader
        self.frames = 0

    def lease(self, _: int) -> None:
        """The next frame, in place."""
        with self._reader.lease(10) as frame:
            assert is_whole(frame)
            self.frames += 1

    def try_lease(self, _: int) -> None:
        """The newest, if it is new."""
        frame = self._reader.try_lease()
        assert frame is None or is_whole(frame)

    def copy(self, _: int, out: NDArray[np.uint8] | None = None) -> None:
        """A copy of the next."""
        array, metadata = self._reader.wait_for_frame(10, out)
        assert array is not None
        assert metadata is not None
        assert np.array_equal(array, PICTURES[metadata.frame_number % 256])

    def copy_into(self, number: int) -> None:
        """The same, into an array of its own."""
        self.copy(number, np.empty((HEIGHT, WIDTH, 3), np.uint8))

    def look(self, _: int) -> None:
        """What there is to know of the stream."""
        assert self._reader.wait_newer(10)
        assert self._reader.state == (State.LIVE, "")
        assert self._reader.status() == {}
        assert (self._reader.width, self._reader.counters.dropped, self._reader.is_observer) == (WIDTH, 0, False)

    def attach_anew(self, number: int) -> None:
        """Now and then, under everybody."""
        if number % 10 == 0:
            self._reader.detach()
            self._reader.attach()


def unless(task: Callable[[int], None], *refusals: str) -> Callable[[int], None]:
    """A task that may be refused in words that begin so: often, and not always."""

    def run(number: int) -> None:
        try:
            task(number)
        except (RuntimeError, ValueError) as error:
            if not str(error).startswith(refusals):
                raise

    return run


def test_threads_use_every_method_of_one_reader(
    writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader
) -> None:
    """Each call in each of eight threads gives a whole frame, a figure, or an error that says what is the matter."""
    do = Reading(reader)
    tasks = (do.lease, do.lease, do.try_lease, do.copy, do.copy_into, do.copy_into, do.look, do.attach_anew)
    assert len(tasks) == THREADS
    with BusyStream(writer):
        all_at_once(*[unless(task, "Reader not attached.", "this reader already holds 3") for task in tasks])
    assert do.frames > ROUNDS // 4
    reader.detach()
    assert writer.readers() == []


class Writing:
    """What threads do with one writer: frames of two shapes and as many bytes, of colours that tell the shape."""

    def __init__(self, writer: SharedMemoryFrameWriter, shapes: list[tuple[int, int, int]]) -> None:
        self._writer = writer
        self._shapes = shapes

    def write(self, number: int) -> None:
        """A frame with strides, of a size that may be out of date."""
        self._writer.write_frame(np.full(self._shapes[number % 2], number % 256, np.uint8)[:, ::-1])

    def lend(self, number: int) -> None:
        """A frame in place, published or not."""
        with self._writer.loan() as slot:
            if slot is not None:
                slot.array[:] = self._shapes.index(slot.array.shape)
                if number % 3:
                    slot.publish()

    def reshape(self, number: int) -> None:
        """To one shape and back."""
        height, width, _ = self._shapes[number % 2]
        self._writer.reshape(width, height)

    def say(self, number: int) -> None:
        """What there is to say of the stream."""
        self._writer.set_status(f'{{"number": {number}}}')
        self._writer.set_state(State.LIVE)
        self._writer.count_captured()
        self._writer.tend()

    def look(self, _: int) -> None:
        """What there is to know of the stream."""
        self._writer.initialize()
        self._writer.notices()
        assert self._writer.get_stats()["initialized"]
        assert len(self._writer.readers()) <= 1
        assert self._writer.width in {WIDTH, HEIGHT}


def read_colours(reader: SharedMemoryFrameReader, shapes: list[tuple[int, int, int]], stop: threading.Event) -> int:
    """Reads frames until told to stop: each is to be of one colour, and in that colour's shape."""
    frames = 0
    while not stop.is_set():
        with suppress(TimeoutError), reader.lease(0.05) as frame:
            pixel = int(frame.array[0, 0, 0])
            assert (frame.array == pixel).all()
            assert frame.array.shape == shapes[pixel % 2]
            frames += 1
    return frames


def test_threads_use_every_method_of_one_writer(
    writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader
) -> None:
    """Eight threads publish, reshape and say things through one writer: every frame is one thread's, whole."""
    stop = threading.Event()
    do = Writing(writer, SHAPES)
    tasks = (do.write, do.write, do.write, do.lend, do.lend, do.reshape, do.say, do.look)
    assert len(tasks) == THREADS
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read_colours, reader, SHAPES, stop)
        try:
            all_at_once(*[unless(task, *WRITER_SAYS) for task in tasks], rounds=ROUNDS // 2)
        finally:
            stop.set()
        assert reading.result() > 0


def test_a_frame_is_published_in_its_own_shape(segment_name: str) -> None:
    """A frame with as many bytes as one of the shape that another thread has just gone over to is not taken for one."""
    shapes = [(480, 640, 3), (640, 480, 3)]
    stop = threading.Event()

    def write(do: Writing) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            unless(do.write, *WRITER_SAYS)(number)

    with (
        SharedMemoryFrameWriter(segment_name, 640, 480) as writer,
        SharedMemoryFrameReader(segment_name) as reader,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        do = Writing(writer, shapes)
        running = [pool.submit(write, do) for _ in range(THREADS - 2)]
        reading = pool.submit(read_colours, reader, shapes, stop)
        try:
            for number in range(ROUNDS // 2):
                do.reshape(number)
        finally:
            stop.set()
        for task in running:
            task.result()
        assert reading.result() > 0


def test_threads_share_one_frame(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """One frame, asked and left by eight threads at once: one array for all, or word that it is over; then no hold."""
    frames = {}

    def prepare(number: int) -> None:
        writer.write_frame(PICTURES[number % 256], number)
        frames[number + 1] = reader.lease(10)
        frames.pop(number - 1, None)

    def ask(number: int) -> None:
        if number == 0:
            return
        frame = frames[number]
        try:
            array = frame.array
        except RuntimeError as error:
            assert "was given back" in str(error)  # noqa: PT017 - often, and not always
        else:
            assert np.array_equal(array, PICTURES[frame.metadata.frame_number % 256])
            assert frame.metadata is frame.metadata

    def leave(number: int) -> None:
        if number % 3 == 1:
            with frames[number]:
                pass

    all_at_once(prepare, *[ask] * (THREADS - 2), leave)
    frames.clear()
    reader.detach()
    assert writer.readers() == []


def test_threads_share_one_slot(writer: SharedMemoryFrameWriter) -> None:
    """A slot is published once, whoever is first; from then on its array, whoever asked for it first, is read-only."""
    slots: list[Slot | None] = [None]
    stop = threading.Event()
    published = []
    rounds = ROUNDS * 10 if sysconfig.get_config_var("Py_GIL_DISABLED") else ROUNDS // 4

    def ask() -> None:
        while not stop.is_set():
            slot = slots[0]
            with suppress(RuntimeError, AttributeError):
                slot.array  # type: ignore[union-attr] # noqa: B018 - asked for, to be there when it is published

    def publish(slot: Slot, number: int) -> None:
        with suppress(RuntimeError):
            published.append((number, slot.publish(number).frame_number))

    with ThreadPoolExecutor(THREADS) as pool:
        asking = [pool.submit(ask) for _ in range(THREADS - 2)]
        try:
            for number in range(rounds):
                with writer.loan() as slot:
                    if slot is None:
                        continue  # without a GIL, what other threads have let go of may be a while in going
                    slots[0] = slot
                    if number % 20 == 0:
                        for attempt in [pool.submit(publish, slot, number) for _ in range(2)]:
                            attempt.result()
                    else:
                        publish(slot, number)
                    assert not slot.array.flags.writeable
                    slots[0] = None
                del slot
        finally:
            stop.set()
        for thread in asking:
            thread.result()
    numbers = [number for number, _ in published]
    assert published == [(number, number) for number in numbers]
    assert numbers == sorted(set(numbers))
    assert len(numbers) > rounds // 2


def test_a_wait_in_one_thread_holds_nothing_of_another(
    writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader
) -> None:
    """What one thread leases and leaves is let go of at once, though another waits on the handle before and after."""
    waits = threading.Event()

    def wait() -> int:
        first = reader.lease(10).metadata.frame_number
        waits.set()
        with reader.lease(30) as frame:
            return frame.metadata.frame_number - first

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait)
        writer.write_frame(PICTURES[0], 0)
        assert waits.wait(10)
        number = 0
        while not waiting.done() or number < 20:
            number += 1
            writer.write_frame(PICTURES[number % 256], number)
            frame = reader.try_lease()  # this thread is nearly always the first: the other has to wake up
            if frame is not None:
                with frame:
                    assert is_whole(frame)
                del frame
            assert sum(figures.held for figures in writer.readers()) <= 1
        assert waiting.result() >= 1

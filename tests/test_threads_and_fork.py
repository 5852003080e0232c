"""Handles in several threads, and in the child of a process that forks."""

import os
import select
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from billiards_video import SharedMemoryFrameReader, SharedMemoryFrameWriter
from peer_process import PeerError, PeerProcess
from small_stream import HEIGHT, WIDTH, held, picture
from whole_program import result, start

FULL = os.environ.get("BILLIARDS_VIDEO_SOUNDNESS") == "full"
FORKED = "RuntimeError: this handle belongs to the parent process: after a fork, attach anew in the child"

IN_CHILD = """
def in_child(*calls):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        answers = []
        for call in calls:
            try:
                answers.append(call())
            except Exception as error:
                answers.append(f"{type(error).__name__}: {error}")
        os.write(write, repr(answers).encode())
        os._exit(0)
    os.close(write)
    with open(read) as answers:
        text = answers.read()
    assert os.waitpid(pid, 0) == (pid, 0)
    return eval(text)

def fork_child_that_waits(fifo):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(write, b"I run")
        open(fifo).close()
        os._exit(0)
    os.read(read, 5)
    return pid
"""


def test_threads_share_a_reader(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """Many threads on one handle: each frame goes to one of them, whole, however they read; nothing stays held."""
    frames = 300
    counted = threading.Semaphore(0)
    seen: list[int] = []

    def check(number: int, array: NDArray[np.uint8]) -> None:
        np.testing.assert_array_equal(picture(number), array)
        seen.append(number)
        counted.release()

    def read(turn: int) -> None:
        out = np.empty((HEIGHT, WIDTH, 3), np.uint8)
        while len(seen) < frames:
            if turn % 3 == 0:
                try:
                    with reader.lease(0.05) as frame:
                        check(frame.metadata.frame_number, frame.array)
                except TimeoutError:
                    pass
            else:
                array, metadata = reader.wait_for_frame(0.05, None if turn % 3 == 1 else out)
                if array is not None and metadata is not None:
                    check(metadata.frame_number, array)

    with ThreadPoolExecutor(3) as pool:
        reading = [pool.submit(read, turn) for turn in range(3)]
        for number in range(frames):
            assert writer.write_frame(picture(number), number)
            assert counted.acquire(timeout=10)
        for task in reading:
            task.result(10)
    assert sorted(seen) == list(range(frames))
    assert held(writer) == 0


def test_threads_share_a_writer(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """Many threads on one writer: no frame is lost or mixed; one that finds a loan open is told so."""

    def write(value: int) -> int:
        written = 0
        while written < 200:
            try:
                if value % 2:
                    with writer.loan() as slot:
                        assert slot is not None
                        slot.array[:] = value
                        slot.publish()
                else:
                    writer.write_frame(np.full((HEIGHT, WIDTH, 3), value, np.uint8)[:, ::-1])
                written += 1
            except RuntimeError as error:
                assert str(error).startswith("a loan is already open")  # noqa: PT017 - often, and not always
        return written

    with ThreadPoolExecutor(4) as pool:
        tasks = [pool.submit(write, value) for value in range(4)]
        while not all(task.done() for task in tasks):
            frame, _ = reader.wait_for_frame(0.05)
            assert frame is None or (frame == frame[0, 0, 0]).all()
        assert sum(task.result() for task in tasks) == 800
    assert writer.get_stats()["frames_written"] == 800


def test_a_waiting_thread_lets_the_others_run(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """A thread that waits for a frame does not keep the GIL: the one that publishes it comes to its turn."""
    with ThreadPoolExecutor(1) as pool:
        for wait in (reader.lease, reader.wait_for_frame, reader.wait_newer):
            waiting = pool.submit(wait, 30)
            writer.write_frame(picture(0))
            assert waiting.result(10)
            reader.read_frame()


def test_a_signal_s_handler_may_use_the_handle_that_waits(segment_name: str) -> None:
    """In the middle of a wait a handler reads, and detaches, in the same thread: no call waits for itself."""
    with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT) as writer, PeerProcess() as peer:
        peer.run("import signal")
        peer.run(f"reader = SharedMemoryFrameReader({segment_name!r}); reader.attach()")
        peer.run(
            "def read(*_):\n"
            "    assert not reader.wait_newer(0) and reader.try_lease() is None\n"
            "    assert reader.read_frame() == (None, None)\n"
            "    say((reader.width, reader.status()))\n"
            "def detach(*_):\n"
            "    reader.detach()\n"
            "    say('detached')\n"
            "_ = signal.signal(signal.SIGUSR1, read), signal.signal(signal.SIGUSR2, detach)"
        )
        peer.tell("say('waits'); reader.lease(30).metadata.frame_number")
        assert peer.answer() == "waits"
        for _ in range(3):
            peer.signal(signal.SIGUSR1)
            assert peer.answer() == (WIDTH, {})
        writer.write_frame(picture(0), 6)
        assert peer.answer() == 6
        peer.tell("say('waits'); reader.lease(30)")
        assert peer.answer() == "waits"
        peer.signal(signal.SIGUSR2)
        assert peer.answer() == "detached"
        with pytest.raises(PeerError, match="Reader not attached"):
            peer.answer()
        assert writer.readers() == []


def test_threads_do_not_wait_for_each_other_for_ever(writer: SharedMemoryFrameWriter) -> None:
    """Thousands of short waits and looks on one handle, in turn: no thread keeps what another is to give."""
    program = """
        import sys, time
        sys.setswitchinterval(1e-5)
        end = time.monotonic() + float(sys.stdin.readline())
        def wait():
            while time.monotonic() < end:
                try:
                    reader.lease(1e-5)
                except TimeoutError:
                    pass
        def look():
            while time.monotonic() < end:
                assert all(reader.is_attached for _ in range(100))
        threads = [threading.Thread(target=target) for target in [wait] * 5 + [look] * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    """
    process = start(program, writer.name)
    assert process.stdin is not None
    process.stdin.write(f"{20 if FULL else 1}\n")
    process.stdin.flush()
    assert result(process) == ("", 0, "")


def test_attach_and_detach_while_others_read(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """A handle that is detached and attached again, over and over, gives its other threads frames or a clear error."""
    stop = threading.Event()

    def read() -> int:
        seen = 0
        while not stop.is_set():
            try:
                with reader.lease(0.01) as frame:
                    assert (frame.array == frame.array[0, 0, 0]).all()
                    seen += 1
            except TimeoutError:
                pass
            except RuntimeError as error:
                assert str(error) == "Reader not attached. Call attach() first."  # noqa: PT017 - often, and not always
        return seen

    with ThreadPoolExecutor(3) as pool:
        tasks = [pool.submit(read) for _ in range(3)]
        for value in range(200):
            writer.write_frame(np.full((HEIGHT, WIDTH, 3), value, np.uint8))
            reader.detach()
            reader.attach()
        writer.write_frame(np.full((HEIGHT, WIDTH, 3), 1, np.uint8))
        stop.set()
        for task in tasks:
            task.result(10)
    reader.detach()
    assert writer.readers() == []


def test_handles_raise_in_a_forked_child(segment_name: str) -> None:
    """In the child every method that needs the stream raises and says what to do; a new handle works there."""
    with PeerProcess() as peer:
        peer.run(IN_CHILD)
        peer.run(f"writer = SharedMemoryFrameWriter({segment_name!r}, 64, 48); writer.initialize()")
        peer.run(f"reader = SharedMemoryFrameReader({segment_name!r}); reader.attach()")
        peer.run("frame = np.zeros((48, 64, 3), np.uint8); writer.write_frame(frame, 5)")
        reading = ["attach", "lease", "try_lease", "read_frame", "wait_for_frame", "wait_newer", "status_text"]
        looking = ["width", "frame_format", "state", "counters", "epoch", "path", "writer_pid", "is_observer"]
        calls = [
            *(f"reader.{method}" for method in reading),
            *(f"lambda: reader.{attribute}" for attribute in looking),
            "lambda: next(reader.frames())",
            "lambda: writer.write_frame(frame)",
            "lambda: writer.loan().__enter__()",
            "lambda: writer.reshape(8, 8)",
            "lambda: writer.set_state(State.LIVE)",
            "lambda: writer.set_status('{}')",
            *(
                f"writer.{method}"
                for method in ("initialize", "tend", "notices", "readers", "get_stats", "count_dropped")
            ),
        ]
        assert peer.run(f"in_child({', '.join(calls)})") == [FORKED] * len(calls)
        peer.run(
            f"def anew():\n with SharedMemoryFrameReader({segment_name!r}) as r: return r.lease().metadata.frame_number"
        )
        assert peer.run("in_child(anew)") == [5]
        assert peer.run("reader.lease().metadata.frame_number") == 5
        assert peer.end() == 0


def test_a_child_s_end_leaves_the_parent_s_stream_alone(segment_name: str) -> None:
    """Handles, frames and loans that go in the child end neither the parent's stream nor its holds nor its loan."""
    with PeerProcess() as peer:
        peer.run(IN_CHILD)
        peer.run(f"writer = SharedMemoryFrameWriter({segment_name!r}, 64, 48); writer.initialize()")
        peer.run(f"reader = SharedMemoryFrameReader({segment_name!r}); reader.attach()")
        peer.run("writer.write_frame(np.full((48, 64, 3), 9, np.uint8), 1); held = reader.lease(); array = held.array")
        peer.run("loan = writer.loan(); slot = loan.__enter__(); slot.array[:] = 4")
        peer.run(
            "import gc\n"
            "def end():\n"
            "    global writer, reader, held, array, loan, slot\n"
            "    same = bool((array == 9).all())\n"
            "    loan.__exit__(None, None, None); writer.cleanup(); reader.detach()\n"
            "    del writer, reader, held, array, loan, slot\n"
            "    gc.collect()\n"
            "    return same\n"
        )
        assert peer.run("in_child(end)") == [True]
        assert peer.run("[figures.held for figures in writer.readers()]") == [1]
        assert peer.run("slot.publish(2).frame_number") == 2
        with SharedMemoryFrameReader(segment_name) as reader:
            frame, metadata = reader.read_frame()
            assert frame is not None
            assert metadata is not None
            assert (metadata.frame_number, frame.max()) == (2, 4)
            assert peer.run("for n in range(3, 30): assert writer.write_frame(np.zeros_like(array), n)") is None
            assert peer.run("bool((array == 9).all())") is True
        assert peer.run("del loan; writer.cleanup()") is None
        assert peer.end() == 0


@pytest.mark.parametrize("side", ["reader", "writer"])
def test_a_parent_s_death_is_seen_while_its_child_lives(segment_name: str, side: str, tmp_path: Path) -> None:
    """A forked child keeps neither its parent's holds nor its parent's stream alive: the parent is killed, and gone."""
    fifo = tmp_path / "end"
    os.mkfifo(fifo)
    with PeerProcess() as peer, PeerProcess() as other:
        publishing, reading = (other, peer) if side == "reader" else (peer, other)
        publishing.run(f"writer = SharedMemoryFrameWriter({segment_name!r}, 64, 48, max_buffers=3)")
        publishing.run("writer.initialize()")
        reading.run(f"reader = SharedMemoryFrameReader({segment_name!r}); reader.attach(); kept = []")
        for number in range(3):
            publishing.run(f"writer.write_frame(np.zeros((48, 64, 3), np.uint8), {number})")
            reading.run("kept.append(reader.lease().array)")
        peer.run(IN_CHILD)
        child = os.pidfd_open(peer.run(f"fork_child_that_waits({str(fifo)!r})"))
        peer.kill()
        if side == "reader":
            assert other.run("writer.readers()") == []
            assert other.run("writer.write_frame(np.zeros((48, 64, 3), np.uint8), 3)") is True
            assert other.end() == 0
        else:
            assert other.run("reader.writer_alive") is False
            with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT) as writer:
                writer.write_frame(picture(0), 70)
                other.run("kept.clear()")
                assert other.run("reader.wait_for_frame(10)[1].frame_number") == 70
        signal.pidfd_send_signal(child, 0)  # it lives: were it gone, this would raise
        fifo.open("w", encoding="ascii").close()
        assert select.select([child], [], [], 10) == ([child], [], [])
        os.close(child)


def test_a_fork_beside_a_busy_thread_does_not_hang(segment_name: str) -> None:
    """Forked while another thread is in the middle of publishing, the child raises, and does not wait for ever."""
    with PeerProcess() as peer:
        peer.run(IN_CHILD)
        peer.run("import threading, warnings; warnings.simplefilter('ignore', DeprecationWarning)")
        peer.run(f"writer = SharedMemoryFrameWriter({segment_name!r}, 1920, 1080); writer.initialize()")
        peer.run("frame = np.zeros((1080, 1920, 3), np.uint8); stop = threading.Event()")
        peer.run("def publish():\n    while not stop.is_set():\n        writer.write_frame(frame)")
        peer.run("thread = threading.Thread(target=publish); thread.start()")
        answers = peer.run(
            "[in_child(lambda: writer.write_frame(frame), writer.get_stats, writer.cleanup) for _ in range(50)]"
        )
        assert answers == [[FORKED, FORKED, None]] * 50
        assert peer.run("stop.set(); thread.join(); writer.get_stats()['frames_written']") > 0
        peer.run("writer.cleanup()")
        assert peer.end() == 0

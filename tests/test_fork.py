"""Processes that fork, as `multiprocessing` does by default before Python 3.14: what is held is the parent's alone."""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from billiards_video import SharedMemoryFrameReader, SharedMemoryFrameWriter
from busy_stream import MANY, BusyStream, is_whole, publish
from peer_process import PeerProcess
from small_stream import HEIGHT, WIDTH, held
from whole_program import result, start

REFUSAL = "this handle belongs to the parent process: after a fork, attach anew in the child"


@pytest.fixture
def stream(segment_name: str) -> Iterator[SharedMemoryFrameWriter]:
    """A writer with as many buffers as three holds need, and no more."""
    with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT, max_buffers=5) as writer:
        yield writer


@contextmanager
def holding(writer: SharedMemoryFrameWriter) -> Iterator[PeerProcess]:
    """A process that holds three buffers of the stream, all that a handle may."""
    with PeerProcess() as parent:
        parent.run(f"import multiprocessing; from forking_reader import *; attach({writer.name!r})")
        for number in range(3):
            publish(writer, 1, number)
            parent.run("keep()")
        yield parent


@contextmanager
def lives(pid: int) -> Iterator[int]:
    """A descriptor of a process that is no child of ours; it is killed, if need be, when the block is left."""
    process = os.pidfd_open(pid)
    try:
        yield process
    finally:
        if not has_ended(process, 0):
            signal.pidfd_send_signal(process, signal.SIGKILL)
            assert has_ended(process, 10)
        os.close(process)


def has_ended(process: int, within: float) -> bool:
    """Whether a process ends within so many seconds."""
    return bool(select.select([process], [], [], within)[0])


def are_free(writer: SharedMemoryFrameWriter) -> None:
    """Holds as much as the stream has room for, and sees that no frame is dropped for want of a buffer."""
    with SharedMemoryFrameReader(writer.name) as reader:
        kept = []
        for number in range(3):
            publish(writer, 1, number)
            kept.append(reader.lease())
        publish(writer, MANY)
        assert all(map(is_whole, kept))


@pytest.mark.parametrize("kind", ["process", "pool"])
def test_a_killed_parent_s_holds_end_while_its_child_lives(
    stream: SharedMemoryFrameWriter, tmp_path: Path, kind: str
) -> None:
    """A child that has inherited everything and does nothing keeps nothing of its parent alive: killed is killed."""
    fifo, said = tmp_path / "end", tmp_path / "said"
    os.mkfifo(fifo)
    with holding(stream) as parent, ExitStack() as stack:
        arguments = (str(fifo), str(said))
        if kind == "process":
            parent.run(f"FORK.Process(target=wait_and_look, args={arguments}).start()")
        else:
            parent.run(f"pool = FORK.Pool(1); _ = pool.apply_async(wait_and_look, {arguments})")
        (pid,) = parent.run("[child.pid for child in multiprocessing.active_children()]")
        child = stack.enter_context(lives(pid))
        end = fifo.open("w", encoding="ascii")  # waits until the child does nothing else
        publish(stream, MANY)
        assert parent.run("are_whole()") is True
        assert held(stream) == 3
        parent.kill()
        assert stream.readers() == []
        are_free(stream)
        stream.cleanup()
        assert not has_ended(child, 0)
        end.close()
        assert has_ended(child, 10)
    # What it inherited is not held for it; it is there to be read, and no crash.
    assert int(said.read_text(encoding="ascii")) == 3 * HEIGHT * WIDTH * 3


def test_a_pool_s_workers_are_readers_of_their_own(writer: SharedMemoryFrameWriter) -> None:
    """Workers of a forked `Pool` are refused the parent's handle and read by their own, whose end ends nothing else."""
    with holding(writer) as parent, BusyStream(writer):
        parent.run("pool = FORK.Pool(2)")
        assert parent.run("pool.map(inherited, range(4), 1)") == [REFUSAL] * 4
        assert parent.run("pool.map(anew, range(20), 1)") == [True] * 20
        parent.run("pool.close(); pool.join()")
        assert parent.run("are_whole()") is True
        assert held(writer) == 3
        parent.run("pool = FORK.Pool(2); _ = pool.map_async(anew, range(1000), 1); pool.terminate(); pool.join()")
        assert parent.run("are_whole()") is True
        assert held(writer) == 3
        assert parent.end() == 0
    assert writer.readers() == []


def test_a_parent_of_a_parent_is_no_parent(writer: SharedMemoryFrameWriter) -> None:
    """A child that attaches anew and forks again is to its own child what its parent is to it."""
    with holding(writer) as parent, BusyStream(writer):
        parent.run("ours, theirs = FORK.Pipe()")
        parent.run("child = FORK.Process(target=be_a_parent, args=(theirs,)); child.start()")
        assert parent.run("ours.recv()") == [REFUSAL, REFUSAL, True, True, True, True]
        assert parent.run("child.join(); child.exitcode") == 0
        assert held(writer) == 3
        assert parent.run("are_whole()") is True


def test_children_end_in_every_way(writer: SharedMemoryFrameWriter) -> None:
    """However a child ends, with all that it has inherited: not a word, and the parent's frames are held and whole."""
    program = """
        import signal
        kept = [reader.lease(10) for _ in range(3)]; arrays = [frame.array[::2] for frame in kept]
        writer = SharedMemoryFrameWriter(name + "-own", 64, 48); writer.initialize()
        loan = writer.loan(); slot = loan.__enter__(); lent = slot.array
        own = SharedMemoryFrameReader(name + "-own"); own.attach()
        def collect():
            global kept, arrays, reader, writer, loan, slot, lent, own
            del kept, arrays, reader, writer, loan, slot, lent, own
            gc.collect()
        def leave():
            loan.__exit__(None, None, None); writer.__exit__(None, None, None); reader.__exit__(None, None, None)
            with kept[0]:
                pass
        ends = [sys.exit, lambda: os._exit(0), lambda: os.kill(os.getpid(), signal.SIGKILL), collect, leave]
        for end in ends:
            child = os.fork()
            if child == 0:
                end()
                sys.exit()
            _, status = os.waitpid(child, 0)
            assert status == (signal.SIGKILL if end is ends[2] else 0), (status, end)
            assert all(map(is_whole, kept))
            assert writer.get_stats()["initialized"]
        lent[:] = 9
        slot.publish(5)
        assert own.lease(10).metadata.frame_number == 5
        os.write(1, b"whole"); sys.stdin.read()
        writer.cleanup()
    """
    with BusyStream(writer):
        process = start(program, writer.name)
        assert process.stdout is not None
        assert process.stdout.read(5) == "whole"
        assert held(writer) == 3
        assert result(process) == ("", 0, "")
    assert writer.readers() == []


def test_a_fork_beside_busy_threads_does_not_hang(writer: SharedMemoryFrameWriter) -> None:
    """Forked while other threads are in the middle of a reader's calls, the child is refused, and does not wait."""
    program = """
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        stop = False
        def look():
            while not stop:
                assert all(reader.is_attached for _ in range(200))
                reader.wait_newer(0)
        def lease():
            while not stop:
                with reader.lease(10) as frame:
                    assert is_whole(frame)
        threads = [threading.Thread(target=target) for target in (look, look, lease)]
        for thread in threads:
            thread.start()
        for _ in range(20):
            child = os.fork()
            if child == 0:
                try:
                    reader.lease(10)
                except RuntimeError as error:
                    reader.detach()
                    os._exit("after a fork" in str(error))
                os._exit(2)
            _, status = os.waitpid(child, 0)
            assert os.waitstatus_to_exitcode(status) == 1, status
        stop = True
        for thread in threads:
            thread.join()
    """
    with BusyStream(writer):
        assert result(start(program, writer.name)) == ("", 0, "")
    assert writer.readers() == []

"""A Python that ends, in order or not, with frames, threads and handles in every state: quietly, and without a trace.

Every program here runs beside a writer that publishes thousands of frames a second, with `faulthandler` on and warnings
as errors, and is to end with its exit code and not a word on standard error. Meanwhile its frames' pixels are compared.
"""

import os
from collections.abc import Iterator

import pytest

from billiards_video import SharedMemoryFrameWriter
from busy_stream import BusyStream
from small_stream import HEIGHT, WIDTH
from whole_program import result, start

FULL = os.environ.get("BILLIARDS_VIDEO_SOUNDNESS") == "full"

pytestmark = pytest.mark.timeout(900 if FULL else 60)

PROGRAMS = {
    "globals of every kind": """
        frame = reader.lease(10); array = frame.array; view = array.data; rows = array[::2]
        other = SharedMemoryFrameReader(name); other.attach()
        kept = [other.lease(10) for _ in range(3)]; other.detach()
        assert is_whole(frame) and all(map(is_whole, kept))
        with SharedMemoryFrameReader(name) as left:
            of_left = left.lease(10).array
        frames = reader.frames(); copied, metadata = next(frames)
        assert (copied == PICTURES[metadata.frame_number % 256]).all()
        def hold():
            with reader.lease(10) as frame:
                yield frame.array
        holding = hold(); held = next(holding)
        by_observer = SharedMemoryFrameReader(name, observe=True); by_observer.attach(); copy = by_observer.lease(10)
    """,
    "sys.exit inside a lease": """
        with reader.lease(10) as frame:
            array = frame.array
            assert is_whole(frame)
            sys.exit(0)
    """,
    "sys.exit in a thread": """
        def end():
            global array
            array = reader.lease(10).array
            sys.exit(5)
        thread = threading.Thread(target=end); thread.start(); thread.join()
        assert array.any()
    """,
    "os._exit": """
        frame = reader.lease(10); array = frame.array
        threading.Thread(target=reader.lease, args=(10,), daemon=True).start()
        os._exit(0)
    """,
    "an atexit handler that reads": """
        first = reader.lease(10); pixels = first.array.tobytes()
        @atexit.register
        def last():
            second = reader.lease(10)
            assert is_whole(second) and is_whole(first) and first.array.tobytes() == pixels
            reader.detach()
            assert is_whole(second) and is_whole(first)
            os.write(1, b"read at exit")
    """,
    "__del__ when modules are taken apart": """
        class Last:
            def __init__(self):
                self.frame = reader.lease(10); self.reader = reader; self.write = os.write
                self.array = self.frame.array
                self.expected = PICTURES[self.frame.metadata.frame_number % 256].tobytes()
            def __del__(self):
                same = self.array.tobytes() == self.expected == self.frame.array.tobytes()
                with self.reader.lease(10) as frame:
                    more = frame.metadata.frame_number > self.frame.metadata.frame_number
                self.reader.detach()
                self.write(1, b"deleted in order" if same and more else b"WRONG")
        last = Last()
        sys.modules["kept by nobody else"] = last
    """,
    "cycles that the last collection finds": """
        gc.disable()
        class Node:
            def __del__(self):
                self.write(1, b"." if self.array.tobytes() == self.expected else b"WRONG")
        for _ in range(3):
            node = Node(); node.frame = reader.lease(10); node.array = node.frame.array[:]; node.write = os.write
            node.expected = PICTURES[node.frame.metadata.frame_number % 256].tobytes()
            node.itself = [node, node.frame, reader]
        del node
    """,
    "async for left by return": """
        async def main():
            async for array, metadata in reader:
                assert (array == PICTURES[metadata.frame_number % 256]).all()
                if metadata.frame_number % 5 == 0:
                    return
        asyncio.run(main())
    """,
    "async for left by sys.exit": """
        async def main():
            async for array, metadata in reader:
                sys.exit(0)
        asyncio.run(main())
    """,
    "async for in tasks that never end": """
        async def read():
            async for array, metadata in reader:
                assert (array == PICTURES[metadata.frame_number % 256]).all()
        async def main():
            tasks = [asyncio.create_task(read()) for _ in range(3)]
            await asyncio.sleep(0.02)
        asyncio.run(main())
    """,
    "daemon threads that wait for what never comes": """
        silent = SharedMemoryFrameWriter(name + "-silent", 64, 48); silent.initialize()
        other = SharedMemoryFrameReader(name + "-silent"); other.attach()
        absent = SharedMemoryFrameReader(name + "-absent")
        for wait in (other.lease, other.wait_for_frame, other.wait_newer, absent.attach):
            threading.Thread(target=wait, args=(None,), daemon=True).start()
        threading.Thread(target=next, args=(other.frames(),), daemon=True).start()
        atexit.register(silent.cleanup)
    """,
}
SAID = {
    "an atexit handler that reads": "read at exit",
    "__del__ when modules are taken apart": "deleted in order",
    "cycles that the last collection finds": "...",
}

# What a daemon thread is in the middle of when the interpreter goes is chance: this is repeated.
DAEMONS = """
import random
def lease():
    while True:
        with reader.lease(10) as frame:
            assert is_whole(frame)
def keep():
    kept = []
    while True:
        frame = own.lease(10); kept.append((frame.array, PICTURES[frame.metadata.frame_number % 256]))
        assert all((array == expected).all() for array, expected in kept)
        del frame, kept[:-2]
def frames():
    for array, metadata in reader.frames():
        assert (array == PICTURES[metadata.frame_number % 256]).all()
def copy():
    out = np.empty((48, 64, 3), np.uint8)
    while True:
        reader.wait_for_frame(10, out); reader.read_frame(); reader.counters; reader.state
def look():
    while True:
        reader.wait_newer(10); reader.status_text()
def attach():
    while True:
        with SharedMemoryFrameReader(name) as short:
            short.lease(10)
def publish():
    while True:
        with writer.loan() as slot:
            slot.array[:] = 7
            slot.publish()
        writer.write_frame(PICTURES[0])
        mine.read_frame()
own = SharedMemoryFrameReader(name); own.attach()
writer = SharedMemoryFrameWriter(name + "-own-" + str(os.getpid()), 64, 48); writer.initialize()
mine = SharedMemoryFrameReader(writer.name); mine.attach()
for target in (lease, keep, frames, copy, look, attach, publish):
    threading.Thread(target=target, daemon=True).start()
threading.Event().wait(random.uniform(0, 0.05))
"""

SUBINTERPRETERS = """
try:
    import _interpreters as interpreters
    kinds = [lambda: interpreters.create("isolated"), lambda: interpreters.create("legacy")]
except ImportError:
    import _xxsubinterpreters as interpreters
    kinds = [lambda: interpreters.create(isolated=True), lambda: interpreters.create(isolated=False)]
attempt = '''
import os
try:
    from billiards_video import SharedMemoryFrameReader
except ImportError as error:
    os.write(1, f"{error};".encode())
'''
for create in kinds * 2:
    interpreter = create()
    raised = interpreters.run_string(interpreter, attempt)
    assert raised is None, raised
    with reader.lease(10) as frame:
        assert is_whole(frame)
    interpreters.destroy(interpreter)
frame = reader.lease(10)
assert is_whole(frame)
"""


@pytest.fixture
def busy(writer: SharedMemoryFrameWriter) -> Iterator[SharedMemoryFrameWriter]:
    """A writer that publishes thousands of frames a second."""
    with BusyStream(writer):
        yield writer


@pytest.mark.parametrize("what", PROGRAMS)
def test_it_ends_in_order(busy: SharedMemoryFrameWriter, what: str) -> None:
    """Exit code 0, nothing said, and nothing held: whatever was alive when the interpreter ended."""
    assert result(start(PROGRAMS[what], busy.name)) == ("", 0, SAID.get(what, ""))
    assert busy.readers() == []


def test_daemon_threads_are_cut_off_in_order(busy: SharedMemoryFrameWriter) -> None:
    """Daemon threads in the middle of every kind of call: the interpreter goes, and they are not heard of again."""
    for _ in range(25 if FULL else 1):
        processes = [start(DAEMONS, busy.name) for _ in range(4)]
        try:
            assert [result(process) for process in processes] == [("", 0, "")] * len(processes)
            assert busy.readers() == []
        finally:
            for process in processes:
                # Where a writer's thread is cut off, the stream stays as a killed one's does: the next one cleans up.
                with SharedMemoryFrameWriter(f"{busy.name}-own-{process.pid}", WIDTH, HEIGHT):
                    pass


def test_an_uncaught_exception_ends_with_its_traceback_alone(busy: SharedMemoryFrameWriter) -> None:
    """A frame among the variables of a failing program changes nothing of how it fails."""
    program = """
        def fail():
            array = reader.lease(10).array
            raise LookupError(array.shape)
        fail()
    """
    errors, code, output = result(start(program, busy.name))
    assert (code, output) == (1, "")
    assert errors.startswith("Traceback (most recent call last):\n")
    assert errors.endswith(f"\nLookupError: ({HEIGHT}, {WIDTH}, 3)\n")
    assert errors.count("Traceback") == 1
    assert busy.readers() == []


def test_a_subinterpreter_is_told_that_it_cannot(busy: SharedMemoryFrameWriter) -> None:
    """In a subinterpreter the import is one clear ImportError; the interpreter that has the package reads on."""
    errors, code, output = result(start(SUBINTERPRETERS, busy.name))
    assert (errors, code) == ("", 0)
    refusal = "module billiards_video._core does not support loading in subinterpreters"
    assert [text.startswith(refusal) for text in output.split(";")] == [*[True] * 4, False], output
    assert busy.readers() == []

"""A process that holds frames and forks, and what its children are to find: for a `PeerProcess`, which imports this."""

import multiprocessing
import os
from multiprocessing.connection import Connection

from billiards_video import Frame, SharedMemoryFrameReader
from busy_stream import is_whole

FORK = multiprocessing.get_context("fork")

_reader = SharedMemoryFrameReader("not-attached")
_kept: list[Frame] = []


def attach(name: str) -> None:
    """Attaches, in this process, for it and its children."""
    global _reader  # noqa: PLW0603 - a module's variables are what a forked child inherits
    _reader = SharedMemoryFrameReader(name, reader_name="forks")
    _reader.attach()


def keep() -> None:
    """Holds the next frame."""
    _kept.append(_reader.lease(10))


def are_whole() -> bool:
    """Whether what is held shows the pixels it did."""
    return all(is_whole(frame) for frame in _kept)


def inherited(_: int = 0) -> str:
    """What the inherited handle says."""
    try:
        return repr(_reader.lease(10))
    except RuntimeError as error:
        return str(error)


def anew(_: int = 0) -> bool:
    """Whether a handle of one's own gives a whole frame."""
    with SharedMemoryFrameReader(_reader.name) as own, own.lease(10) as frame:
        return is_whole(frame)


def wait_and_look(fifo: str, said: str) -> None:
    """Does nothing until the other side closes the FIFO; reads what it has inherited, and says how many bytes it is."""
    with open(fifo, encoding="ascii") as end:  # noqa: PTH123 - nothing else is to happen in this child
        end.read()
    with open(said, "w", encoding="ascii") as file:  # noqa: PTH123 - likewise
        file.write(str(sum(len(frame.array.tobytes()) for frame in _kept)))
    os._exit(0)


def be_a_parent(answers: Connection) -> None:
    """Attaches anew, holds, and forks in its turn; sends what it and its child found."""
    found: list[object] = [inherited()]
    attach(_reader.name)
    _kept[:] = [_reader.lease(10)]
    with FORK.Pool(1) as pool:
        found += [*pool.map(inherited, range(1)), *pool.map(anew, range(2))]
    answers.send([*found, are_whole(), anew()])

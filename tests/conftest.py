"""What every test may ask for. Kept small: what only one file needs stands in that file."""

import os
import secrets
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from billiards_video import SharedMemoryFrameReader, SharedMemoryFrameWriter
from small_stream import HEIGHT, WIDTH

# A shell without job control makes what it starts in the background ignore Ctrl-C, and all that comes of it inherits
# that. Tests press Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)


def _segment_directories() -> list[Path]:
    """The directories in which the bus may put a segment's files, in its order of preference."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return [
        Path("/dev/shm"),  # noqa: S108 - the real one is what is looked at
        *([Path(runtime) / "billiards_video"] if runtime else []),
        Path(tempfile.gettempdir()) / f"billiards_video-{os.getuid()}",
    ]


@pytest.fixture
def segment_name() -> Iterator[str]:
    """Gives a name that no other test has, and fails where a file of that name, or of one that begins with it, is left.

    A test that wants several names appends to this one. Whatever it started must have ended by the time it returns.
    """
    name = f"test-{os.getpid()}-{secrets.token_hex(4)}"
    yield name
    left = sorted(path for directory in _segment_directories() for path in directory.glob(f"{name}*"))
    for path in left:
        path.unlink()
    assert left == [], f"the test left files of its segment behind: {left}"


@pytest.fixture
def writer(segment_name: str) -> Iterator[SharedMemoryFrameWriter]:
    """An initialized writer of small BGR frames."""
    with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT) as writer:
        yield writer


@pytest.fixture
def reader(writer: SharedMemoryFrameWriter) -> Iterator[SharedMemoryFrameReader]:
    """A reader of that writer."""
    with SharedMemoryFrameReader(writer.name, reader_name="under test") as reader:
        yield reader

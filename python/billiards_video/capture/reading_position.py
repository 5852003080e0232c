"""How far a file has been read by whoever holds a descriptor of it in this process, as the kernel knows it.

A decoder that refuses one frame after the other tells nothing of where it is. That it still reads tells that this is
not the end.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


class ReadingPosition:
    """The position of descriptors that were opened since this object was made, of one file, in bytes.

    `device` and `inode` are the file's. Where the kernel does not tell, the position is None, and stays it.
    """

    def __init__(self, device: int, inode: int) -> None:
        self._file = (device, inode)
        self._others = _descriptors(self._file)
        self._mine: set[str] | None = None

    def get(self) -> int | None:
        """Where the next byte would be read."""
        if self._mine is None:
            self._mine = _descriptors(self._file) - self._others
        positions = []
        for descriptor in self._mine:
            with suppress(OSError):
                positions.append(int(Path("/proc/self/fdinfo", descriptor).read_bytes().split()[1]))
        return max(positions, default=None)


def _descriptors(file: tuple[int, int]) -> set[str]:
    found = set()
    with suppress(OSError):
        for descriptor in Path("/proc/self/fd").iterdir():
            with suppress(OSError):  # the one that lists is gone by now
                facts = descriptor.stat()
                if (facts.st_dev, facts.st_ino) == file:
                    found.add(descriptor.name)
    return found

"""A reader of the system that this one replaces: the header's first bytes, and nothing but the standard library.

`python -I -S tests/old_reader.py mmap NAME` maps the segment read-only; `shared_memory` attaches as
`multiprocessing.shared_memory` does. It then does what its standard input says, and answers each line with one of JSON:

    open        attaches by the name, anew if it had
    look        what the header says, and a digest of the frame that it names
    poll N      polls the write counter until it has seen N whole frames; says how it came to them

It holds nothing, and nobody waits for it. What it may count on is that the header names a whole frame: so a copy is
good if the header was the same before it and after it, and thrown away if it was not.
"""

import hashlib
import json
import mmap
import os
import struct
import sys
from multiprocessing import resource_tracker, shared_memory
from typing import NamedTuple

LAYOUT = struct.Struct("QIIIIIQIIQQQQII")
RESERVED = slice(88, 252)
FIRST_BUFFER = 4096
WALL_NS = (1_700_000_000_000_000_000, 1_000_000_007)
"""For `poll`: the capture time of frame 0, and how much later that of each other is than its predecessor's."""


class Header(NamedTuple):
    """The header's fields."""

    magic: int
    version: int
    buffer_count: int
    width: int
    height: int
    format: int
    bytes_per_frame: int
    write_index: int
    read_index: int
    write_counter: int
    frame_number: int
    timestamp_sec: int
    timestamp_nsec: int
    writer_pid: int
    reader_count: int


class Polled:
    """What polling came to: how many copies were whole, and how many the writer overtook.

    `ahead` counts a moment that the old system had too: the writer stores number and time before index and counter, so
    whoever looks in between, at a writer that has lost its processor there, sees them with the frame before.
    """

    def __init__(self) -> None:
        self.whole, self.overtaken, self.ahead = 0, 0, 0
        self.torn: list[str] = []


class OldReader:
    """One attached segment."""

    def __init__(self, kind: str, name: str) -> None:
        self._segment: shared_memory.SharedMemory | None = None
        if kind == "mmap":
            file = os.open(f"/dev/shm/{name}", os.O_RDONLY)  # noqa: S108 - that is where it is
            self._memory = memoryview(mmap.mmap(file, 0, prot=mmap.PROT_READ))
            os.close(file)
        else:
            segment = shared_memory.SharedMemory(name)
            # Else, before Python 3.13, its tracker would take away the name when this process ends.
            resource_tracker.unregister(f"/{name}", "shared_memory")
            assert segment.buf is not None
            self._memory, self._segment = segment.buf, segment

    def header(self) -> Header:
        """What the header says now."""
        return Header._make(LAYOUT.unpack_from(self._memory, 0))

    def frame(self, header: Header) -> bytes:
        """A copy of what is in the buffer that a header names."""
        start = FIRST_BUFFER + header.read_index * header.bytes_per_frame
        return bytes(self._memory[start : start + header.bytes_per_frame])

    def look(self) -> dict[str, object]:
        """The header, and a digest of its frame."""
        header = self.header()
        digest = hashlib.sha256(self.frame(header)).hexdigest()
        return {**header._asdict(), "frame": digest, "reserved": bytes(self._memory[RESERVED]).hex().strip("0")}

    def poll(self, wanted: int) -> Polled:
        """Sees so many frames, each of whose bytes at `i` is to be the low byte of 7 i + number."""
        polled, last = Polled(), 0
        tile = [bytes((7 * i + number) % 256 for i in range(256)) for number in range(256)]
        while polled.whole < wanted and not polled.torn:
            before = self.header()
            if before.write_counter == last:
                continue
            copy, after = self.frame(before), self.header()
            if after != before:
                polled.overtaken += 1
                continue
            last = before.write_counter
            number = before.frame_number
            wall_ns = WALL_NS[0] + number * WALL_NS[1]
            copies = len(copy) // 256
            if copy == tile[(number - 1) % 256] * copies:
                polled.ahead += 1
            elif copy != tile[number % 256] * copies or divmod(wall_ns, 10**9) != before[11:13]:
                polled.torn.append(f"{before}, begins with {copy[:8].hex()}, ends with {copy[-8:].hex()}")
            else:
                polled.whole += 1
        return polled

    def close(self) -> None:
        """Gives the memory back."""
        del self._memory
        if self._segment is not None:
            self._segment.close()


def main(kind: str, name: str) -> None:
    """Do as told."""
    reader = OldReader(kind, name)
    for line in sys.stdin:
        answer: object = None
        match line.split():
            case ["open"]:
                reader.close()
                reader = OldReader(kind, name)
            case ["look"]:
                answer = reader.look()
            case ["poll", wanted]:
                answer = vars(reader.poll(int(wanted)))
        print(json.dumps(answer), flush=True)
    reader.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

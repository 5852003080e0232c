"""A futex in a shared mapping, as cheap as Python can have it: the floor's only way to wake a reader.

Every argument is a ctypes object made once: nothing is converted or allocated per call. The word is 32 bits, aligned,
written by one process only, with a plain store; on x86-64 stores become visible in their order, which is all that the
floor relies on. It is a floor and not a design: it has no memory ordering elsewhere, and no liveness.
"""

from __future__ import annotations

import ctypes
import platform
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import mmap

SYS_FUTEX = {"x86_64": 202, "aarch64": 98}
FUTEX_WAIT = 0  # without FUTEX_PRIVATE_FLAG: the word lies in memory shared by processes
FUTEX_WAKE = 1
EVERYBODY = 2**31 - 1


class Futex:
    """The first word of a shared mapping: a number that one process raises and others wait on.

    The mapping must be writable to ctypes on both sides (`from_buffer` refuses read-only memory).
    """

    def __init__(self, mapping: mmap.mmap) -> None:
        self.word = ctypes.c_uint32.from_buffer(mapping)
        number = SYS_FUTEX.get(platform.machine())
        if number is None:
            raise RuntimeError(f"no futex system call number is known here for {platform.machine()!r}")
        # A wait must let go of the GIL, as any real reader's does; a wake returns at once and may keep it.
        self._wait_call = ctypes.CDLL(None).syscall
        self._wake_call = ctypes.PyDLL(None).syscall
        self._number = ctypes.c_long(number)
        self._address = ctypes.c_void_p(ctypes.addressof(self.word))
        self._wait = ctypes.c_int(FUTEX_WAIT)
        self._wake = ctypes.c_int(FUTEX_WAKE)
        self._everybody = ctypes.c_int(EVERYBODY)
        self._expected = ctypes.c_uint32(0)
        self._forever = ctypes.c_void_p(None)

    def raise_to(self, value: int) -> None:
        """Store `value` and wake everybody who waits."""
        self.word.value = value
        self._wake_call(self._number, self._address, self._wake, self._everybody)

    def wait_past(self, seen: int) -> int:
        """Wait until the word differs from `seen` and return it. Blocks without a time-out, without the GIL."""
        value = self.word.value
        while value == seen:
            self._expected.value = seen
            self._wait_call(self._number, self._address, self._wait, self._expected, self._forever)
            value = self.word.value
        return int(value)

    def close(self) -> None:
        """Let go of the mapping, which cannot be closed while the word points into it."""
        del self.word

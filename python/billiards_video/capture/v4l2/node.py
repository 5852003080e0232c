"""An open device node."""

from __future__ import annotations

import errno
import fcntl
import os
import select
from typing import TYPE_CHECKING, NamedTuple, Self, TypeVar

from billiards_video.capture.v4l2 import abi

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

Entry = TypeVar("Entry", abi.FormatDescription, abi.FrameSize, abi.FrameInterval)

_MOST = 1000  # entries of a list; a driver that never ends one is not followed
_NOT_THERE = frozenset({errno.EINVAL, errno.ENOTTY})  # past the last of a list, or a driver that has no such list


class Identity(NamedTuple):
    """What a device says it is."""

    name: str
    capabilities: int

    @property
    def takes_pictures(self) -> bool:
        """Whether frames can be had from this node: the same camera may have others, for metadata."""
        pictures = self.capabilities & (abi.CAP_CAPTURE | abi.CAP_CAPTURE_MPLANE)
        return bool(pictures and self.capabilities & abi.CAP_STREAMING)

    @property
    def kind(self) -> int:
        """The kind of its buffers."""
        return abi.CAPTURE if self.capabilities & abi.CAP_CAPTURE else abi.CAPTURE_MPLANE


class Node:
    """A device, open for reading and writing, never waiting. Errors are `OSError`, with the ioctl's name in them."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLIN | select.POLLERR)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def fileno(self) -> int:
        """Its file descriptor."""
        return self._descriptor

    def close(self) -> None:
        """Gives the device back. May be repeated."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def call(self, request: abi.Request, argument: ctypes.Structure) -> None:
        """One ioctl. The structure holds the driver's answer afterwards."""
        while True:
            try:
                fcntl.ioctl(self._descriptor, request.number, argument)
            except InterruptedError:
                continue
            except OSError as error:
                raise OSError(error.errno, f"{request.name}: {os.strerror(error.errno or 0)}") from None
            return

    def has(self, request: abi.Request, argument: ctypes.Structure) -> bool:
        """One ioctl that asks for what there may not be."""
        try:
            self.call(request, argument)
        except OSError as error:
            if error.errno not in _NOT_THERE:
                raise
            return False
        return True

    def entries(self, request: abi.Request, entry: Entry) -> Iterator[Entry]:
        """The entries of one of the driver's lists, each in the same structure."""
        for index in range(_MOST):
            entry.index = index
            if not self.has(request, entry):
                return
            yield entry

    def ready(self, seconds: float) -> bool:
        """Waits until there is a frame, or an error that the next ioctl will name; False if neither came in time."""
        return bool(self._poll.poll(seconds * 1000))

    def identity(self) -> Identity:
        """What the device says it is."""
        said = abi.Capability()
        self.call(abi.QUERYCAP, said)
        own = said.device_caps if said.capabilities & abi.CAP_DEVICE_CAPS else said.capabilities
        return Identity(said.card.decode("utf-8", "replace"), own)

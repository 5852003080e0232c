"""The files that streams are made of: which streams there are, and what a dead one has left behind."""

from __future__ import annotations

import fcntl
import os
import re
import stat
import struct
from pathlib import Path
from typing import NamedTuple

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where the frame bus has its files

_MAGIC_PLACE, _MAGIC = 256, b"BVFRAMES"  # docs/segment-layout.md
_EPOCH_PLACE = 272
_NAME = r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}"
_OF_AN_EPOCH = re.compile(rf"({_NAME})\.([0-9a-f]{{16}})\.(?:leases|status)")
_UNFINISHED = re.compile(rf"\.({_NAME})\.([0-9a-f]{{16}})")
_LOCK = re.compile(rf"({_NAME})\.lock")
_FLOCK = "hhqqi4x"  # struct flock


class StreamFile(NamedTuple):
    """A file that belongs to the stream of a name, or looks as if it did."""

    path: Path
    name: str
    owner: int
    frames: bool
    """Whether it is the one with the frames."""
    epoch: str
    """Of which segment; "" where that is not to be read."""
    alive: bool | None
    """Whether a process holds it for life; None where that is not to be seen, or not so with this kind of file."""


def directories() -> list[Path]:
    """Where streams are, in the order in which they are looked for."""
    import tempfile  # noqa: PLC0415 - it brings much along, and showing one stream needs none of it

    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    return [
        SHARED_MEMORY,
        *([Path(runtime) / "billiards_video"] if runtime.startswith("/") else []),
        Path(tempfile.gettempdir()) / f"billiards_video-{os.getuid()}",
    ]


def stream_files() -> list[StreamFile]:
    """All files of streams, in the order of their directories and names. What is not to be read is not among them."""
    found = []
    for directory in directories():
        try:
            entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
        except OSError:
            continue
        found += [file for entry in entries if (file := _file(entry)) is not None]
    return found


def stream_names() -> list[str]:
    """The names of all streams of which this process may see the frames, dead ones too."""
    return list(dict.fromkeys(file.name for file in stream_files() if file.frames))


def _file(entry: os.DirEntry[str]) -> StreamFile | None:
    try:
        facts = entry.stat(follow_symlinks=False)
    except OSError:
        return None  # it is gone
    if not stat.S_ISREG(facts.st_mode):
        return None
    path = Path(entry.path)
    if match := _OF_AN_EPOCH.fullmatch(entry.name) or _UNFINISHED.fullmatch(entry.name):
        return StreamFile(path, match[1], facts.st_uid, frames=False, epoch=match[2], alive=None)
    if match := _LOCK.fullmatch(entry.name):
        return _lock(path, match[1], facts.st_uid)
    return _frames(path, facts.st_uid)


def _lock(path: Path, name: str, owner: int) -> StreamFile | None:
    descriptor = _opened(path)
    if descriptor is None:
        return None
    try:
        words = os.pread(descriptor, 64, 0).split()
        ours = all(word.isdigit() for word in words)  # a pid and its namespace: other programs' locks have other words
        return StreamFile(path, name, owner, frames=False, epoch="", alive=_is_held(descriptor)) if ours else None
    finally:
        os.close(descriptor)


def _frames(path: Path, owner: int) -> StreamFile | None:
    descriptor = _opened(path)
    if descriptor is None:
        return None
    try:
        if os.pread(descriptor, len(_MAGIC), _MAGIC_PLACE) != _MAGIC:
            return None
        epoch = int.from_bytes(os.pread(descriptor, 8, _EPOCH_PLACE), "little")
        return StreamFile(path, path.name, owner, frames=True, epoch=f"{epoch:016x}", alive=_is_held(descriptor))
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None


def _is_held(descriptor: int) -> bool:
    """Whether a living process has the lock on the first byte: the kernel's word."""
    asked = struct.pack(_FLOCK, fcntl.F_RDLCK, os.SEEK_SET, 0, 1, 0)
    try:
        answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked)
    except OSError:
        return False
    return bool(struct.unpack(_FLOCK, answer)[0] != fcntl.F_UNLCK)

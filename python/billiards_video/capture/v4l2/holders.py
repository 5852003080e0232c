"""Who has a device open, for the words in which a busy one is refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from billiards_video.capture.source import HELD_BY_ITSELF

PROC = Path("/proc")
_MOST_NAMED = 3


class Holder(NamedTuple):
    """A process that has the device open."""

    pid: int
    name: str


class Holders(NamedTuple):
    """Those that were found, and whether there were processes that may not be looked into."""

    found: tuple[Holder, ...]
    unseen: bool

    def __str__(self) -> str:
        """In words: "process 4711 (obs)"."""
        words = [
            f"process {pid} ({name})" if pid != os.getpid() else HELD_BY_ITSELF
            for pid, name in self.found[:_MOST_NAMED]
        ]
        if len(self.found) > _MOST_NAMED:
            words.append(f"{len(self.found) - _MOST_NAMED} more")
        if not words:
            hidden = (
                "a process of another user, or outside of this container" if self.unseen else "no process to be found"
            )
            words = [f"{hidden} ('sudo fuser -v' on the host names it)"]
        return " and ".join(words)


def holders(node: Path, proc: Path = PROC) -> Holders:
    """Looks through the open files of every process. Takes some milliseconds: for when something is wrong."""
    wanted = node.stat()
    found, unseen = [], False
    for process in sorted(proc.glob("[0-9]*"), key=lambda path: int(path.name)):
        try:
            descriptors = list((process / "fd").iterdir())
        except PermissionError:
            unseen = True
            continue
        except OSError:
            continue  # it has ended
        if any(_is(descriptor, node, wanted) for descriptor in descriptors):
            found.append(Holder(int(process.name), _name(process)))
    return Holders(tuple(found), unseen)


def _is(descriptor: Path, node: Path, wanted: os.stat_result) -> bool:
    """Whether a descriptor is of that device, by whatever path it was opened: in a container it may be another one."""
    try:
        target = descriptor.readlink()
        # Nothing but device nodes is looked at closely: a look at a file on a dead server would not come back.
        if target.parts[:2] != ("/", "dev") and target != node.resolve():
            return False
        there = descriptor.stat()
    except OSError:
        return False
    return os.path.samestat(there, wanted) or bool(wanted.st_rdev and there.st_rdev == wanted.st_rdev)


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "ended meanwhile"

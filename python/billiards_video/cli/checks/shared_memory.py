"""Where frames are published: room, rights, and what others have left there."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from billiards_video.cli.checks.check import Check, Result
from billiards_video.cli.stream_choice import StreamMissingError, observe, user
from billiards_video.cli.stream_files import SHARED_MEMORY, directories, stream_files
from billiards_video.cli.words import size, some
from billiards_video.metrics.reading import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from billiards_video.metrics.reading import Reading

_MEMORY, _FILES, _STREAM = "shared memory", "old files", "stream"
_FIRST_BUFFERS = 3
_HEADER = 4096
_MOST_NAMED = 4


def room(frame_bytes: int, directory: Path = SHARED_MEMORY) -> Iterator[Check]:
    """Whether a segment of such frames has room, and may be made."""
    needed = _HEADER + _FIRST_BUFFERS * frame_bytes
    elsewhere = ", ".join(str(other) for other in directories() if other != directory)
    if not directory.is_dir():
        yield Check(_MEMORY, "warning", f"{directory} is not there; frames go to {elsewhere}", _mount(directory))
        return
    facts = os.statvfs(directory)
    if facts.f_flag & os.ST_RDONLY:  # nor is it writable then, whatever its mode
        text = f"{directory} is read-only; frames go to {elsewhere}"
        yield Check(_MEMORY, "warning", text, f"sudo mount -o remount,rw {directory}")
        return
    if not os.access(directory, os.W_OK | os.X_OK):
        mode = f"{directory.stat().st_mode & 0o7777:o}"
        yield Check(
            _MEMORY,
            "warning",
            f"{directory} may not be written to (mode {mode}); frames go to {elsewhere}",
            f"sudo chmod 1777 {directory}",
        )
        return
    free, whole = facts.f_bavail * facts.f_frsize, facts.f_blocks * facts.f_frsize
    text = f"{directory} has {size(free)} free of {size(whole)}; a stream of this size takes {size(needed)}"
    if free < needed:
        yield Check(_MEMORY, "warning", f"{text}: too little; frames go to {elsewhere}", _larger(2 * needed))
    elif free < 2 * needed:
        text += ", and a change of resolution as much again: too little for both"
        yield Check(_MEMORY, "warning", text, _larger(2 * needed))
    else:
        yield Check(_MEMORY, "ok", text)


def _larger(least: int) -> str:
    megabytes = max(64, -(-least // 1_000_000 // 64) * 64)
    if _in_container():
        return f"start the container with --shm-size={megabytes}m"
    return f"sudo mount -o remount,rw,size={megabytes}M {SHARED_MEMORY}"


def _mount(directory: Path) -> str:
    return f"sudo mkdir -p {directory} && sudo mount -t tmpfs -o mode=1777 tmpfs {directory}"


def _in_container() -> bool:
    return Path("/.dockerenv").exists() or Path("/run/.containerenv").exists()


def stream(name: str) -> tuple[Check, Reading | None]:
    """What is published under the name now, and whether anything foreign stands there."""
    try:
        with observe(name) as reader:
            status = read(reader)
    except StreamMissingError as error:
        return _missing(name, str(error)), None
    except (OSError, RuntimeError) as error:
        return Check(_STREAM, "warning", f"'{name}' cannot be read: {error}"), None
    if not status.alive:
        text = f"'{name}': its writer, pid {status.pid}, has died"
        return Check(_STREAM, "warning", text, "billiards-video run"), None
    if status.silent:
        text = f"'{name}': its writer, pid {status.pid}, gives no sign of life: it is stopped, or hangs"
        # A capture process gives a sign of life each second; a program of somebody's own may have nothing to publish.
        result: Result = "problem" if status.told.keys else "warning"
        return Check(_STREAM, result, text, f"kill -CONT {status.pid}; billiards-video status {name}"), status
    if not status.live:
        text = f"'{name}' is {status.state.name}, by pid {status.pid}: {status.reason}"
        return Check(_STREAM, "warning", text, f"billiards-video status {name}"), status
    readers = some(len(status.readers or ()), "reader")
    return Check(_STREAM, "ok", f"pid {status.pid} publishes '{name}', {readers}"), status


def _missing(name: str, text: str) -> Check:
    path = SHARED_MEMORY / name
    try:
        owner = path.lstat().st_uid
    except OSError:
        if "holds the name" in text:
            return Check(_STREAM, "warning", text, f"billiards-video status {name}")
        return Check(_STREAM, "ok", f"nobody publishes '{name}' now")
    if owner not in (os.getuid(), 0):
        other = "choose another video.shared_memory_name in config.json"
        return Check(_STREAM, "problem", f"the name '{name}' is user {user(owner)}'s: {text}", other)
    return Check(_STREAM, "problem", text, f"rm {shlex.quote(str(path))}")


def leftovers() -> Check:
    """Files of streams whose writer has died. They cost memory until the name is published again."""
    files = stream_files()
    alive = {(file.path.parent, file.name) for file in files if file.alive}
    # A live writer replaces its own files while one looks; what stands beside a live name is its affair.
    old = [file for file in files if (file.path.parent, file.name) not in alive and file.path.exists()]
    if not old:
        count = len({file.name for file in files})
        return Check(_FILES, "ok", f"{some(count, 'stream')}, and nothing left of dead ones" if count else "none")
    taken = sum(_taken(file.path) for file in old)
    names = list(dict.fromkeys(file.name for file in old))
    more = len(names) - _MOST_NAMED
    shown = ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    return Check(
        _FILES,
        "warning",
        f"{some(len(old), 'file')} of dead writers ({shown}) take {size(taken)}; the next start under the name"
        " clears them away",
        f"rm {' '.join(shlex.quote(str(file.path)) for file in old)}",
    )


def _taken(path: Path) -> int:
    try:
        return path.stat().st_blocks * 512
    except OSError:
        return 0

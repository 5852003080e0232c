"""Why a device cannot be had, for a person: the likely cause, and what to do."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from billiards_video.capture.v4l2.holders import holders

if TYPE_CHECKING:
    from pathlib import Path


def reason(error: OSError, node: Path, proc: Path, seconds: float = 0) -> str:
    """One line that goes after the device's name, for an error of opening it or of one of its ioctls."""
    if isinstance(error, TimeoutError) and error.errno is None:  # no frame, and not an error of the driver's
        return (
            f"gave {error} within {seconds:g} s: the camera hangs, or its cable or hub is too slow for its size and"
            " rate: replug it, or try a smaller resolution"
        )
    match error.errno:
        case errno.EBUSY:
            words = f"is in use: {node} is held by {holders(node, proc)}"
        case errno.EACCES | errno.EPERM:
            words = f"may not be opened: no permission for {node}; {way_in(node)}"
        case errno.ENODEV | errno.ENXIO | errno.ENOENT:
            words = f"is gone: {node} was unplugged, or its hub has lost power ({error.strerror})"
        case errno.ENOSPC | errno.EOVERFLOW:
            words = (
                f"cannot stream: its bus has no room for this size and rate ({error.strerror}): set pixel_format to"
                " 'MJPG', a smaller resolution, or plug it into another port, away from other cameras"
            )
        case errno.ENOTTY:
            words = f"is no camera: {node} knows no {error.strerror}"
        case _:
            words = f"has failed: {node}: {error.strerror}; replug it; 'dmesg' has what its driver says"
    return words


def way_in(node: Path) -> str:
    """What to do to be allowed to open a device; a container may know the group by its number alone."""
    if os.access(node, os.R_OK | os.W_OK):
        return "the container or the system forbids it: a container needs '--device'"
    try:
        group = node.group()
    except KeyError:
        number = node.stat().st_gid
        return f"its group {number} has no name here: if this is a container, run it with '--group-add {number}'"
    except OSError:
        return "its group is not to be seen"
    return f"its group is {group!r}: 'sudo usermod -aG {group} $USER', then log in again"

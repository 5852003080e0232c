"""FFmpeg's options for the next stream that is opened.

OpenCV takes them from the environment alone, which the whole process has in common. It reads them when it opens a
stream or a file, so they stand there as long as that takes and no longer.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VARIABLE = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_WITHOUT = {"rtsp_flags": "prefer_tcp"}  # what OpenCV does where the variable is not set

_USERS = {
    key: value
    for key, separator, value in (option.partition(";") for option in os.environ.get(VARIABLE, "").split("|"))
    if separator
}


def _text(options: Mapping[str, str]) -> str:
    return "|".join(f"{key};{value}" for key, value in options.items())


# Set once and for all, before there are threads: to add a variable later moves the environment, under the feet of a
# thread that reads it, and takes one out as well; to give it another value does not.
os.environ.setdefault(VARIABLE, _text(_WITHOUT))


_OTHERWISE = os.environ[VARIABLE]
_last_to_set: list[object] = []  # one at most


@contextmanager
def in_force(options: Mapping[str, str]) -> Iterator[None]:
    """While the block lasts, streams are opened with these, and with what the user has set in the environment.

    An opening that was given up, and comes back when the next one is under way, leaves that one's options alone.
    """
    own = {} if "rtsp_transport" in options else _WITHOUT
    mine = object()
    _last_to_set[:] = [mine]
    os.environ[VARIABLE] = _text({**own, **options, **_USERS})
    try:
        yield
    finally:
        if _last_to_set == [mine]:
            os.environ[VARIABLE] = _OTHERWISE

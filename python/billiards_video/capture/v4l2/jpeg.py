"""Whether a camera's JPEG is whole, by its markers, without decoding it.

A decoder tells nothing: what is missing it paints gray or smears over. But the bytes of a picture have none of the
markers' 0xFF but those of restarts, which are numbered, so that most of what goes wrong on a bus shows: an end that is
not there, the beginning of the next picture in the middle of this one, a restart left out. This takes a fiftieth of the
time that decoding takes. What was lost between two restarts, or where a camera has none, is not seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from billiards_video.capture.source import Pixels

_START = b"\xff\xd8"
_MARK, _SCAN = 0xFF, 0xDA
_RESTART, _RESTARTS = 0xD0, 8
_ENDS = frozenset({0xD9, 0xDC, 0xC4, 0xDA, 0xDB, 0xDD})  # of the picture, or of its first scan: what then comes next
_TOLERATED = 10  # so many with the same fault from the beginning, and none without, are a camera that makes them so


class JPEGCheck:
    """Looks at a camera's JPEGs, one by one, and learns what is usual with it."""

    def __init__(self) -> None:
        self._faults: int | None = 0  # None: this camera can do better

    def passes(self, data: Pixels) -> bool:
        """Whether to show it. A camera that never writes an end, say, is taken as it is after ten pictures."""
        if data[: len(_START)].tobytes() != _START:
            return False
        if is_whole(data):
            self._faults = None
        elif self._faults is None:
            return False
        else:
            self._faults += 1
            return self._faults > _TOLERATED
        return True


def is_whole(data: Pixels) -> bool:
    """Whether the picture goes on to its end, with every restart in its turn.

    What comes after its end is not looked at: some cameras fill up what is left of a block. Of a picture in several
    scans, which cameras do not make, only the first is looked at.
    """
    body = data[_body(data) :]
    marks = np.flatnonzero(body[:-1] == _MARK)
    kinds = body[marks + 1]
    kinds = kinds[(kinds != 0) & (kinds != _MARK)]  # a byte that looks like a mark is followed by 0
    others = np.flatnonzero(kinds // _RESTARTS != _RESTART // _RESTARTS)
    if not others.size or int(kinds[others[0]]) not in _ENDS:
        return False
    restarts = kinds[: others[0]]
    return bool(np.array_equal(restarts - _RESTART, np.arange(restarts.size) % _RESTARTS))


def _body(data: Pixels) -> int:
    """Where the pixels begin, behind the last of the headers; the end, where it is not reached."""
    place = len(_START)
    while place + 4 <= data.size and data[place] == _MARK:
        kind = data[place + 1]
        place += 2 + int(data[place + 2]) * 256 + int(data[place + 3])
        if kind == _SCAN:
            return min(place, data.size)
    return int(data.size)

"""The films that a file is played by: one for each pass over it, each opened before it is needed.

A pass always begins by opening the file anew. Seeking back is quicker by some milliseconds, but in damaged files it
gives other pictures than the first pass did, and in transport streams other frames. The next pass is opened while the
last second of this one is shown, so that the change takes no time. Where a decoder turns out to be too slow, another
one with more threads is opened a little ahead, and takes over at a frame that both have.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np

from billiards_video.capture.film import Film, Identity, Landing, identity_of
from billiards_video.capture.film_ahead import FilmAhead

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from billiards_video.capture.decoder_threads import DecoderThreads
    from billiards_video.capture.source import Pixels

_AHEAD_SECONDS = 1.0
"""So long before the end of a pass the next one is opened, or three times what the first opening took."""
_ATTEMPTS = 3
"""So often a decoder that is too slow is tried to be relieved, each time from a place twice as far ahead."""


class Reel:
    """Opens the films of a file, each at frame `start`, and says where they end."""

    def __init__(
        self, path: Path, start: int, end: int | None, threads: DecoderThreads, cancelled: Callable[[], bool]
    ) -> None:
        self._path = path
        self._start = start
        self._asked_end = end
        self._threads = threads
        self._cancelled = cancelled
        self._identity: Identity | None = None
        self._end = end  # learned where the user did not say
        self._landing: Landing | None = None
        self._ahead_seconds = _AHEAD_SECONDS
        self._next: FilmAhead | None = None
        self._relief: FilmAhead | None = None
        self._relief_film: Film | None = None
        self._relieved = False
        self._attempts = 0

    def open(self) -> Film:
        """Opens the file and goes to the first frame. Raises `SourceError`."""
        began = time.monotonic()
        film = self._make(self._cancelled)
        self._ahead_seconds = max(_AHEAD_SECONDS, 3 * (time.monotonic() - began))
        return self._begin(film)

    def advance(self, film: Film) -> bool:
        """Decodes the next frame of a pass; False at its end, which is remembered for the next one."""
        if film.advance(self._end):
            return True
        self._end = film.index
        return False

    def next(self) -> Film:
        """The film of the next pass: the one that was opened ahead, if the file is still the same. Raises as `open`."""
        ahead, self._next = self._next, None
        film = None if ahead is None else ahead.take()
        if film is not None and film.identity != identity_of(self._path):
            film.release()
            film = None
        return self.open() if film is None else self._begin(film)

    def look_ahead(self, film: Film) -> None:
        """Opens the next pass, once the end of this one is near. To be called for each frame; takes no time."""
        if self._next is not None or self._relief is not None:
            return
        # Where the end is not known yet, what the file says of it is good enough to be early or late by.
        end = self._end or film.announced
        if end and end - film.index <= math.ceil(self._ahead_seconds * film.fps):
            self._next = FilmAhead(lambda unwanted: self._make(lambda: unwanted() or self._cancelled()))

    def relieve(self, film: Film) -> None:
        """Opens a decoder with more threads, a little ahead of a film whose own is too slow."""
        if self._next is not None or self._relief is not None or self._attempts == _ATTEMPTS:
            return
        self._attempts += 1
        place = film.index + math.ceil(film.fps * 2**self._attempts / 2)
        self._relief = FilmAhead(
            lambda unwanted: Film(self._path, threads=self._threads, cancelled=unwanted, start=place, by_seeking=True)
        )

    def compare(self, film: Film, picture: Pixels) -> None:
        """Looks whether the frame that `film` gives, with its picture, is the one at which the other decoder waits."""
        if self._relief is None or not self._relief.is_ready or self._relieved:
            return
        other = self._relief_film = self._relief_film or self._relief.take()
        if other is None:
            self._relief = None
            return
        here, there = film.position, other.position
        if here == there and np.array_equal(picture, other.picture):
            other.index = film.index
            self._relieved = True
        elif here >= there:
            self._drop_relief()
            self.relieve(film)

    def current(self, film: Film) -> Film:
        """The film to go on with: `film`, or one that takes over from it, in which case `film` was released."""
        if not self._relieved or self._relief_film is None:
            return film
        other, self._relief_film = self._relief_film, None
        self._relief, self._relieved = None, False
        film.release()
        return other

    def close(self) -> None:
        """Releases what was opened ahead."""
        ahead, self._next = self._next, None
        if ahead is not None:
            ahead.drop()
        self._drop_relief()

    def _make(self, cancelled: Callable[[], bool]) -> Film:
        return Film(self._path, threads=self._threads, cancelled=cancelled, start=self._start, landing=self._landing)

    def _begin(self, film: Film) -> Film:
        if film.identity != self._identity:  # another file has taken the place of the one whose end was found
            self._identity, self._end = film.identity, self._asked_end
            self._landing = film.landing
        self._attempts = 0
        self._drop_relief()
        return film

    def _drop_relief(self) -> None:
        relief, self._relief = self._relief, None
        film, self._relief_film = self._relief_film, None
        self._relieved = False
        if film is not None:
            film.release()
        elif relief is not None:
            relief.drop()

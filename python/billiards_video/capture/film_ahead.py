"""A film that is opened ahead of its time, by a thread of its own, so that the change to it takes none.

Opening a file, and going to a frame of it, takes 5 ms to many seconds. The decoder is used by one thread at a time: by
this one until `take`, then by the caller.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from billiards_video.capture.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from billiards_video.capture.film import Film


class FilmAhead:
    """Calls `make` at once, elsewhere, with a function that says whether nobody wants the film any more."""

    def __init__(self, make: Callable[[Callable[[], bool]], Film]) -> None:
        self._make = make
        self._film: Film | None = None
        self._unwanted = threading.Event()
        self._thread = threading.Thread(target=self._run, name="film ahead", daemon=True)
        self._thread.start()

    @property
    def is_ready(self) -> bool:
        """Whether `take` would not have to wait."""
        return not self._thread.is_alive()

    def take(self) -> Film | None:
        """Gives the film, which is the caller's to release; None where it could not be opened. Waits for it."""
        self._thread.join()
        film, self._film = self._film, None
        return film

    def drop(self) -> None:
        """Gives it up. Waits for what the decoder is at, a frame or an opening."""
        self._unwanted.set()
        film = self.take()
        if film is not None:
            film.release()

    def _run(self) -> None:
        with suppress(SourceError):  # whoever needs the film tries again, and is told why not
            self._film = self._make(self._unwanted.is_set)

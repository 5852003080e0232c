"""A source for tests, of this program and of programs that build on it: it plays a script.

    FakeSource([picture, picture, SourceError("unplugged"), picture])

It is a complete implementation of `Source`, and shows how little one is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from billiards_video.capture.source import Grabbed, Source, SourceEnded, SourceFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from billiards_video.capture.source import Pixels


class FakeSource(Source):
    """Gives the script's pictures in order, then ends.

    An exception in the script is raised by the call that reaches it, `open` or `grab`; a function is called there, and
    may block, as a device does. The script goes on where it was when the source is opened again.
    """

    def __init__(
        self,
        script: Iterable[Pixels | Exception | Callable[[], object]],
        *,
        live: bool = True,
        fps: float | None = None,
    ) -> None:
        self.live = live
        self.opened = 0
        """How often `open` was called."""
        self.closed = 0
        """How often `close` was called."""
        self.retrieved = 0
        """How often `retrieve` was called: the frames that were converted."""
        self._script = iter(script)
        self._fps = fps
        self._picture: Pixels | None = None
        self._held = False

    @property
    def text(self) -> str:  # noqa: D102 - as in the interface
        return "fake source"

    def open(self) -> SourceFacts:  # noqa: D102 - as in the interface
        self.opened += 1
        self._picture, self._held = self._next(), True
        height, width = self._picture.shape[:2]
        return SourceFacts(width, height, self._fps)

    def grab(self) -> Grabbed:  # noqa: D102 - as in the interface
        if not self._held:
            self._picture = self._next()
        self._held = False
        return Grabbed()

    def retrieve(self, out: Pixels) -> Pixels | None:  # noqa: D102 - as in the interface
        self.retrieved += 1
        picture = self._picture
        if picture is None or picture.shape != out.shape:
            return picture
        np.copyto(out, picture)
        return out

    def close(self) -> None:  # noqa: D102 - as in the interface
        self.closed += 1
        self._held = False

    def _next(self) -> Pixels:
        for item in self._script:
            if isinstance(item, Exception):
                raise item
            if not isinstance(item, np.ndarray):
                item()
                continue
            return item
        raise SourceEnded

"""Pictures in files, one after the other, as a film: a folder of them, or a pattern such as frames/%05d.png."""

from __future__ import annotations

import re
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from billiards_video.capture.decode import decode
from billiards_video.capture.source import Grabbed, Source, SourceEnded, SourceError, SourceFacts

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from billiards_video.capture.source import Pixels

SUFFIXES = frozenset({".avif", ".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
_NUMBER = re.compile(r"%(?:0(?P<digits>\d))?d")
_DIGITS = re.compile(r"(\d+)")
_NS = 1_000_000_000
_LATE_NS = 1_000_000_000


def is_sequence(path: str) -> bool:
    """Whether it is a sequence that is named: a folder, or a pattern with a place for a number."""
    return bool(_NUMBER.search(Path(path).name)) or _is_folder(Path(path))


class SequenceSource(Source):
    """Pictures `[start_frame, end_frame)` of a sequence, counted from 0, `fps` a second, once or again and again.

    In the order of the numbers in their names; numbers that are missing are passed over without a pause. What there is
    to show is looked up at every pass. `paced` false gives them as fast as they can be read.
    """

    live = False

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        fps: float = 30.0,
        loop: bool = False,
        start_frame: int = 0,
        end_frame: int | None = None,
        paced: bool = True,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._path = Path(path)
        self._rate = Fraction(fps).limit_denominator(1_000_000)
        self._loop = loop
        self._part = slice(start_frame, end_frame)
        self._paced = paced
        self._clock = clock
        self._files: list[Path] = []
        self._index = 0  # of the next one
        self._first: Pixels | None = None
        self._anchor_ns: int | None = None  # when the first of all frames was, or would have been, due
        self._number = 0  # of the next frame, since then
        self._loop_count = 0
        self._jumped = False

    @property
    def text(self) -> str:  # noqa: D102 - as in the interface
        return f"images {self._path}"

    def open(self) -> SourceFacts:  # noqa: D102 - as in the interface
        self.close()
        self.skipped, self._loop_count, self._anchor_ns, self._number = 0, 0, None, 0
        self._begin_pass()
        for path in self._files:
            picture = decode(str(path), np.empty((0, 0, 3), np.uint8))
            if picture is not None:
                self._first = picture
                height, width = picture.shape[:2]
                return SourceFacts(width, height, float(self._rate))
            self._index += 1
            self.skipped += 1
        raise SourceError(f"{self.text}: none of its {len(self._files)} files is a picture that can be read")

    def examine(self) -> None:  # noqa: D102 - as in the interface
        self._part_of_all()

    def _begin_pass(self) -> None:
        self._files, self._index = self._part_of_all(), 0

    def _part_of_all(self) -> list[Path]:
        """What there is to show now."""
        try:
            every = _files(self._path)
        except OSError as error:
            raise SourceError(f"{self.text} cannot be read: {error.strerror}") from None
        if not every:
            raise SourceError(f"{self.text}: there is no such picture (looked in {self._path.parent.absolute()})")
        shown = every[self._part]
        if not shown:
            raise SourceError(
                f"{self.text} has {len(every)} pictures, video_start_frame {self._part.start} is beyond them"
            )
        return shown

    def grab(self) -> Grabbed:  # noqa: D102 - as in the interface
        if not self._files:
            raise SourceError(f"{self.text} is not open: call open() first")
        if self._index == len(self._files):
            if not self._loop:
                raise SourceEnded
            self._begin_pass()
            self._first = None
            self._loop_count += 1
            self._jumped = True
        self._index += 1
        jumped, self._jumped = self._jumped, False
        due_ns = self._due()
        return Grabbed(
            captured_ns=due_ns,
            due_ns=due_ns if self._paced else None,
            position_ns=int((self._index - 1) * _NS / self._rate),
            loop_count=self._loop_count,
            discontinuity=jumped,
        )

    def _due(self) -> int:
        """Counted from the first frame, so without drift; from now, where the machine stood still."""
        now = self._clock()
        if not self._paced:
            return now
        passed = int(self._number * _NS / self._rate)
        if self._anchor_ns is None or now - (self._anchor_ns + passed) > _LATE_NS:
            self._anchor_ns = now - passed
        self._number += 1
        return self._anchor_ns + passed

    def retrieve(self, out: Pixels) -> Pixels | None:  # noqa: D102 - as in the interface
        first, self._first = self._first, None
        if first is None:
            picture = decode(str(self._files[self._index - 1]), out)
            self._jumped |= picture is None
            return picture
        if first.shape != out.shape:
            return first
        np.copyto(out, first)
        return out

    def close(self) -> None:  # noqa: D102 - as in the interface
        self._files, self._first = [], None


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # in a folder that is closed to this user, or with a name too long: opening it says so
        return False


def _files(path: Path) -> list[Path]:
    """All that there are, in their order."""
    if not _NUMBER.search(path.name):
        pictures = [file for file in path.iterdir() if file.suffix.lower() in SUFFIXES] if path.is_dir() else []
        return sorted(pictures, key=_natural)
    before, digits, after = re.split(r"%(?:0(\d))?d", path.name, maxsplit=1)
    number = rf"\d{{{digits},}}" if digits else r"\d+"
    wanted = re.compile(rf"{re.escape(before)}({number}){re.escape(after)}")
    folder = path.parent if path.parent.is_dir() else None
    found = (
        [(int(match[1]), file) for file in folder.iterdir() if (match := wanted.fullmatch(file.name))] if folder else []
    )
    return [file for _, file in sorted(found)]


def _natural(path: Path) -> list[tuple[int, str]]:
    """So that 10 comes after 9."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _DIGITS.split(path.name)]

"""The writer's end of the reader process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.process_link import ProcessLink
from bench.requests import Attach, Detach, ReadBlock, Reading

if TYPE_CHECKING:
    from pathlib import Path

    from bench.sides import Size


class ReaderLink(ProcessLink):
    """A context in which one reader process lives."""

    def __init__(self, *, pinned: bool, packages: Path | None = None) -> None:
        super().__init__("bench.reader_process", pinned=pinned, packages=packages)

    def attach(self, name: str, kind: str, size: Size) -> None:
        """Let it attach; returns when it has."""
        self.ask(Attach(name, kind, size))

    def detach(self, name: str) -> None:
        """Let it detach; returns when it has."""
        self.ask(Detach(name))

    def begin(self, name: str, first: int, last: int) -> None:
        """Let it read until `last`; returns when it is about to wait."""
        self.ask(ReadBlock(name, first, last))

    def reading(self) -> Reading:
        """Return what it read in the block begun before."""
        answer = self.answer()
        if not isinstance(answer, Reading):
            raise TypeError(f"the reader process answered {answer!r} where a reading was due")
        return answer

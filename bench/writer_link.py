"""The other end of the writer process, for those who do not publish themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.process_link import ProcessLink
from bench.publication import Frames, Published
from bench.requests import Attach, Detach, PublishBlock

if TYPE_CHECKING:
    from pathlib import Path

    from bench.sides import Size


class WriterLink(ProcessLink):
    """A context in which one writer process lives."""

    patience_after_error = 10.0  # it ends its block first, and then removes what it has created

    def __init__(self, *, pinned: bool, packages: Path | None = None) -> None:
        super().__init__("bench.writer_process", pinned=pinned, packages=packages)


class Elsewhere:
    """A publisher of a kind that the writer process knows, in it."""

    def __init__(self, link: WriterLink, name: str, kind: str, size: Size) -> None:
        self._link = link
        self._name = name
        link.ask(Attach(name, kind, size))

    def publish(self, frames: Frames, per_second: float) -> Published:
        """Publish these frames at the given rate; returns when all are."""
        answer = self._link.ask(PublishBlock(self._name, frames, per_second))
        if not isinstance(answer, Published):
            raise TypeError(f"the writer process answered {answer!r} where a block was due")
        return answer

    def close(self) -> None:
        """Remove what was created."""
        self._link.ask(Detach(self._name))

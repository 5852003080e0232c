"""What the writer asks of the reader process, and what comes back; pickled over their socket."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.sides import Size


@dataclass(frozen=True)
class Attach:
    """Ask for a receiver of this kind, to be called `name` from now on."""

    name: str
    kind: str
    size: Size


@dataclass(frozen=True)
class Detach:
    """Ask for the receiver called `name` to be closed."""

    name: str


@dataclass(frozen=True)
class ReadBlock:
    """Ask for frames to be read until `last`; only those from `first` on count."""

    name: str
    first: int
    last: int


@dataclass
class Reading:
    """What a block looked like from the reader: per frame number the time it was usable and what its work took."""

    ready_ns: dict[int, int] = field(default_factory=dict)
    work_ns: list[int] = field(default_factory=list)
    torn: int = 0
    cpu_ns_per_frame: float = 0.0

"""What is asked of a reader process or a writer process, and what comes back; pickled over their socket."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.publication import Frames
    from bench.sides import Size


@dataclass(frozen=True)
class Attach:
    """Ask a reader for a receiver of this kind, a writer for a publisher, to be called `name` from now on."""

    name: str
    kind: str
    size: Size


@dataclass(frozen=True)
class Detach:
    """Ask for the receiver or publisher called `name` to be closed."""

    name: str


@dataclass(frozen=True)
class ReadBlock:
    """Ask for frames to be read until `last`; only those from `first` on count."""

    name: str
    first: int
    last: int


@dataclass(frozen=True)
class PublishBlock:
    """Ask for these frames to be published at this rate; the answer is a `bench.publication.Published`."""

    name: str
    frames: Frames
    per_second: float


@dataclass
class Reading:
    """What a block looked like from the reader: per frame number the time it was usable and what its work took."""

    ready_ns: dict[int, int] = field(default_factory=dict)
    work_ns: list[int] = field(default_factory=list)
    torn: int = 0
    cpu_ns_per_frame: float = 0.0

"""What is asked of a crew and of its workers, and what comes back; pickled over their pipes."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.sides import Size

END = 0xFFFF_FFFF


def nanoseconds() -> array[int]:
    """Return an empty array of 64-bit integers: a tenth of a list's size when it is sent."""
    return array("q")


@dataclass(frozen=True)
class Open:
    """Make the transport, a writer and readers."""

    name: str
    size: Size
    readers: int


@dataclass(frozen=True)
class Run:
    """One block: so many frames at a rate, or as many as go into `seconds`, which end a slow one as well."""

    block: int
    warm: int  # the first frames of a block do not count: after a pause everything is another thing
    frames: int  # with those
    per_second: float | None  # None: unpaced
    seconds: float
    look: bool  # whether readers copy each frame's pixels out: a first pass over all of them


@dataclass(frozen=True)
class Kill:
    """A run in the middle of which SIGKILL hits the writer, or the first reader."""

    run: Run
    writer: bool
    after: float  # seconds into the run
    patience: float  # seconds in which those who live must go on


@dataclass(frozen=True)
class Close:
    """End writer and readers."""


@dataclass(frozen=True)
class Failure:
    """It did not work; `missing` where the way cannot be measured here at all."""

    why: str
    missing: bool = False


@dataclass(frozen=True)
class Ready:
    """The crew has imported its way."""

    version: str


@dataclass
class Written:
    """What a block looked like from the writer."""

    began: array[int] = field(default_factory=nanoseconds)  # by sequence; 0 where the frame was dropped
    cpu_ns: float = 0.0  # per frame
    elapsed_ns: int = 0
    late: int = 0


@dataclass
class Taken:
    """What a block looked like from one reader."""

    sequences: array[int] = field(default_factory=nanoseconds)
    ready: array[int] = field(default_factory=nanoseconds)
    cpu_ns: float | None = None  # per frame taken; None where there were not two
    share: float | None = None  # of one processor
    torn: int = 0


@dataclass(frozen=True)
class Opened:
    """Memory that writer and readers took since before they opened anything, in bytes, each page counted once."""

    own: int
    shared: int


@dataclass(frozen=True)
class Block:
    """One block's figures over all readers."""

    latency_ns: array[int]
    published: int
    dropped: int
    missed: int
    torn: int
    late: int
    elapsed_s: float
    writer_cpu_us: float
    reader_cpu_us: float | None  # per frame taken, mean of the readers
    reader_share: float | None  # of one processor, mean of the readers
    taken: int  # by all readers together


@dataclass(frozen=True)
class Survived:
    """What became of those who were not killed."""

    went_on: bool
    seconds: float  # until a reader that lives had its next frame
    why: str = ""

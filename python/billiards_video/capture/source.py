"""What a camera is to this program: the one interface every source of frames implements.

A source knows no shared memory. It is asked for a frame in two steps: `Source.grab` waits for the next frame and tells
when it was taken, `Source.retrieve` converts that frame into an array it is given. Between the two the caller finds a
place for the pixels; where there is none it never calls `retrieve`, and the frame costs no conversion.

To use a camera of your own, subclass `Source` and hand an instance to `billiards_video.process.VideoProcess`.
`billiards_video.capture.fake.FakeSource` is a complete one in a page, made for tests.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Pixels = npt.NDArray[np.uint8]


HELD_BY_ITSELF = "this process itself, in an earlier read that hangs"
"""In the text of a `SourceError`: who holds a device. No other attempt of this process would help then."""


class SourceError(Exception):
    """The source cannot be opened, or stopped giving frames; the text is one line for a person, with a next step.

    A live source (`Source.live`) may be closed and opened again after it; a file may not, its failure is final.
    """


class SourceEnded(Exception):  # noqa: N818 - the end of a film is not an error
    """Raised by `Source.grab` when the last frame has been given: the regular end of a file that does not loop."""


class Setting(NamedTuple):
    """One setting of a live source: what was asked for, what reading it back gave, and what came in fact.

    Each as text for people; None where nothing was asked, the device does not tell, or it cannot be measured.
    """

    name: str
    asked: str | None
    accepted: str | None
    measured: str | None = None
    note: str = ""
    """Why it is not what was asked."""


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What is true about an opened source, learned from its first frame and not from what it announces."""

    width: int
    """Columns of a frame, in pixels."""
    height: int
    """Rows of a frame, in pixels."""
    fps: float | None = None
    """Nominal frames a second; None where the source does not tell or tells nonsense.
    What comes of a live source is judged by it."""
    settings: tuple[Setting, ...] = ()
    """What was asked of the source and what it made of it; without the rate measured, see `Source.measured_fps`."""


class Grabbed(NamedTuple):
    """When and where a frame was taken. Times are `CLOCK_MONOTONIC` nanoseconds, as from `time.monotonic_ns()`."""

    captured_ns: int | None = None
    """When the frame was taken; for a file, when it is presented. None: `due_ns`, or else when `grab` came back."""
    due_ns: int | None = None
    """Not to be published before this moment; None: at once. A source never sleeps to keep its pace: it says when the
    frame is due, and the caller waits on something that a stop request interrupts."""
    position_ns: int | None = None
    """Presentation time inside the file, from its first frame; None for a live source."""
    loop_count: int = 0
    """How many times a looping source has started over."""
    discontinuity: bool = False
    """True where frames are missing between this one and the one before: a loop, a corrupt stretch, a re-opening."""


class Source(ABC):
    """A source of BGR24 frames: uint8 arrays of shape (height, width, 3), C order.

    `open`, `grab`, `retrieve` and `close` are called from one thread (OpenCV wants it so), which is not the main
    thread; any of them may block. Attributes may be read from other threads.
    """

    live: bool = True
    """True: frames come when they come, and a failure is worth another `open`. False: a file, which is not."""

    remote: bool = False
    """True: it is at the other end of a network, and others may want it too: attempts to open it again become rarer."""

    skipped: int = 0
    """Frames or stretches that could not be decoded and were passed over, since `open`. Of a live source also frames
    that were lost or too old before they could be taken."""

    measured_fps: float | None = None
    """Frames a second over the first seconds since `open`; None until these are over, and for files."""

    @property
    @abstractmethod
    def text(self) -> str:
        """The source in a few words, for log lines: "file /data/game.mp4", "device 0"."""

    @abstractmethod
    def open(self) -> SourceFacts:
        """Opens the source, up to and including its first frame, which the next `grab` then gives.

        May be called again after `close`. Blocks. Raises `SourceError`; nothing is left open then.
        """

    @abstractmethod
    def grab(self) -> Grabbed:
        """Waits for the next frame and takes it without converting it (for a file: decodes it). Blocks.

        Raises `SourceEnded` after the last frame and `SourceError` where the source is lost.
        """

    @abstractmethod
    def retrieve(self, out: Pixels) -> Pixels | None:
        """Converts the frame that `grab` took, into `out` (writable, C-contiguous) where it fits.

        Returns `out` itself (the same object) when the pixels were written into it. Returns another array when the
        frame has another shape, and None when this one frame cannot be converted; what `out` then holds is undefined
        and must not be published. Called at most once for each `grab`. Raises `SourceError`.
        """

    def examine(self) -> tuple[int, int] | None:
        """Gives the width and height of its frames, in pixels, where that is known before it is opened.

        Raises `SourceError` where `open` is bound to fail, as far as that shows without opening it: a missing file.
        Called before another source is closed in favour of this one, and from any thread.
        """
        return None

    def cancel(self) -> None:  # noqa: B027 - most sources have nothing to do here
        """Cuts short what takes long by the source's own doing; called from another thread, when all is to stop.

        An `open` or `grab` that is under way, if it does not wait for a device, comes back soon, with any error. Does
        not block.
        """

    @abstractmethod
    def close(self) -> None:
        """Releases the source; harmless where it is not open."""

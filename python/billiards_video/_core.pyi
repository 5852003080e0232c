# ruff: noqa: PYI021 - this stub is the reference of the module
"""The frame bus, in Rust. Import its names from `billiards_video`, or from `billiards_video.ipc`.

No method blocks unless its description says so. What blocks for longer than microseconds, or copies a frame, releases
the GIL, and says so too. Every handle may be used from several threads. In a forked child a handle of the parent
raises `RuntimeError`, and its end there changes nothing for the parent.
"""

from enum import IntEnum
from pathlib import Path
from typing import Any, Final, Self, final

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer, disjoint_base

__all__ = [
    "Anticipation",
    "Counters",
    "EndOfStream",
    "Frame",
    "FrameFormat",
    "FrameMetadata",
    "Loan",
    "Reader",
    "ReaderFigures",
    "Reservation",
    "SharedMemoryFrameWriter",
    "Slot",
    "State",
    "__version__",
]

__version__: Final[str]

class EndOfStream(Exception):  # noqa: N818 - a condition, as StopIteration is
    """The source has ended and its last frame was read: there will be no more frames."""

class FrameFormat(IntEnum):
    """How the pixels of a frame are laid out: uint8, channels interleaved, rows without padding."""

    RGB24 = 1
    BGR24 = 2
    GRAY8 = 3
    RGBA32 = 4
    BGRA32 = 5

class State(IntEnum):
    """What a stream is doing, as its writer last said."""

    LIVE = 1
    STALLED = 2
    RECONNECTING = 3
    ENDED = 4
    FAILED = 5
    SUPERSEDED = 6
    CLOSED = 7

@final
class FrameMetadata:
    """What is known of a frame beside its pixels. Immutable; equal where all values are; can be hashed and pickled.

    Its arguments are its attributes; `format` may be the number of one.

    Raises:
        ValueError: `format` is no format.
        OverflowError: A number is negative or too large.
    """

    def __new__(
        cls,
        frame_number: int,
        timestamp_sec: int,
        timestamp_nsec: int,
        width: int,
        height: int,
        format: FrameFormat,  # noqa: A002 - the name of the system that this one replaces
        *,
        captured_ns: int = 0,
        published_ns: int = 0,
        position_ns: int | None = None,
        loop_count: int = 0,
        discontinuity: bool = False,
        missed: int = 0,
        sequence: int = 0,
    ) -> Self: ...
    @property
    def frame_number(self) -> int:
        """The frame's number, as its publisher counts."""
    @property
    def timestamp_sec(self) -> int:
        """When it was captured, Unix time, whole seconds."""
    @property
    def timestamp_nsec(self) -> int:
        """The rest of `timestamp_sec`, in nanoseconds."""
    @property
    def timestamp(self) -> float:
        """When it was captured, in Unix seconds. `wall_ns` is the same without a float's rounding."""
    @property
    def wall_ns(self) -> int:
        """When it was captured, in Unix nanoseconds."""
    @property
    def width(self) -> int:
        """Pixels in a row."""
    @property
    def height(self) -> int:
        """Rows."""
    @property
    def format(self) -> FrameFormat:
        """The pixel format."""
    @property
    def captured_ns(self) -> int:
        """When it was captured, `time.monotonic_ns()` of the same machine."""
    @property
    def published_ns(self) -> int:
        """When it was published, `time.monotonic_ns()` of the same machine."""
    @property
    def position_ns(self) -> int | None:
        """Where in its source it stands, in nanoseconds; None if the source has no positions."""
    @property
    def loop_count(self) -> int:
        """How often the source had started over."""
    @property
    def discontinuity(self) -> bool:
        """Whether frames are missing, or the source was opened anew, before this one."""
    @property
    def missed(self) -> int:
        """How many published frames this reader has not seen since the one before. A first frame misses none."""
    @property
    def sequence(self) -> int:
        """Its place in its segment's order: 2, 4, 6, ... It starts anew with each segment."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]: ...

@final
class Frame:
    """A leased frame: its pixels in the shared buffer itself, which is held until their last view is gone.

    A view is `array`, whatever was made from it without a copy, and memoryviews of these. `with` ends the frame's own
    part in that at the end of the block; without it, that ends with the frame. Views elsewhere stay valid, whatever
    becomes of the frame, of the reader and of the writer, and keep the buffer.
    """

    @property
    def array(self) -> NDArray[np.uint8]:
        """The pixels: uint8, (height, width) or (height, width, channels), C-contiguous, read-only.

        It is always the same array. Asking for a writable buffer of it raises `BufferError` or `ValueError`. Code
        that does not ask, such as `torch.from_numpy`, can try to write nonetheless, and ends the process with
        SIGSEGV: give it a copy.

        After the `with` block it raises `RuntimeError`.
        """
    @property
    def metadata(self) -> FrameMetadata:
        """What is known of the frame. It stays when the `with` block has ended."""
    @property
    def is_copy(self) -> bool:
        """Whether the pixels are a private copy, as an observer gets them, and not the shared buffer."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...

@final
class Counters:
    """The counters in a segment's header, as its writer keeps them."""

    @property
    def captured(self) -> int:
        """Frames that the source gave."""
    @property
    def published(self) -> int:
        """Frames that readers could see."""
    @property
    def dropped(self) -> int:
        """Frames given up."""
    @property
    def heartbeat_ns(self) -> int:
        """When the writer last said that it is there, `time.monotonic_ns()` of the same machine."""
    @property
    def buffers(self) -> int:
        """Buffers of the segment."""
    @property
    def latest_sequence(self) -> int:
        """The sequence of the newest frame; 0 before the first."""

@final
class Anticipation:
    """What became of the waits of a reader that asked for low latency."""

    @property
    def timed(self) -> int:
        """Waits that could be timed, because the publisher's rhythm was known."""
    @property
    def met(self) -> int:
        """Those of them that a frame ended while the reader polled: taken without a wake-up."""
    @property
    def polled_ns(self) -> int:
        """How long the reader has polled, in nanoseconds."""

@final
class ReaderFigures:
    """What one live reader handle says of itself: another process's word, for people."""

    @property
    def line(self) -> int:
        """Its line among the 64 that a segment has."""
    @property
    def pid(self) -> int:
        """Its process."""
    @property
    def name(self) -> str:
        """The name that it has given itself; empty if none."""
    @property
    def frames_read(self) -> int:
        """Frames that it has read."""
    @property
    def missed(self) -> int:
        """Frames that it has missed."""
    @property
    def held(self) -> int:
        """Buffers that it holds now."""
    @property
    def held_since_ns(self) -> int | None:
        """Since when it has held one without a break, `time.monotonic_ns()` of the machine; None if it holds none."""
    @property
    def attached_ns(self) -> int:
        """When it attached, `time.monotonic_ns()` of the same machine."""
    @property
    def last_sequence(self) -> int:
        """The sequence of the last frame that it has read; 0 if none."""

@disjoint_base
class Reader:
    """What `billiards_video.SharedMemoryFrameReader` is made of; see there for the arguments."""

    def __new__(
        cls,
        name: str,
        *,
        reader_name: str | None = None,
        owner: int | None = None,
        allow_dead: bool = False,
        observe: bool = False,
        max_leases: int = 3,
        low_latency: bool = False,
    ) -> Self: ...
    def attach(self, timeout: float | None = 5.0) -> None:
        """Attaches to the stream, waiting for it. Does nothing if the reader is attached.

        A stream exists from its source's first frame on, when the true size is known. Blocks up to `timeout` seconds
        (None: without limit), without the GIL; Ctrl-C is heard within 250 ms.

        Raises:
            TimeoutError: "Shared memory segment 'X' not created within Ns", with what is known: a dead writer's last
                frame, or a process that holds the name and has no frame yet; "... not accessible within Ns" where there
                is one that may not be opened.
            RuntimeError: The segment is damaged, or has 64 readers.
            OSError: The system refused something else.
            ValueError: `max_leases` is not 1 to 3, or `timeout` is not a number.
        """
    def detach(self) -> None:
        """Lets go of the stream. Does nothing if that was done.

        A thread that waits on this handle raises within 250 ms. Frames and arrays still held stay valid, and go on
        holding their buffers.
        """
    def lease(self, timeout: float | None = 1.0) -> Frame:
        """The next frame that is newer than the last one read, without a copy; waits for it.

        Blocks up to `timeout` seconds (None: without limit), without the GIL; Ctrl-C is heard within 250 ms. Where a
        newer frame is there already, it is taken in about a microsecond, with the GIL.

        Raises:
            TimeoutError: No newer frame came in time.
            EndOfStream: The source has ended, and its last frame was read. At once, not after `timeout`.
            RuntimeError: The reader is not attached, or was detached meanwhile; it holds as many frames as it may: copy
                what is to be kept; the segment is damaged.
        """
    def try_lease(self) -> Frame | None:
        """As `lease`, without waiting.

        Returns:
            The frame; None if there is none newer than the last one read.

        Raises:
            EndOfStream: The source has ended, and its last frame was read.
            RuntimeError: As `lease`.
        """
    def read_frame(
        self, out: NDArray[np.uint8] | None = None
    ) -> tuple[NDArray[np.uint8], FrameMetadata] | tuple[None, None]:
        """A copy of the newest frame, if it is newer than the last one read. Does not wait.

        The copy releases the GIL. After the end of the source there is nothing new, and no error: see `state`.

        Args:
            out: An array to copy into: uint8, (height, width) or (height, width, channels), writable, of any strides.
                Without it, the frame is copied into a new array.

        Returns:
            The array, `out` itself if that was given, and what is known of the frame; (None, None) if nothing is new.

        Raises:
            ValueError: `out` does not fit: the text shows both sides. The frame counts as read.
            TypeError: `out` is no array.
            RuntimeError: The reader is not attached; it holds as many frames as it may; the segment is damaged.
        """
    def wait_for_frame(
        self, timeout: float | None = 1.0, out: NDArray[np.uint8] | None = None
    ) -> tuple[NDArray[np.uint8], FrameMetadata] | tuple[None, None]:
        """As `read_frame`, waiting for a newer frame: (None, None) if none came in time.

        Blocks up to `timeout` seconds (None: without limit), without the GIL; Ctrl-C is heard within 250 ms. After
        the end of the source it waits all the same, since the source may be started again; `lease` and `frames` say
        that it has ended.

        Raises:
            RuntimeError: The reader was detached meanwhile; and as `read_frame` does.
        """
    def wait_newer(self, timeout: float | None = 1.0) -> bool:
        """Waits for a frame that is newer than the last one read, and takes nothing.

        Blocks up to `timeout` seconds (None: without limit), without the GIL; Ctrl-C is heard within 250 ms.

        Returns:
            Whether there is one; False if none came in time.

        Raises:
            EndOfStream: The source has ended, and its last frame was read.
            RuntimeError: The reader is not attached, or was detached meanwhile.
        """
    def readers(self) -> list[ReaderFigures]:
        """The live readers that hold a line in the segment read now, as they describe themselves.

        Observers hold none and are not among them. Asks the kernel about each line in use, without the GIL.

        Raises:
            RuntimeError: The reader is not attached.
            PermissionError: The stream is another user's, who alone sees its readers.
        """
    def status_text(self) -> str:
        """The text that the writer last gave to `set_status`; empty if none. Reads a file, without the GIL.

        Raises:
            RuntimeError: The reader is not attached.
            OSError: The status file cannot be read.
            UnicodeDecodeError: It is no text.
        """
    @property
    def name(self) -> str:
        """The name of the stream."""
    @property
    def width(self) -> int:
        """Pixels in a row, in the segment that is read now. `RuntimeError` if the reader is not attached."""
    @property
    def height(self) -> int:
        """Rows, likewise."""
    @property
    def frame_format(self) -> FrameFormat:
        """The pixel format, likewise."""
    @property
    def bytes_per_frame(self) -> int:
        """Bytes in a frame, likewise."""
    @property
    def state(self) -> tuple[State, str]:
        """What the stream is doing, and why, in words or "", as its writer last said. `RuntimeError` if not attached.

        A writer that was killed has said nothing: see `writer_alive`.
        """
    @property
    def counters(self) -> Counters:
        """The writer's counters. `RuntimeError` if the reader is not attached."""
    @property
    def anticipation(self) -> Anticipation:
        """What became of the waits of a reader with `low_latency`; zeros without. `RuntimeError` if not attached."""
    @property
    def epoch(self) -> int:
        """The random number of the segment that is read now. `RuntimeError` if the reader is not attached."""
    @property
    def path(self) -> Path:
        """The file of the segment that is read now. `RuntimeError` if the reader is not attached."""
    @property
    def writer_pid(self) -> int:
        """The writer's process, for people. `RuntimeError` if the reader is not attached."""
    @property
    def writer_alive(self) -> bool:
        """Whether the writer lives, by the kernel's word. `RuntimeError` if the reader is not attached."""
    @property
    def is_observer(self) -> bool:
        """Whether frames are private copies. `RuntimeError` if the reader is not attached."""
    @property
    def is_attached(self) -> bool:
        """Whether the reader is attached."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...

@final
class Slot:
    """A buffer of the segment, lent to the publisher until it is published or its block ends."""

    @property
    def array(self) -> NDArray[np.uint8]:
        """The shared buffer itself: uint8, (height, width) or (height, width, channels), C-contiguous.

        Writable until it is published, read-only from then on; always the same array. It shows an older frame's pixels
        until they are overwritten. As long as it, or whatever views it, is alive, the buffer is not lent again. Writing
        through a view taken before the publication changes a frame that readers hold: nothing stops that.
        After a cancelled loan it raises `RuntimeError`.
        """
    def publish(
        self,
        frame_number: int | None = None,
        *,
        captured_ns: int | None = None,
        wall_ns: int | None = None,
        position_ns: int | None = None,
        loop_count: int = 0,
        discontinuity: bool = False,
    ) -> FrameMetadata:
        """Makes the buffer the newest frame, wakes whoever waits for it, and makes `array` read-only.

        Where readers hold all other buffers, one is added afterwards, which takes some milliseconds.

        Args:
            frame_number: The frame's number; None for one more than the last one's.
            captured_ns: When it was captured, `time.monotonic_ns()`; None for now.
            wall_ns: When it was captured, `time.time_ns()`; None for now.
            position_ns: Where in its source it stands, in nanoseconds; None if the source has no positions.
            loop_count: How often the source has started over.
            discontinuity: Whether frames are missing, or the source was opened anew, before this one.

        Returns:
            What readers will know of the frame.

        Raises:
            RuntimeError: The loan was published or cancelled before, or the writer was cleaned up.
        """

@final
class Loan:
    """Lends a buffer for a `with` block; see `SharedMemoryFrameWriter.loan`."""

    def __enter__(self) -> Slot | None: ...
    def __exit__(self, *exception: object) -> None: ...

@disjoint_base
class SharedMemoryFrameWriter:
    """Publishes frames under a name. Readers never make it wait.

    `with` calls `initialize` and `cleanup`. Before the one and after the other, all but `get_stats` and the attributes
    given here raise `RuntimeError`. A process that ends without `cleanup` leaves files behind, which the next
    writer of the name removes.

    Args:
        name: 1 to 100 of `A-Z a-z 0-9 _ - .`, not starting with a dot, not ending in .lock, .leases or .status.
        width: Pixels in a row, 1 to 16384.
        height: Rows, 1 to 16384.
        frame_format: The pixel format, or its number.
        max_buffers: How many buffers there may be, 3 to 16. Three, until readers hold so many that one is short.
        access: Who else may watch: "owner" (nobody), "group" or "everyone".

    Raises:
        ValueError: An argument is not what is allowed; the text says what is.
    """

    def __new__(
        cls,
        name: str,
        width: int,
        height: int,
        frame_format: FrameFormat = ...,
        *,
        max_buffers: int = 8,
        access: str = "owner",
    ) -> Self: ...
    def initialize(self) -> None:
        """Takes the name and publishes an empty segment under it, in some milliseconds, without the GIL.

        Does nothing if that was done.

        Raises:
            FileExistsError: Another live writer has the name; the text names it.
            PermissionError: The name is another user's, or another program's.
            OSError: No directory can hold the segment; `errno` is ENOSPC, the text says what was tried.
            ValueError: `max_buffers` is not 3 to 16.
        """
    def write_frame(
        self,
        frame: NDArray[Any] | Buffer,
        frame_number: int | None = None,
        *,
        captured_ns: int | None = None,
        wall_ns: int | None = None,
        position_ns: int | None = None,
        loop_count: int = 0,
        discontinuity: bool = False,
    ) -> bool:
        """Copies a frame into the segment and publishes it. The copy releases the GIL.

        `frame` is an array, or whatever exports the buffer protocol: uint8, (height, width) for GRAY8, else (height,
        width, channels). One that is not C-contiguous is copied twice. The other arguments are those of
        `Slot.publish`.

        Returns:
            True; False if readers hold every buffer: the frame is dropped then, and counted.

        Raises:
            ValueError: Shape or type don't match the writer's: the text shows both sides.
            TypeError: `frame` is no array.
            RuntimeError: A loan is open, or another writer has taken the name.
        """
    def loan(self) -> Loan:
        """A context manager that lends a buffer to write the next frame into, in place.

        Entering it gives the `Slot`, or None if readers hold every buffer: a dropped frame then, and counted. Leaving
        the block without `publish` cancels the loan: no reader sees the buffer. One loan at a time.

        Entering it raises:
            RuntimeError: A loan is open, or another writer has taken the name.
        """
    def reshape(self, width: int, height: int, frame_format: FrameFormat | None = None) -> None:
        """Goes on with frames of another size or format, in a new segment under the same name. Readers follow.

        Frames of the old segment stay intact for those who hold them. Takes some milliseconds, without the GIL.

        Raises:
            ValueError: The new geometry is not possible.
            RuntimeError: A loan is open.
            OSError: There is no room; the old segment stays in force.
        """
    def set_state(self, state: State, reason: str = "") -> None:
        """Says what the stream is doing, and wakes the readers who wait.

        Raises:
            ValueError: `reason` is none of those that the bus knows, in its words: the text lists them.
        """
    def set_status(self, text: str) -> None:
        """Replaces what readers see as `status()`: a JSON object as text, at most 65,472 bytes of UTF-8.

        Raises:
            ValueError: It is too long.
            OSError: It cannot be written.
        """
    def tend(self) -> None:
        """Says that the writer is alive, and looks after its name, which others can remove. Releases the GIL.

        To be called once a second while no frames are published; `write_frame` and `loan` do it otherwise.

        Raises:
            RuntimeError: Another writer has taken the name.
        """
    def notices(self) -> list[tuple[str, str]]:
        """What there is to log since the last call: pairs of a level, "info" or "warning", and a text."""
    def readers(self) -> list[ReaderFigures]:
        """The live readers, as they describe themselves. Observers are not among them."""
    def count_captured(self, n: int = 1) -> None:
        """Counts frames that the source gave."""
    def count_dropped(self, n: int = 1) -> None:
        """Counts frames given up before they reached a buffer."""
    def get_stats(self) -> dict[str, Any]:
        """What was done so far: over the writer's life, whatever became of its segments.

        Returns:
            `initialized`, `frames_written`, `current_buffer_index` (the newest frame's), `write_counter` (as
            `frames_written`), `total_size_mb` (of 1,000,000 bytes), `frames_captured`, `frames_dropped`, `buffers`,
            `buffers_free`. Before `initialize` and after `cleanup`: {"initialized": False}.
        """
    def cleanup(self, state: State | None = None, reason: str = "stopped") -> None:
        """Ends the stream: says so to the readers, removes the files, gives the name back.

        Does nothing if that was done. With State.ENDED readers are told that nothing more will come; without a state,
        a stream that has ended or failed stays so, and any other is CLOSED: readers wait for a new one. Arrays of loans
        stay valid, and so do frames that readers hold. An open loan is cancelled. Releases the GIL.

        Raises:
            ValueError: The bus does not know the reason. Nothing was done then.
        """
    @property
    def name(self) -> str:
        """The name."""
    @property
    def width(self) -> int:
        """Pixels in a row."""
    @property
    def height(self) -> int:
        """Rows."""
    @property
    def frame_format(self) -> FrameFormat:
        """The pixel format."""
    @property
    def bytes_per_frame(self) -> int:
        """Bytes in a frame."""
    @property
    def epoch(self) -> int:
        """The random number of the segment in force."""
    @property
    def path(self) -> Path:
        """The file of the segment in force."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...

@final
class Reservation:
    """The right to a name before the frames' size is known. It is given back at the end of its block, and with it.

    No other writer of the name can start meanwhile, and a reader that waits for the name is told who holds it. The
    arguments are those of `SharedMemoryFrameWriter`, and so is what taking it raises: what `initialize` does there.
    """

    def __new__(cls, name: str, *, max_buffers: int = 8, access: str = "owner") -> Self: ...
    def publish(self, width: int, height: int, frame_format: FrameFormat = ...) -> SharedMemoryFrameWriter:
        """Publishes an empty segment under the name, and gives its writer, which is initialized.

        Takes some milliseconds, without the GIL.

        Raises:
            RuntimeError: It was published or cancelled before.
            ValueError: The geometry is not possible. The name stays reserved.
            OSError: As `SharedMemoryFrameWriter.initialize`. The name is given back.
        """
    def cancel(self) -> None:
        """Gives the name back. Does nothing if that was done, or after `publish`."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...

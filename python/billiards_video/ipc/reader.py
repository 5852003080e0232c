"""The reader: what the core offers, and what reads better in Python: iterating, in two ways, and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from billiards_video._core import EndOfStream, Reader

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    import numpy as np
    from numpy.typing import NDArray

    from billiards_video._core import Frame, FrameMetadata

_SLICE_SECONDS = 0.25  # how long a worker thread may outlive a cancelled `async for`


class SharedMemoryFrameReader(Reader):
    """A handle on the stream of frames published under a name.

    It follows the name by itself over restarts of the writer, changes of resolution and removals; what was seen last
    belongs to the handle. `with` attaches it for up to 5 seconds and detaches it. Several threads may use one handle:
    each frame then goes to one of them. In a forked child every method that needs the stream raises `RuntimeError`:
    attach a new reader there.

    Args:
        name: The name that the writer publishes under: 1 to 100 of `A-Z a-z 0-9 _ - .`, not starting with a dot.
        reader_name: What the writer's operator sees this reader as, cut to 64 bytes.
        owner: A user id whose stream may be read, beside this process's own user and root.
        allow_dead: Whether `attach` is content with what a dead writer has left.
        observe: Whether to read without holding: every frame is a private copy, and nothing is written anywhere.
            Another user's stream is always read so.
        max_leases: How many frames may be held at once, 1 to 3.
        low_latency: Whether waits may poll: they learn the publisher's rhythm, sleep until just before a frame is due,
            and poll for it, for at most 3 % of the time (`anticipation` counts). Without a steady rhythm they sleep.

    Raises:
        ValueError: The name cannot be used.
    """

    def frames(self, timeout: float | None = None) -> Generator[tuple[NDArray[np.uint8], FrameMetadata], None, None]:
        """Each newest frame as it comes, waiting for it, until the source has ended.

        Between two frames that it gives, others may have been published: `metadata.missed` says how many. It goes on
        over restarts, reconnects and changes of resolution. Waiting and copying release the GIL; Ctrl-C is heard.

        Args:
            timeout: How long to wait for each frame, in seconds; None for as long as it takes.

        Yields:
            A writable copy, uint8, (height, width) or (height, width, channels), to keep as long as you like, and
            what is known of it.

        Raises:
            TimeoutError: No newer frame came within `timeout`.
            RuntimeError: The reader is not attached, or was detached meanwhile.
        """
        while True:
            try:
                frame = self.lease(timeout)
            except EndOfStream:
                return
            yield _copy(frame)

    async def __aiter__(self) -> AsyncGenerator[tuple[NDArray[np.uint8], FrameMetadata], None]:
        """As `frames`, for `async for` under asyncio.

        Waiting happens in a thread of its own and takes nothing, so that no frame is lost where it is cancelled. The
        copy is made in the event loop's thread, in about half a millisecond for 1080p. Other tasks get their turn
        between any two frames.
        """
        import asyncio  # noqa: PLC0415 - whoever iterates so has it; whoever does not, need not wait for it
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - likewise

        loop = asyncio.get_running_loop()
        # Not the loop's own workers: they are few, and a stream that stands still would keep one.
        worker = ThreadPoolExecutor(1, "billiards_video_wait")
        try:
            while True:
                try:
                    frame = self.try_lease()
                    if frame is None:
                        await loop.run_in_executor(worker, self.wait_newer, _SLICE_SECONDS)
                        continue
                except EndOfStream:
                    return
                yield _copy(frame)
                await asyncio.sleep(0)
        finally:
            worker.shutdown(wait=False)

    def status(self) -> dict[str, Any]:
        """What the writer tells about its source, at most a second old: settings, drops by reason, reconnects.

        Which keys there are is the writer's affair. Reads a file; does not wait.

        Returns:
            The status; empty if the writer has given none.

        Raises:
            RuntimeError: The reader is not attached.
            OSError: The status file cannot be read.
            ValueError: What the writer has given is no JSON object.
        """
        import json  # noqa: PLC0415 - a reader that asks for no status need not wait for it

        text = self.status_text()
        status = json.loads(text) if text else {}
        if not isinstance(status, dict):
            what = type(status).__name__
            raise ValueError(f"the status of '{self.name}' is {what}, not a JSON object")  # noqa: TRY004 - bad data
        return status


def _copy(frame: Frame) -> tuple[NDArray[np.uint8], FrameMetadata]:
    """Ends the lease. The caller gets the only reference to the copy."""
    with frame:
        return frame.array.copy(), frame.metadata

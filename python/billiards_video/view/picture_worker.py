"""The one thread of the server that reads frames, and makes the pictures that viewers wait for."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from billiards_video.ipc import EndOfStream, SharedMemoryFrameReader
from billiards_video.view.encoding import encoded, smaller_copy

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from billiards_video.ipc import Frame, FrameMetadata
    from billiards_video.view.picture_request import Variant

_SLICE_SECONDS = 0.25
"""How long a wait for a frame or for the stream may last until the worker looks at what is wanted."""
_DETACH_SECONDS = 10.0
"""How long nobody may want a picture until the worker lets go of the stream and its memory."""


class Picture(NamedTuple):
    """A frame as a JPEG."""

    jpeg: bytes
    width: int
    height: int
    metadata: FrameMetadata
    """Of the frame."""
    serial: int
    """Rises from each frame that the server takes to the next, also over restarts of the writer; from 1 on."""
    encoded_ns: int
    """When the encoding was done, `time.monotonic_ns()`."""


@dataclass(eq=False)
class _Want:
    """A viewer that waits for a picture of a frame newer than `after`, from `due_ns` on."""

    variant: Variant
    after: int
    due_ns: int
    future: asyncio.Future[Picture] = field(repr=False)


class PictureWorker:
    """Encodes each frame once for each variant that somebody waits for, and nothing that nobody waits for.

    A viewer asks for its next picture when it has got rid of the last one, so a slow one misses frames, and delays
    nobody. A lease lasts until the frame is encoded, or copied in a smaller size. `start`, `next` and `stop` are the
    event loop's; the thread is the worker's own. `observe` is told, in that thread, how long each encoding took (s).

    Raises:
        ValueError: The name cannot be used.
    """

    def __init__(self, name: str, observe: Callable[[float], None]) -> None:
        self._reader = SharedMemoryFrameReader(name, reader_name="view")
        self._name = name
        self._observe = observe
        self._news = threading.Condition()
        self._wants: list[_Want] = []
        self._stopped = False
        self._serial = 0
        self._newest = (0, 0)
        self._pictures: dict[Variant, Picture] = {}  # of the newest frame taken
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Starts the thread, which ends with the process."""
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._run, name="pictures", daemon=True).start()

    def stop(self) -> None:
        """Ends the thread, within a quarter of a second; does not wait for that. Who still waits is cancelled."""
        with self._news:
            self._stopped = True
            wants, self._wants = self._wants, []
            self._news.notify()
        for want in wants:
            want.future.cancel()

    async def next(self, variant: Variant, after: int = 0, due_ns: int = 0) -> Picture:
        """The newest frame's picture; waits until there is a frame whose serial is more than `after`, and for `due_ns`.

        With 0, any frame will do, but the newest it is.
        """
        assert self._loop is not None  # noqa: S101 - for the type checker: the application starts it first
        want = _Want(variant, after, due_ns, self._loop.create_future())
        with self._news:
            picture = self._pictures.get(variant)
            if picture is not None and 0 < after < picture.serial and due_ns <= time.monotonic_ns():
                return picture
            self._wants.append(want)
            self._news.notify()
        try:
            return await want.future
        finally:
            with self._news:
                if want in self._wants:
                    self._wants.remove(want)

    def _run(self) -> None:
        while self._await_demand():
            try:
                self._reader.attach(_SLICE_SECONDS)
                self._serve_waiting()
            except TimeoutError:
                pass  # there is no stream; the attach has waited, and the page says why
            except (OSError, RuntimeError):  # damaged, or full of readers; another writer may mend it
                self._reader.detach()
                time.sleep(_SLICE_SECONDS)
        self._reader.detach()

    def _await_demand(self) -> bool:
        """Waits until somebody wants a picture now; False at the end."""
        with self._news:
            while not self._stopped:
                now_ns = time.monotonic_ns()
                due_ns = min((want.due_ns for want in self._wants), default=None)
                if due_ns is None:
                    if not self._news.wait(_DETACH_SECONDS):
                        self._reader.detach()
                        self._pictures.clear()
                elif due_ns <= now_ns:
                    return True
                else:
                    self._news.wait((due_ns - now_ns) / 1e9)
            return False

    def _serve_waiting(self) -> None:
        try:
            frame = self._reader.try_lease()
            if frame is None and self._serve_again(self._variants_due(newcomers=True)):
                return
            if frame is None:
                frame = self._reader.lease(_SLICE_SECONDS)
        except TimeoutError:
            self._serve_again(self._variants_due())
            return
        except EndOfStream:
            self._serve_again(self._variants_due())
            time.sleep(_SLICE_SECONDS)  # the end is told at once, each time
            return
        self._number(frame.metadata)
        self._serve(frame, self._variants_due())

    def _serve_again(self, variants: list[Variant]) -> bool:
        """Serves who came after the newest frame was taken: with its picture, or by a handle that has not seen it."""
        if self._reader.writer_alive:
            for variant in [one for one in variants if one in self._pictures]:
                variants.remove(variant)
                self._hand_out(variant, self._pictures[variant])
        if not variants:
            return False
        with SharedMemoryFrameReader(self._name, observe=True, allow_dead=True) as again:
            frame = again.try_lease()
        if frame is None:
            return False
        self._number(frame.metadata)
        self._serve(frame, variants)
        return True

    def _number(self, metadata: FrameMetadata) -> None:
        """Gives a frame that was not taken before its serial; the two handles may both come to the same one."""
        identity = (metadata.published_ns, metadata.sequence)
        if identity != self._newest:
            with self._news:
                self._newest = identity
                self._serial += 1
                self._pictures.clear()

    def _variants_due(self, *, newcomers: bool = False) -> list[Variant]:
        """What those want who have not seen the newest frame, and are due; with `newcomers`, who have seen none."""
        now_ns = time.monotonic_ns()
        with self._news:
            before = 1 if newcomers else self._serial
            return list({want.variant: None for want in self._wants if want.due_ns <= now_ns and want.after < before})

    def _serve(self, frame: Frame, variants: list[Variant]) -> None:
        metadata = frame.metadata
        smaller: list[tuple[Variant, NDArray[np.uint8]]] = []
        with frame:  # until all that needs the frame itself is done
            for variant in variants:
                if variant.size(metadata.width, metadata.height) == (metadata.width, metadata.height):
                    self._encode(variant, metadata, frame.array)
                else:
                    smaller.append((variant, smaller_copy(frame.array, variant)))
        for variant, pixels in smaller:
            self._encode(variant, metadata, pixels)

    def _encode(self, variant: Variant, metadata: FrameMetadata, pixels: NDArray[np.uint8]) -> None:
        began_ns = time.monotonic_ns()
        jpeg = encoded(pixels, metadata.format, variant.quality)
        done_ns = time.monotonic_ns()
        self._observe((done_ns - began_ns) / 1e9)
        height, width = pixels.shape[:2]
        self._hand_out(variant, Picture(jpeg, width, height, metadata, self._serial, done_ns))

    def _hand_out(self, variant: Variant, picture: Picture) -> None:
        now_ns = time.monotonic_ns()
        with self._news:
            self._pictures[variant] = picture
            served = [
                want
                for want in self._wants
                if want.variant == variant and want.after < picture.serial and want.due_ns <= now_ns
            ]
            self._wants = [want for want in self._wants if want not in served]
        if self._loop is not None and served:
            try:
                self._loop.call_soon_threadsafe(_deliver, [want.future for want in served], picture)
            except RuntimeError:
                return  # the server has ended


def _deliver(futures: list[asyncio.Future[Picture]], picture: Picture) -> None:
    for future in futures:
        if not future.done():
            future.set_result(picture)

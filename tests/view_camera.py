"""A stream to look at: small frames at a steady rate, whose brightness tells which one it is of."""

import json
import threading
from types import TracebackType
from typing import Self

import numpy as np
import simplejpeg  # type: ignore[import-untyped]
from numpy.typing import NDArray

from billiards_video import SharedMemoryFrameWriter

WIDTH, HEIGHT = 160, 120
FPS = 50
LEVELS = 48


def level(number: int) -> int:
    """How bright the frame of that number is."""
    return 8 + 5 * (number % LEVELS)


def number_of(picture: NDArray[np.uint8]) -> int:
    """The number of the frame that a picture is of, modulo `LEVELS`."""
    return round((float(picture.mean()) - 8) / 5)


def decoded(jpeg: bytes) -> NDArray[np.uint8]:
    """The pixels of a JPEG."""
    pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(jpeg, "BGR")
    return pixels


class Camera:
    """Publishes under the name, from a thread of its own, while its block lasts."""

    def __init__(
        self, name: str, *, noise: tuple[int, int] | None = None, status: dict[str, object] | None = None
    ) -> None:
        width, height = noise or (WIDTH, HEIGHT)
        self.writer = SharedMemoryFrameWriter(name, width, height)
        self.published = 0
        self._period = 1 / FPS
        self._status = json.dumps(status or {})
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._publish)
        self._pictures = [
            np.random.default_rng(number).integers(0, 256, (height, width, 3), np.uint8)
            if noise
            else np.full((height, width, 3), level(number), np.uint8)
            for number in range(LEVELS)
        ]
        self._news = threading.Condition()

    def __enter__(self) -> Self:
        self.writer.initialize()
        self.writer.set_status(self._status)
        self._write()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.hold()
        self.writer.cleanup()

    def hold(self) -> None:
        """Publishes nothing more."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()

    def wait_for(self, frames: int) -> None:
        """Waits until so many more frames were published."""
        with self._news:
            until = self.published + frames
            assert self._news.wait_for(lambda: self.published >= until, 20)

    def _publish(self) -> None:
        while not self._end.wait(self._period):
            self._write()

    def _write(self) -> None:
        self.writer.write_frame(self._pictures[self.published % LEVELS], self.published)
        with self._news:
            self.published += 1
            self._news.notify_all()

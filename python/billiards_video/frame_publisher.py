"""The way of a frame from its source into the stream: lent a buffer, converted into it, published."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from billiards_video.ipc import FrameFormat

if TYPE_CHECKING:
    from billiards_video.capture import Grabbed
    from billiards_video.capture.preprocessing import Preprocessing
    from billiards_video.capture.source import Pixels
    from billiards_video.capture_stream import CaptureStream
    from billiards_video.ipc import SharedMemoryFrameWriter
    from billiards_video.picture_watch import PictureWatch
    from billiards_video.watched_source import WatchedSource


class FramePublisher:
    """Publishes what its source has grabbed. For one thread; how it is done may be changed by another at any time."""

    def __init__(self, source: WatchedSource, stream: CaptureStream) -> None:
        self._source = source
        self._stream = stream
        self.preprocessing: Preprocessing | None = None
        """What is done to each frame, if anything is."""
        self.picture: PictureWatch | None = None
        """What looks whether a live picture lives, if anything does."""

    def publish(
        self, writer: SharedMemoryFrameWriter, number: int, captured_ns: int, grabbed: Grabbed, *, discontinuity: bool
    ) -> bool:
        """Converts the grabbed frame into a free buffer and publishes it; where there is none, it is not converted."""
        began_ns = time.monotonic_ns()
        with writer.loan() as slot:
            if slot is None:
                self._stream.statistics.dropped += 1
                return False
            array = slot.array
            lent_ns = time.monotonic_ns()
            picture = self._retrieve(array)
            if picture is not None and self.picture is not None:
                self.picture.look(picture, captured_ns)
            if picture is array:
                filled_ns = time.monotonic_ns()
                slot.publish(
                    number,
                    captured_ns=captured_ns,
                    position_ns=grabbed.position_ns,
                    loop_count=grabbed.loop_count,
                    discontinuity=discontinuity,
                )
                self._stream.times.publish.record(lent_ns - began_ns + time.monotonic_ns() - filled_ns)
                self._stream.statistics.written += 1
                return True
        del slot, array  # a cancelled buffer is free once nothing shows it, and may be the only one
        if picture is None:
            self._stream.statistics.unusable += 1
            return False
        began_ns = time.monotonic_ns()
        height, width = picture.shape[:2]
        form = FrameFormat.GRAY8 if picture.ndim == 2 else FrameFormat.BGR24  # noqa: PLR2004 - rows and columns alone
        if (width, height, form) != (writer.width, writer.height, writer.frame_format):
            self._stream.reshape(writer, width, height, form)
        published = writer.write_frame(
            picture,
            number,
            captured_ns=captured_ns,
            position_ns=grabbed.position_ns,
            loop_count=grabbed.loop_count,
            discontinuity=discontinuity,
        )
        self._stream.times.publish.record(time.monotonic_ns() - began_ns)
        self._stream.statistics.written += published
        self._stream.statistics.dropped += not published
        return published

    def _retrieve(self, out: Pixels) -> Pixels | None:
        """Converts the grabbed frame into `out`, the shared memory: the source itself, where nothing is to be done."""
        preprocessing = self.preprocessing
        if preprocessing is None:
            return self._source.retrieve(out)
        began_ns = time.monotonic_ns()
        picture = preprocessing.retrieve(self._source, out)
        self._stream.times.preprocess.record(time.monotonic_ns() - began_ns - self._source.retrieve_ns)
        return picture

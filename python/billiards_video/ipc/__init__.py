"""The Python face of the frame bus: the writer, the reader, frames and what is known of them."""

from billiards_video._core import (
    Anticipation,
    Counters,
    EndOfStream,
    Frame,
    FrameFormat,
    FrameMetadata,
    Loan,
    ReaderFigures,
    Reservation,
    SharedMemoryFrameWriter,
    Slot,
    State,
)
from billiards_video.ipc.reader import SharedMemoryFrameReader

__all__ = [
    "Anticipation",
    "Counters",
    "EndOfStream",
    "Frame",
    "FrameFormat",
    "FrameMetadata",
    "Loan",
    "ReaderFigures",
    "Reservation",
    "SharedMemoryFrameReader",
    "SharedMemoryFrameWriter",
    "Slot",
    "State",
]

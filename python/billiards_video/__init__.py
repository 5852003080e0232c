"""One camera, many processes: every process of the machine sees the newest frame, without a copy, a lock or a wait.

A capture process (`python -m billiards_video`) publishes frames under a name, in shared memory. Any process reads
them with `SharedMemoryFrameReader`, or, with the name taken from `config.json`, with `VideoConsumer`. Programs with a
source of their own publish with `SharedMemoryFrameWriter`. Importing this loads NumPy, and neither OpenCV nor
anything else that is slow.
"""

import sys

if sys.platform != "linux":
    raise ImportError(f"billiards_video runs on Linux only (this is {sys.platform}): it stands on tmpfs and futexes")

from billiards_video._core import (
    EndOfStream,
    Frame,
    FrameFormat,
    FrameMetadata,
    SharedMemoryFrameWriter,
    State,
    __version__,
)
from billiards_video.consumer import VideoConsumer, VideoModuleNotAvailableError
from billiards_video.ipc import SharedMemoryFrameReader

__all__ = [
    "EndOfStream",
    "Frame",
    "FrameFormat",
    "FrameMetadata",
    "SharedMemoryFrameReader",
    "SharedMemoryFrameWriter",
    "State",
    "VideoConsumer",
    "VideoModuleNotAvailableError",
    "__version__",
]

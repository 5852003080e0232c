"""One camera, many processes: every process of the machine sees the newest frame, without a copy, a lock or a wait.

A capture process (`python -m billiards_video`) publishes frames under a name, in shared memory. Any process reads
them with `SharedMemoryFrameReader`, or, with the name taken from `config.json`, with `VideoConsumer`. Programs with a
source of their own publish with `SharedMemoryFrameWriter`. A name is imported when it is first asked for: that loads
NumPy, and neither OpenCV nor anything else that is slow.
"""

import sys
from typing import TYPE_CHECKING

if sys.platform != "linux":
    raise ImportError(f"billiards_video runs on Linux only (this is {sys.platform}): it stands on tmpfs and futexes")

if TYPE_CHECKING:
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

# NumPy takes a tenth of a second to import, and whoever asks the command line for its help needs none.
_HOMES = {
    "SharedMemoryFrameReader": "billiards_video.ipc",
    "VideoConsumer": "billiards_video.consumer",
    "VideoModuleNotAvailableError": "billiards_video.consumer",
}


def __getattr__(name: str) -> object:
    """Imports a public name at its first use, and the modules `ipc` and `consumer`."""
    from importlib import import_module  # noqa: PLC0415 - nothing stands here but what the package offers

    if name in {"ipc", "consumer"}:
        return import_module(f"billiards_video.{name}")
    if name not in __all__:
        raise AttributeError(f"module 'billiards_video' has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES.get(name, "billiards_video._core")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

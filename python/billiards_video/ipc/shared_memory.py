"""The names of the system that this one replaces, where its clients look for them.

Moving over is one word in an import line: `from billiards_video.ipc.shared_memory import SharedMemoryFrameReader`.
"""

from billiards_video._core import FrameFormat, FrameMetadata, SharedMemoryFrameWriter
from billiards_video.ipc.reader import SharedMemoryFrameReader

__all__ = ["FrameFormat", "FrameMetadata", "SharedMemoryFrameReader", "SharedMemoryFrameWriter"]

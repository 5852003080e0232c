"""Small frames whose every pixel says which frame it is of, and what is held of them."""

import numpy as np
from numpy.typing import NDArray

from billiards_video import SharedMemoryFrameWriter

HEIGHT, WIDTH = 48, 64


def picture(value: int, channels: int = 3) -> NDArray[np.uint8]:
    """A frame in which every pixel differs from its neighbours, and from the same pixel of another value."""
    shape = (HEIGHT, WIDTH) if channels == 1 else (HEIGHT, WIDTH, channels)
    return (np.arange(np.prod(shape)).reshape(shape) * 7 + value).astype(np.uint8)


def held(writer: SharedMemoryFrameWriter) -> int:
    """How many buffers the writer's one reader holds."""
    (figures,) = writer.readers()
    return figures.held

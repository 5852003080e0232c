"""A capture process whose source does what its standard input says: `python tests/scripted_source.py CONFIG`.

    frame 64x48 7       gives a frame of that size, every byte of it 7
    lose it went away   fails with that text
    end                 ends, as a file does

Until the next line comes the source blocks, as a camera does that gives no frame.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from billiards_video.capture import SourceError
from billiards_video.capture.fake import FakeSource
from billiards_video.config import load
from billiards_video.logs import Log
from billiards_video.process import VideoProcess


def script() -> Iterator[npt.NDArray[np.uint8] | Exception]:
    """What the source does next, as it is read."""
    while True:
        # Not through sys.stdin, whose lock a thread that is abandoned while it reads would keep.
        line = bytearray()
        while not line.endswith(b"\n"):
            line += os.read(0, 1) or b"\n"
        match line.decode().split():
            case ["frame", size, value]:
                width, height = map(int, size.split("x"))
                yield np.full((height, width, 3), int(value), np.uint8)
            case ["lose", *words]:
                yield SourceError(" ".join(words))
            case _:
                return


if __name__ == "__main__":
    config = load(Path(sys.argv[1]), os.environ).config
    with Log(config.system.logging.level):
        code = VideoProcess(config, FakeSource(script())).run()
    os._exit(code)

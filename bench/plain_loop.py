"""The floor of a capture process: a plain `cap.read()` loop at the file's own pace, and nothing done with the frames.

Run as `python -m bench.plain_loop FILE COUNTER`; the first word of COUNTER is the number of frames read. The decoder
has as many threads as ours begins with.
"""

from __future__ import annotations

import mmap
import sys
from pathlib import Path

import cv2
import numpy as np

from bench.pacing import Pace
from billiards_video.capture.decoder_threads import DecoderThreads


def main() -> None:
    """Read the file to its end."""
    path, counter = sys.argv[1:]
    with Path(counter).open("r+b") as file:
        word = np.frombuffer(mmap.mmap(file.fileno(), 0), dtype=np.uint64)
    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, DecoderThreads().count])
    pace = Pace(capture.get(cv2.CAP_PROP_FPS))
    while capture.read()[0]:
        pace.wait()
        word[0] += 1


if __name__ == "__main__":
    main()

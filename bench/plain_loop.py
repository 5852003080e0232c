"""The floors of a capture process: OpenCV alone at the file's own pace, and nothing done with the frames.

Run as `python -m bench.plain_loop FILE COUNTER MANNER`; the first word of COUNTER is the number of frames read. The
manners: `read` with as many decoder threads as ours takes for such a file, `default` with OpenCV's own choice, and
`decode`, as the first but without conversion: frames are grabbed and dropped.
"""

from __future__ import annotations

import mmap
import sys
from pathlib import Path

import cv2
import numpy as np

from bench.pacing import Pace
from billiards_video.capture.decoder_threads import DecoderThreads


def opened(path: str, manner: str) -> cv2.VideoCapture:
    """Open the file with the manner's number of threads."""
    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
    if manner == "default":
        return capture
    width, height, per_second = (
        capture.get(what) for what in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS)
    )
    capture.release()
    threads = DecoderThreads()
    threads.expect(width * height * per_second)
    return cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, threads.count])


def main() -> None:
    """Read the file to its end."""
    path, counter, manner = sys.argv[1:]
    with Path(counter).open("r+b") as file:
        word = np.frombuffer(mmap.mmap(file.fileno(), 0), dtype=np.uint64)
    capture = opened(path, manner)
    pace = Pace(capture.get(cv2.CAP_PROP_FPS))
    while capture.grab() if manner == "decode" else capture.read()[0]:
        pace.wait()
        word[0] += 1


if __name__ == "__main__":
    main()

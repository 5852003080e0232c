"""Makes a video in which every frame differs from every other, also after compression: `make_video(path, frames)`."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np


def make_video(path: Path, frames: int, *, fps: float = 30, size: str = "320x240") -> None:
    """Writes a video whose codec is the name of the file: `MJPG.avi`, `mp4v.mp4`, `FFV1.mkv`.

    In a process of its own, so that the encoder's threads and its noise are not the test's.
    """
    command = [sys.executable, __file__, str(path), path.stem, str(frames), str(fps), *size.split("x")]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def _write(path: str, codec: str, frames: int, fps: float, size: tuple[int, int]) -> None:
    """A still background, a moving bar, and the frame number in black and white blocks."""
    width, height = size
    writer = cv2.VideoWriter(path, cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), fps, size)
    if not writer.isOpened():
        sys.exit(f"this OpenCV cannot write {codec} to {path}")
    rows, columns = np.mgrid[:height, :width]
    ramps = [rows * 255 // height, columns * 255 // width, (rows + columns) % 256]
    background = np.stack(ramps, axis=2).astype(np.uint8)
    block = width // 16
    for number in range(frames):
        frame = background.copy()
        frame[:, number * 3 % width : number * 3 % width + block] = 255
        for bit in range(16):
            frame[:block, bit * block : (bit + 1) * block] = 255 if number >> bit & 1 else 0
        writer.write(frame)
    writer.release()


if __name__ == "__main__":
    path, codec, frames, fps, width, height = sys.argv[1:]
    _write(path, codec, int(frames), float(fps), (int(width), int(height)))

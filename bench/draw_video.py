"""Draws the video files that capturing is measured on: `python -m bench.draw_video PATH WIDTH HEIGHT FRAMES RATE`.

A process of its own, so that the one that measures never loads OpenCV.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from bench.sides import Pixels

PAN = 256  # pixels by which the picture may wander over its background


def background(width: int, height: int) -> Pixels:
    """Soft coloured texture, so that the decoder has about as much to do as with a real scene."""
    random = np.random.default_rng(seed=7)
    noise = random.integers(0, 256, (height + PAN, width + PAN, 3), dtype=np.uint8)
    soft = cv2.GaussianBlur(noise, (0, 0), sigmaX=6)
    return np.asarray(cv2.normalize(soft, soft, 0, 255, cv2.NORM_MINMAX), dtype=np.uint8)


def draw(path: Path, width: int, height: int, frames: int, per_second: float) -> None:
    """Write an MPEG-4 file: a slow pan over the background with a ball crossing it."""
    code = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(path), code, per_second, (width, height))
    if not writer.isOpened():
        raise RuntimeError(f"OpenCV {cv2.__version__} cannot write {path}: no MPEG-4 encoder, or no such folder")
    scene = background(width, height)
    for number in range(frames):
        top, left = number % PAN, 2 * number % PAN
        frame = scene[top : top + height, left : left + width].copy()
        centre = (round(width * (0.5 + 0.4 * math.sin(number / 20))), height // 2)
        cv2.circle(frame, centre, height // 20, (0, 0, 255), thickness=-1)
        writer.write(frame)
    writer.release()


if __name__ == "__main__":
    draw(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))

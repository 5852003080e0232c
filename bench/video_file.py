"""The video files that capturing is measured on: made once, kept in the folder of the report."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from bench.child import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from bench.sides import Size


def video_file(directory: Path, size: Size, frames: int, per_second: float) -> Path:
    """Return a file of `frames` frames of this size and rate, and draw it if it is not there yet."""
    path = directory / f"{size.width}x{size.height}-{frames}-frames-{per_second:g}.mp4"
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part.mp4")
        numbers = [str(value) for value in (size.width, size.height, frames, per_second)]
        subprocess.run([sys.executable, "-m", "bench.draw_video", str(unfinished), *numbers], cwd=ROOT, check=True)
        unfinished.rename(path)
    return path

"""Makes a video in which every frame differs from every other, also after compression: `make_video(path, frames)`.

`encode_video` makes what OpenCV cannot write: any codec, container and rate, uneven or shifted times, interlacing.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]

BITS = 16


def make_video(path: Path, frames: int, *, fps: float = 30, size: str = "320x240") -> None:
    """Writes a video whose codec is the name of the file: `MJPG.avi`, `mp4v.mp4`, `FFV1.mkv`.

    In a process of its own, so that the encoder's threads and its noise are not the test's.
    """
    _run("opencv", path, codec=path.stem, frames=frames, fps=fps, size=size)


def encode_video(
    path: Path,
    frames: int,
    codec: str = "libx264",
    *,
    fps: str = "30",
    size: str = "320x240",
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    times: Sequence[int] | None = None,
    shown: Sequence[int] | None = None,
) -> None:
    """Writes a video with FFmpeg, by its names for codecs, pixel formats and options; its rate may be a fraction.

    `times` are the frames' presentation times in milliseconds. `shown` has the number that each frame shows, by which
    `number_in` knows it, where that is not its own; -1 is a black frame.
    """
    _run(
        "ffmpeg",
        path,
        codec=codec,
        frames=frames,
        fps=fps,
        size=size,
        pixels=pixels,
        options=options or {},
        container=container or {},
        times=times,
        shown=shown,
    )


def number_in(picture: Pixels) -> int:
    """The number that a picture shows."""
    block = picture.shape[1] // BITS
    half = block // 2
    return sum(bool(picture[half, bit * block + half].mean() > 127) << bit for bit in range(BITS))


def _run(way: str, path: Path, **arguments: object) -> None:
    command = [sys.executable, __file__, way, str(path), json.dumps(arguments)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def _background(width: int, height: int) -> Pixels:
    rows, columns = np.mgrid[:height, :width]
    ramps = [rows * 255 // height, columns * 255 // width, (rows + columns) % 256]
    return np.stack(ramps, axis=2).astype(np.uint8)


def _picture(background: Pixels, number: int) -> Pixels:
    """A still background, a moving bar, and the number in black and white blocks."""
    frame = background.copy()
    if number < 0:
        frame[:] = 0
        return frame
    width = frame.shape[1]
    block = width // BITS
    frame[:, number * 3 % width : number * 3 % width + block] = 255
    for bit in range(BITS):
        frame[:block, bit * block : (bit + 1) * block] = 255 if number >> bit & 1 else 0
    return frame


def _write(path: str, *, codec: str, frames: int, fps: float, size: str) -> None:
    width, height = map(int, size.split("x"))
    writer = cv2.VideoWriter(path, cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), fps, (width, height))
    if not writer.isOpened():
        sys.exit(f"this OpenCV cannot write {codec} to {path}")
    background = _background(width, height)
    for number in range(frames):
        writer.write(_picture(background, number))
    writer.release()


def _encode(
    path: str,
    *,
    codec: str,
    frames: int,
    fps: str,
    size: str,
    pixels: str,
    options: dict[str, str],
    container: dict[str, str],
    times: list[int] | None,
    shown: list[int] | None,
) -> None:
    import av  # noqa: PLC0415 - only in the process that encodes: it has an FFmpeg of its own

    width, height = map(int, size.split("x"))
    background = _background(width, height)
    tick = Fraction(1, 1000) if times else 1 / Fraction(fps)
    with av.open(path, "w", options=container) as output:
        stream = cast("av.VideoStream", output.add_stream(codec, rate=Fraction(fps), options=options))
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        stream.codec_context.time_base = tick
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(_picture(background, shown[number] if shown else number), "bgr24")
            frame.pts, frame.time_base = (times[number] if times else number), tick
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


if __name__ == "__main__":
    way, path, arguments = sys.argv[1:]
    (_write if way == "opencv" else _encode)(path, **json.loads(arguments))


def damaged(whole: Path, path: Path, begin: float, end: float) -> Path:
    """A copy of an MP4 file whose frames are zeros between two parts of its data."""
    data = bytearray(whole.read_bytes())
    first, last = data.find(b"mdat") + 4, data.find(b"moov") - 4
    cut = slice(first + int((last - first) * begin), first + int((last - first) * end))
    data[cut] = bytes(cut.stop - cut.start)
    path.write_bytes(data)
    return path

"""`billiards-video snapshot`: the newest frame as a PNG or JPEG."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from billiards_video.cli.outcome import OK, USAGE, CommandError
from billiards_video.cli.stream_choice import observe, owner_of, stream_name
from billiards_video.cli.words import seconds, size
from billiards_video.ipc import FrameFormat

if TYPE_CHECKING:
    import argparse

    import numpy as np
    from numpy.typing import NDArray

    from billiards_video.ipc import FrameMetadata, SharedMemoryFrameReader

    Form = Literal["png", "jpeg"]

STANDARD_OUTPUT = "-"

_FORMS: dict[str, Form] = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg"}
_FIRST_FRAME_SECONDS = 2.0
_RGB = (FrameFormat.RGB24, FrameFormat.RGBA32)


def command(asked: argparse.Namespace) -> int:
    """Writes the newest frame, and says on standard error what it is."""
    name = stream_name(asked.name)
    form: Form = asked.format or _form(asked.output)
    output = asked.output or f"{name}.{'jpg' if form == 'jpeg' else form}"
    if output == STANDARD_OUTPUT and sys.stdout.isatty():
        raise CommandError("a picture is nothing for a terminal: give -o FILE, or send it on with | or >", USAGE)
    with observe(name, owner_of(asked), allow_dead=False) as reader:
        from billiards_video.capture.still import encode  # noqa: PLC0415 - OpenCV takes long: not before it is needed

        picture, frame = _newest(reader)
        taken_ns = time.monotonic_ns()
    try:
        data = encode(picture, form, rgb=frame.format in _RGB, quality=asked.quality)
    except ValueError as error:
        raise CommandError(str(error)) from None
    _write(output, data)
    age = seconds(max(0, taken_ns - frame.captured_ns) / 1e9)
    what = f"frame {frame.frame_number:,} of '{name}', {frame.width}x{frame.height}, {age} old"
    where = "standard output" if output == STANDARD_OUTPUT else output
    sys.stderr.write(f"{where}: {what}, {size(len(data))} of {form.upper()}\n")
    return OK


def _form(output: str | None) -> Form:
    """What the file's name says."""
    if output is None or output == STANDARD_OUTPUT:
        return "png"
    form = _FORMS.get(Path(output).suffix.lower())
    if form is None:
        raise CommandError(f"{output} ends in none of {', '.join(_FORMS)}: add --format png or --format jpeg", USAGE)
    return form


def _newest(reader: SharedMemoryFrameReader) -> tuple[NDArray[np.uint8], FrameMetadata]:
    picture, frame = reader.read_frame()
    if picture is None or frame is None:
        picture, frame = reader.wait_for_frame(_FIRST_FRAME_SECONDS)
    if picture is None or frame is None:
        raise CommandError(f"stream '{reader.name}' has no frame yet; 'billiards-video status {reader.name}' says more")
    return picture, frame


def _write(output: str, data: bytes) -> None:
    if output == STANDARD_OUTPUT:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        Path(output).write_bytes(data)
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror}") from None

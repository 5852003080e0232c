"""What a viewer asks for: quality, size and rate, with the ranges that are allowed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_QUALITY = (1, 100)
_FPS = (1, 240)
_SIDE = (16, 16384)
_DEFAULT_QUALITY = 80
_NUMBER = re.compile(r"[0-9]{1,6}")


class Variant(NamedTuple):
    """A way to encode a frame. All viewers that ask for the same one share its encoding."""

    quality: int
    """Of the JPEG, 1 to 100."""
    width: int | None
    """At most so wide; None for as wide as the frame."""
    height: int | None
    """At most so high, likewise."""

    def size(self, width: int, height: int) -> tuple[int, int]:
        """The size of the picture of a frame of that size: its own aspect ratio, and never enlarged."""
        scale = min(1.0, (self.width or width) / width, (self.height or height) / height)
        return max(1, round(width * scale)), max(1, round(height * scale))


class PictureRequest(NamedTuple):
    """What one viewer asks for."""

    variant: Variant
    fps: int | None
    """Pictures a second at most; None for every one."""

    @property
    def period_ns(self) -> int:
        """The least time between two pictures."""
        return 0 if self.fps is None else 1_000_000_000 // self.fps


def picture_request(query: Mapping[str, str]) -> PictureRequest:
    """Reads `quality`, `fps`, `width` and `height`; other keys are left alone.

    Raises:
        ValueError: A value is not what is allowed; the text says what is.
    """
    quality = _whole(query, "quality", _QUALITY)
    return PictureRequest(
        Variant(
            quality=_DEFAULT_QUALITY if quality is None else quality,
            width=_whole(query, "width", _SIDE),
            height=_whole(query, "height", _SIDE),
        ),
        fps=_whole(query, "fps", _FPS),
    )


def _whole(query: Mapping[str, str], key: str, allowed: tuple[int, int]) -> int | None:
    text = query.get(key, "")
    if not text:
        return None
    least, most = allowed
    if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
        raise ValueError(f"{key} is {text[:40]!r}: a whole number from {least} to {most} is allowed")
    return int(text)

"""The readings in the bar below the table: frame number, elapsed time, time of day, and a row of lamps.

The lamps show a person at a glance whether frames come evenly: one for each frame of a second, lit in turn.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from billiards_video.capture.picture.layout import Layout
    from billiards_video.capture.source import Pixels

    Colour = tuple[int, int, int]

_BAR = (26, 24, 24)
_BRIGHT = (244, 246, 246)
_DIM = (140, 136, 134)
_LAMP = (60, 200, 255)
_LAMP_OFF = (62, 58, 57)

_LABELS = ("FRAME", "ELAPSED", "TIME OF DAY")
_WIDEST = ("0000000", "00:00:00.000", "0000-00-00 00:00:00.000")
_CHARACTERS = "0123456789:.- "
_SMALLEST = 8  # pixels; where readings would be smaller the last one is left out
_SMALLEST_LABEL = 9
_MOST_LAMPS = 240
_NS = 1_000_000_000

# Heights as parts of the bar's; characters as parts of their size.
_LAMP_ROWS = (0.05, 0.13)
_LABEL_BASELINE, _LABEL_SIZE, _LABEL_WEIGHT = 0.36, 0.17, 400
_BASELINE, _SIZE, _WEIGHT = 0.9, 0.6, 500
_SIZE_WITHOUT_LABELS = 0.85
_ASCENT, _HEIGHT = 0.8, 0.88


class Readout:
    """Draws the bar of pictures of one size and rate. Each character is drawn once and copied from then on."""

    def __init__(self, layout: Layout, fps: float) -> None:
        self._layout = layout
        self._bar = layout.height - layout.bar_top
        self._font = cv2.FontFace("sans")
        self._labels = self._bar * _LABEL_SIZE >= _SMALLEST_LABEL
        self._size, self._lefts = self._fitted()
        self._characters = {character: self._drawn(character) for character in _CHARACTERS}
        lamps = max(1, round(fps))
        self._lamps = lamps if lamps <= min(_MOST_LAMPS, layout.width // 4) else 0
        self._lit = 0
        self._shown: tuple[str, ...] = ("",) * len(self._lefts)

    def draw_still(self, background: Pixels) -> None:
        """Draws the bar, its labels, the lamps unlit, and no reading yet."""
        background[self._layout.bar_top :] = _BAR
        for lamp in range(self._lamps):
            self._lamp(background, lamp)[:] = _LAMP_OFF
        if self._labels:
            size, baseline = round(self._bar * _LABEL_SIZE), self._layout.bar_top + round(self._bar * _LABEL_BASELINE)
            for label, left in zip(_LABELS, self._lefts, strict=False):
                cv2.putText(background, label, (left, baseline), _DIM, self._font, size, weight=_LABEL_WEIGHT)

    def draw(self, background: Pixels, number: int, elapsed_ns: int, wall_ns: int) -> None:
        """Changes the readings, in the picture they were drawn into before, to those of frame `number`."""
        seconds, rest = divmod(elapsed_ns, _NS)
        elapsed = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest // 1_000_000:03d}"
        wall = f"{_time_of_day(wall_ns // _NS)}.{wall_ns % _NS // 1_000_000:03d}"
        texts = (f"{number:07d}", elapsed, wall)[: len(self._lefts)]
        rights = (*self._lefts[1:], self._layout.width)
        for text, shown, left, right in zip(texts, self._shown, self._lefts, rights, strict=True):
            self._text(background, text, shown, left, right)
        self._shown = texts
        if self._lamps:
            self._lamp(background, self._lit)[:] = _LAMP_OFF
            self._lit = number % self._lamps
            self._lamp(background, self._lit)[:] = _LAMP

    def _text(self, background: Pixels, text: str, shown: str, left: int, right: int) -> None:
        """Draws what is not on show already, between `left` and `right`; a longer text is cut there."""
        top = self._layout.bar_top + round(self._bar * _BASELINE) - round(self._size * _ASCENT)
        if len(text) != len(shown):
            background[top : top + round(self._size * _HEIGHT), left:right] = _BAR
            shown = " " * len(text)
        for character, before in zip(text, shown, strict=True):
            drawn = self._characters[character]
            end = left + drawn.shape[1]
            if end > right:
                break
            if character != before:
                background[top : top + len(drawn), left:end] = drawn
            left = end

    def _lamp(self, picture: Pixels, lamp: int) -> Pixels:
        """The rectangle of one lamp."""
        top, bottom = (self._layout.bar_top + round(self._bar * part) for part in _LAMP_ROWS)
        pitch = self._layout.width * 0.97 / self._lamps
        left = round(self._layout.width * 0.015 + pitch * lamp)
        return picture[top : max(bottom, top + 1), left : left + max(1, round(pitch * 0.8))]

    def _fitted(self) -> tuple[int, list[int]]:
        """The size of the readings, and where each begins: all three where they can be read, else two."""
        most = self._bar * (_SIZE if self._labels else _SIZE_WITHOUT_LABELS)
        room = 0.97 * self._layout.width
        widths = [self._advance(text, 100) / 100 for text in _WIDEST]
        if room / (sum(widths) + 2) < _SMALLEST:
            widths.pop()
        gaps = len(widths) - 1
        size = int(min(most, room / (sum(widths) + gaps)))
        gap = (room - size * sum(widths)) / gaps
        left = 0.015 * self._layout.width
        return size, [round(left + gap * i + size * sum(widths[:i])) for i in range(len(widths))]

    def _drawn(self, character: str) -> Pixels:
        """One character on the bar's ground, as wide as it advances."""
        drawn = np.empty((round(self._size * _HEIGHT), max(1, self._advance(character, self._size)), 3), np.uint8)
        drawn[:] = _BAR
        cv2.putText(drawn, character, (0, round(self._size * _ASCENT)), _BRIGHT, self._font, self._size, weight=_WEIGHT)
        return drawn

    def _advance(self, text: str, size: int) -> int:
        """How far `text` reaches, in pixels, character by character as it will be set."""
        nowhere = np.zeros((1, 1, 3), np.uint8)
        return sum(
            cv2.putText(nowhere, character, (0, 0), _BRIGHT, self._font, size, weight=_WEIGHT)[0][0]
            for character in text
        )


@lru_cache(maxsize=2)
def _time_of_day(seconds: int) -> str:
    """Local time, as the clock on the wall shows it."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))

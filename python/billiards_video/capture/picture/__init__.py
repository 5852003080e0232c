"""The synthetic source's picture: a game of billiards that plays for ever, as a pure function of the frame number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from billiards_video import frame_code
from billiards_video.capture.picture.balls import BallPainter
from billiards_video.capture.picture.layout import Layout
from billiards_video.capture.picture.motion import Rack
from billiards_video.capture.picture.readout import Readout
from billiards_video.capture.picture.table import draw_table

if TYPE_CHECKING:
    from billiards_video.capture.source import Pixels

_GAME_SECONDS = 20
_NS = 1_000_000_000


class Picture:
    """Draws the frames of one game after the other, each game begun by a break.

    What frame `number` shows depends on that number, `wall_ns`, the size, the rate and the seed, and on nothing else:
    not on the frames drawn before, nor on what the array held. That holds on one machine; another processor, NumPy or
    OpenCV may round otherwise. Not for several threads at once.
    """

    def __init__(self, width: int, height: int, fps: float, seed: int = 0) -> None:
        layout = Layout.of(width, height)
        self._fps = fps
        self._seed = seed
        self._balls = BallPainter(layout)
        self._readout = Readout(layout, fps)
        self._still = draw_table(layout)
        self._readout.draw_still(self._still)
        self._game = 0
        self._rack = Rack(seed, 0)

    def draw(self, out: Pixels, number: int, elapsed_ns: int, wall_ns: int) -> None:
        """Draws frame `number` into a uint8 array of shape (height, width, 3), BGR24, whatever it held before.

        `elapsed_ns` and `wall_ns` (Unix time) are what the readings show. The frame is sealed: see `frame_code`. Rising
        numbers are drawn quickest; one that lies back plays its game again from the break.
        """
        self._readout.draw(self._still, number, elapsed_ns, wall_ns)
        np.copyto(out, self._still)
        frames = max(1, round(_GAME_SECONDS * self._fps))
        game, played = divmod(number, frames)
        if game != self._game:
            self._game, self._rack = game, Rack(self._seed, game)
        self._balls.paint(out, self._rack.at(played / self._fps))
        frame_code.seal(out, number)

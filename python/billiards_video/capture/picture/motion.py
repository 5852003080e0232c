"""How the balls move: rolling without friction, elastic against each other and the cushions, exact between events.

Nothing is integrated in small steps. Between two events (a ball meets a ball, a ball meets a cushion) everything moves
on straight lines; the state is kept as of the last event, and a moment is computed from it. So where the balls are at
a moment does not depend on which moments were asked for before, and neither energy nor positions drift.

The unit of length is a ball's radius, of time a second. x goes right, y down, z towards the viewer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from billiards_video.capture.picture.layout import BREADTH, LENGTH

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

BALLS = 16
CUE = 0

_STRIKE_AFTER = 0.8  # seconds: the rack is seen before it breaks
_CUE_SPEED = 190.0  # radii a second; shared among sixteen balls it leaves some 50 for each
_TO_VIEWER = np.array((0.0, 0.0, 1.0))
_FIRST, _SECOND = np.triu_indices(BALLS, 1)


class Balls(NamedTuple):
    """All balls at one moment. Ball 0 is the cue ball, 1 to 15 have their usual colours."""

    places: Floats
    """(16, 2): centres on the table, in radii."""
    axes: Floats
    """(16, 2, 3): two unit vectors fixed to each ball, at right angles: the pole of its stripe and its spot."""


class Rack:
    """One game: a racked triangle, a break, and what follows from it. `game` and `seed` decide everything."""

    def __init__(self, seed: int, game: int) -> None:
        random = np.random.default_rng([seed, game])
        self._start = _racked(random)
        self._axes = _any_axes(random)
        aim = math.radians(random.uniform(-1.5, 1.5))
        self._shot = (_CUE_SPEED * math.cos(aim), _CUE_SPEED * math.sin(aim))
        self._rewind()

    def at(self, seconds: float) -> Balls:
        """The balls that many seconds into the game. Going forward is cheap, going back plays the game again."""
        moment = max(0.0, seconds - _STRIKE_AFTER)
        if moment < self._since:
            self._rewind()
        while self._since + self._wait <= moment:
            self._advance()
        return self._motion.balls(moment - self._since)

    def _rewind(self) -> None:
        speeds = np.zeros((BALLS, 2))
        speeds[CUE] = self._shot
        self._motion = _Motion(self._start, speeds, self._axes)
        self._since = 0.0
        self._wait, self._event = self._motion.until_event()

    def _advance(self) -> None:
        """Goes to the next event and past it."""
        self._motion = self._motion.bounced(self._event, self._wait)
        self._since += self._wait
        self._wait, self._event = self._motion.until_event()


class _Event(NamedTuple):
    """Ball `first` meets ball `other`, or a cushion (`other` is None) that turns its speed along `axis`."""

    first: int
    other: int | None
    axis: int


class _Motion:
    """Everything about the balls at the moment of an event.

    Between events a ball turns around one axis: what faces the viewer goes where the ball goes, one radian for each
    radius of way. Its own axes are then a part that stays, and a part that goes round a circle.
    """

    def __init__(self, places: Floats, speeds: Floats, axes: Floats) -> None:
        self.places = places
        self.speeds = speeds
        self._turning = np.hypot(speeds[:, 0], speeds[:, 1])[:, np.newaxis, np.newaxis]
        ahead = np.zeros((BALLS, 1, 3))
        ahead[:, 0, :2] = speeds
        ahead /= np.where(self._turning == 0, 1.0, self._turning)
        along = (axes * ahead).sum(axis=2, keepdims=True)
        up = axes[:, :, 2:]
        self._begin = along * ahead + up * _TO_VIEWER
        self._quarter_turn = up * ahead - along * _TO_VIEWER
        self._staying = axes - self._begin

    def balls(self, seconds: float) -> Balls:
        """Where they are a moment later, if nothing happens in between."""
        angle = self._turning * seconds
        axes = self._staying + self._begin * np.cos(angle) + self._quarter_turn * np.sin(angle)
        return Balls(self.places + self.speeds * seconds, axes)

    def until_event(self) -> tuple[float, _Event]:
        """How many seconds from now something happens, and what."""
        with np.errstate(divide="ignore", invalid="ignore"):
            wall = np.where(self.speeds > 0, (LENGTH - 1.0, BREADTH - 1.0), 1.0)
            walls = np.where(self.speeds == 0, np.inf, (wall - self.places) / self.speeds)
            # Two balls meet when their centres are two radii apart: the smaller root of |gap + closing * t|**2 = 4.
            gap = self.places[_FIRST] - self.places[_SECOND]
            closing = self.speeds[_FIRST] - self.speeds[_SECOND]
            a = closing[:, 0] ** 2 + closing[:, 1] ** 2
            b = gap[:, 0] * closing[:, 0] + gap[:, 1] * closing[:, 1]
            c = gap[:, 0] ** 2 + gap[:, 1] ** 2 - 4.0
            root = b * b - a * c
            meets = np.where((b < 0) & (root >= 0), (-b - np.sqrt(root)) / a, np.inf)
        ball, axis = divmod(int(walls.argmin()), 2)
        pair = int(meets.argmin())
        # Rounding may leave an event a hair in the past; it happens now.
        if walls[ball, axis] <= meets[pair]:
            return max(0.0, float(walls[ball, axis])), _Event(ball, None, axis)
        return max(0.0, float(meets[pair])), _Event(int(_FIRST[pair]), int(_SECOND[pair]), 0)

    def bounced(self, event: _Event, wait: float) -> _Motion:
        """After the event, `wait` seconds later: equal masses swap what they have along the line between them."""
        places, axes = self.balls(wait)
        speeds = self.speeds.copy()
        if event.other is None:
            speeds[event.first, event.axis] *= -1.0
        else:
            dx, dy = (places[event.first] - places[event.other]).tolist()
            vx, vy = (speeds[event.first] - speeds[event.other]).tolist()
            along = (vx * dx + vy * dy) / (dx * dx + dy * dy)
            speeds[event.first] -= (along * dx, along * dy)
            speeds[event.other] += (along * dx, along * dy)
        return _Motion(places, speeds, axes)


def _racked(random: np.random.Generator) -> Floats:
    """The triangle around the foot spot, each ball a hair off its place, and the cue ball behind the head string."""
    places = np.empty((BALLS, 2))
    places[CUE] = LENGTH / 4, BREADTH / 2 + random.uniform(-3.0, 3.0)
    triangle = [(row, place) for row in range(5) for place in range(row + 1)]
    # The black in the middle of the third row; the others anywhere.
    numbers = iter(random.permutation([*range(1, 8), *range(9, BALLS)]).tolist())
    for row, place in triangle:
        ball = 8 if (row, place) == (2, 1) else next(numbers)
        places[ball] = LENGTH * 0.72 + row * math.sqrt(3.0) * 1.01, BREADTH / 2 + (2 * place - row) * 1.01
    places[1:] += random.uniform(-0.006, 0.006, (BALLS - 1, 2))
    return places


def _any_axes(random: np.random.Generator) -> Floats:
    """Two unit vectors at right angles for each ball, turned anyhow."""
    pole, other = random.normal(size=(2, BALLS, 3))
    pole /= np.linalg.norm(pole, axis=1, keepdims=True)
    spot = np.cross(pole, other)
    spot /= np.linalg.norm(spot, axis=1, keepdims=True)
    axes: Floats = np.stack((pole, spot), axis=1)
    return axes

"""Where things are in a picture of a given size."""

from __future__ import annotations

from dataclasses import dataclass

# The unit on the table is a ball's radius. A real table is 89 by 44 radii; these balls are somewhat larger, to be seen.
LENGTH = 72.0
BREADTH = 36.0
CUSHION = 1.5
RAIL = 3.0
FLOOR = 1.0  # what is left around the table

_BAR_OF_HEIGHT = 0.095
_BAR_OF_WIDTH = 0.075  # for pictures higher than wide
_MIN_BAR = 10


@dataclass(frozen=True, slots=True)
class Layout:
    """The table above a bar for the readings. `left`, `top`: the corner of the playing field; all in pixels."""

    width: int
    height: int
    bar_top: int
    scale: float
    """Pixels to a ball's radius."""
    left: float
    top: float

    @classmethod
    def of(cls, width: int, height: int) -> Layout:
        """The largest table that fits above the bar, in the middle of what is left."""
        bar_top = height - max(_MIN_BAR, round(min(height * _BAR_OF_HEIGHT, width * _BAR_OF_WIDTH)))
        around = 2 * (CUSHION + RAIL + FLOOR)
        scale = min(width / (LENGTH + around), bar_top / (BREADTH + around))
        return cls(
            width=width,
            height=height,
            bar_top=bar_top,
            scale=scale,
            left=(width - LENGTH * scale) / 2,
            top=(bar_top - BREADTH * scale) / 2,
        )

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the table is in the picture."""
        return self.left + x * self.scale, self.top + y * self.scale

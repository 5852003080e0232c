"""How long to wait before a source that failed is opened again."""

from __future__ import annotations

_SLOWER = 5
_CEILING_SECONDS = 10.0


class Backoff:
    """`delay` seconds before each of the first `attempts`, then five times as long, then doubled up to 10 s.

    With the defaults: 1, 1, 1, 1, 1, 5, 10, 10, ... and so on for ever.
    """

    def __init__(self, delay: float, attempts: int) -> None:
        self._delay = delay
        self._attempts = attempts
        self.failures = 0
        """Failures in a row."""

    def reset(self) -> None:
        """The source gave a frame."""
        self.failures = 0

    def failed(self) -> float:
        """Counts a failure and gives the seconds to wait after it."""
        self.failures += 1
        slow = self.failures - self._attempts
        if slow <= 0:
            return self._delay
        steps = min(slow - 1, 10)  # far past the ceiling
        return min(self._delay * _SLOWER * 2.0**steps, max(_CEILING_SECONDS, self._delay))

    @property
    def persistent(self) -> bool:
        """Whether more attempts than the quick ones have failed."""
        return self.failures > self._attempts

"""How long to wait before a source that failed is opened again."""

from __future__ import annotations

_SLOWER = 5
_LOCAL_CEILING, _REMOTE_CEILING = 10.0, 60.0
"""Seconds. Whoever plugs a camera in again waits for it; a server that is away may have many who ask for it."""


class Backoff:
    """`delay` seconds before each of the first `attempts`, then five times as long, then doubled up to a ceiling.

    With the defaults, for a source of this machine: 1, 1, 1, 1, 1, 5, 10, 10, ... and for a `remote` one 1, 1, 1, 1, 1,
    5, 10, 20, 40, 60, 60, ... and so on for ever. What it is set to may be changed at any time.
    """

    def __init__(self, delay: float, attempts: int, *, remote: bool = False) -> None:
        self.delay = delay
        self.attempts = attempts
        self.remote = remote
        self.failures = 0
        """Failures in a row."""

    def reset(self) -> None:
        """The source gave a frame."""
        self.failures = 0

    def failed(self) -> float:
        """Counts a failure and gives the seconds to wait after it."""
        self.failures += 1
        slow = self.failures - self.attempts
        if slow <= 0:
            return self.delay
        steps = min(slow - 1, 10)  # far past the ceiling
        ceiling = _REMOTE_CEILING if self.remote else _LOCAL_CEILING
        return min(self.delay * _SLOWER * 2.0**steps, max(ceiling, self.delay))

    @property
    def persistent(self) -> bool:
        """Whether more attempts than the quick ones have failed."""
        return self.failures > self.attempts

"""Single keys from a terminal, which is left as it was found."""

from __future__ import annotations

import os
import select
import sys
import termios
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

_CONTROL_CHARACTERS = 6  # the place in what termios gives
_LOCAL_FLAGS = 3


class Keyboard:
    """Keys as they are pressed, while the `with` block lasts. Ctrl-C stays what it is; Ctrl-Z is nothing meanwhile."""

    def __init__(self) -> None:
        self._descriptor = sys.stdin.fileno() if sys.stdin and sys.stdin.isatty() else None
        self._before: list[object] | None = None

    def __enter__(self) -> Self:
        if self._descriptor is not None:
            self._before = termios.tcgetattr(self._descriptor)
            now = termios.tcgetattr(self._descriptor)
            now[_LOCAL_FLAGS] &= ~(termios.ICANON | termios.ECHO)
            # A stopped process would leave its picture on the terminal.
            now[_CONTROL_CHARACTERS][termios.VSUSP] = b"\0"
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, now)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._descriptor is not None and self._before is not None:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)  # type: ignore[arg-type]

    def wait(self, until: float) -> str:
        """Waits until a moment of `time.monotonic` for keys; gives those that were pressed, or ""."""
        patience = max(0.0, until - time.monotonic())
        if self._descriptor is None:
            time.sleep(patience)
            return ""
        if not select.select([self._descriptor], [], [], patience)[0]:
            return ""
        pressed = os.read(self._descriptor, 64)
        if not pressed:  # the terminal is gone
            raise KeyboardInterrupt
        return pressed.decode("utf-8", "replace")

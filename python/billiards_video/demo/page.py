"""The page of the demonstration: the live picture in a browser, from a process of its own."""

from __future__ import annotations

import os
import re
import sys
import webbrowser
from typing import Self

from billiards_video.demo.child import Child

_ADDRESS = re.compile(r"http://\S+")


class PageProcess(Child):
    """`billiards-video view` on a free port, or the given one, running while the `with` block lasts.

    Once it listens, its address is in `address` and, where there is a display, in a browser. Where it cannot run, the
    reason is in `problem`: the demonstration goes on without it.
    """

    def __init__(self, name: str, port: int, *, browser: bool) -> None:
        super().__init__("The page")
        self._name, self._port = name, port
        self._browser = browser and sys.stdout.isatty() and bool(_display())
        self.address = ""
        self.problem = ""

    def __enter__(self) -> Self:
        self.start("billiards_video.cli", "view", self._name, "--port", str(self._port))
        return self

    @property
    def news(self) -> str:
        """What is to be said about it, once; empty while nothing is."""
        if self.address:
            return f"The live picture: {self.address}"
        return f"No live picture: {self.problem}" if self.problem else ""

    def heard(self, line: str) -> None:
        """Takes note of what it says: its address first, or why it has none."""
        super().heard(line)
        found = _ADDRESS.search(line)
        if self.address or self.problem:
            return
        if found is None:
            self.problem = line
            return
        self.address = found[0]
        if self._browser:
            webbrowser.open(self.address)


def _display() -> str | None:
    return os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")

"""What the output can show: colours, and how wide it is."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

GREEN, YELLOW, RED, BOLD, DIM = "32", "33", "31", "1", "2"


def has_colours(output: TextIO) -> bool:
    """Whether to colour what is written there: a terminal that can, of somebody who has not said no (NO_COLOR)."""
    return output.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


class Paint:
    """Colours text for one output, or leaves it alone."""

    def __init__(self, output: TextIO) -> None:
        self._on = has_colours(output)

    def __call__(self, text: str, *styles: str) -> str:
        """The text in these styles."""
        return f"\x1b[{';'.join(styles)}m{text}\x1b[0m" if self._on and text and styles else text


def printable(text: str) -> str:
    """Another process's word, without what would move the cursor or change colours."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def columns(output: TextIO) -> int | None:
    """How many characters fit into a line there; None where that is not the affair of a terminal."""
    return shutil.get_terminal_size().columns if output.isatty() else None

"""One finding of the doctor's."""

from __future__ import annotations

from typing import Literal, NamedTuple

Result = Literal["ok", "warning", "problem", "not checked"]


class Check(NamedTuple):
    """What was looked at, and what came of it."""

    subject: str
    result: Result
    text: str
    """What is so, in a sentence; of what was not checked, why."""
    remedy: str = ""
    """What mends it: a command to paste, or a word on what to do. "" where there is nothing to do."""

"""How a command ends: the exit codes, and an error that is one line for a person."""

from __future__ import annotations

OK = 0
FAILURE = 1
USAGE = 2
INTERRUPTED = 130  # as a shell has it for SIGINT


class CommandError(Exception):
    """The command cannot do what it was asked for; each line of the text says what is wrong, and what to do."""

    def __init__(self, text: str, code: int = FAILURE) -> None:
        super().__init__(text)
        self.code = code

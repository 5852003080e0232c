"""`billiards-video completion`: the shell's script that completes commands and options."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from billiards_video.cli.outcome import OK, CommandError
from billiards_video.cli.parser import FILES, parser

if TYPE_CHECKING:
    from collections.abc import Iterator


def command(asked: argparse.Namespace) -> int:
    """Prints the script."""
    try:
        import shtab  # noqa: PLC0415 - for this command alone
    except ModuleNotFoundError:
        raise CommandError(
            "completion needs shtab, which is not installed: pip install 'billiards-video[cli]'"
        ) from None
    top = parser()
    for action in _actions(top):
        if action.dest in FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined] # shtab looks for it
    print(shtab.complete(top, shell=asked.shell))  # noqa: T201 - a command's output
    return OK


def _actions(top: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The arguments of all commands."""
    for action in top._actions:  # noqa: SLF001 - argparse has no other way to look
        yield action
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for command_parser in action.choices.values():
                yield from _actions(command_parser)

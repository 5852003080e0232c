"""`billiards-video status`: who publishes, who reads, how it goes; from shared memory alone."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from billiards_video.cli.outcome import FAILURE, OK, USAGE, CommandError
from billiards_video.cli.status_json import as_json
from billiards_video.cli.status_text import lines
from billiards_video.cli.stream_choice import StreamMissingError, observe, owner_of, stream_name
from billiards_video.cli.terminal import RED, Paint, columns
from billiards_video.metrics.reading import read

if TYPE_CHECKING:
    import argparse

    from billiards_video.metrics.reading import Reading


def command(asked: argparse.Namespace) -> int:
    """Shows one stream, or all; gives 1 if not every one of them is live, or none is there."""
    owner = owner_of(asked)
    if asked.all and asked.name is not None:
        raise CommandError(f"--all and the name {asked.name!r}: one of them", USAGE)
    if asked.all:
        return _all(owner, for_programs=asked.json)
    name = stream_name(asked.name)
    try:
        status = _look(name, owner)
    except StreamMissingError as error:
        if asked.json:
            return _tell({"name": name, "live": False, "state": None, "problem": str(error)}, FAILURE)
        raise
    if asked.json:
        return _tell(as_json(status), _code([status]))
    _show(status)
    return _code([status])


def _all(owner: int | None, *, for_programs: bool) -> int:
    from billiards_video.cli.stream_files import stream_names  # noqa: PLC0415 - for this option alone

    found: list[Reading] = []
    missing: dict[str, str] = {}
    for name in stream_names():
        try:
            found.append(_look(name, owner))
        except StreamMissingError as error:
            missing[name] = str(error)
    code = FAILURE if missing or not found else _code(found)
    if for_programs:
        unread = [{"name": name, "live": False, "state": None, "problem": text} for name, text in missing.items()]
        return _tell({"streams": [*map(as_json, found), *unread]}, code)
    if not found and not missing:
        raise CommandError("this machine has no stream; start one with 'billiards-video run'")
    paint = Paint(sys.stdout)
    for number, status in enumerate(found):
        if number:
            print()  # noqa: T201 - a command's output
        _show(status)
    for text in missing.values():
        print(f"{paint('not shown', RED)}  {text}")  # noqa: T201
    return code


def _look(name: str, owner: int | None) -> Reading:
    reader = observe(name, owner)
    try:
        return read(reader, reader.read_frame()[1])
    except (OSError, RuntimeError) as error:
        raise StreamMissingError(f"stream '{name}' cannot be read: {error}") from None
    finally:
        reader.detach()


def _show(status: Reading) -> None:
    print("\n".join(lines(status, Paint(sys.stdout), columns(sys.stdout))))  # noqa: T201


def _tell(told: dict[str, object], code: int) -> int:
    print(json.dumps(told, indent=2))  # noqa: T201
    return code


def _code(found: list[Reading]) -> int:
    return OK if all(status.live for status in found) else FAILURE

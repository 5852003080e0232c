"""Which stream is meant, and a look at it that changes nothing: an observer, which takes no line of the readers'."""

from __future__ import annotations

import pwd
from typing import TYPE_CHECKING

from billiards_video.cli.outcome import FAILURE, USAGE, CommandError
from billiards_video.consumer import VideoConsumer
from billiards_video.ipc import SharedMemoryFrameReader
from billiards_video.metrics import absence

if TYPE_CHECKING:
    import argparse


class StreamMissingError(CommandError):
    """There is no stream of that name, or none that may be read; the text says why, and what to do."""


def stream_name(name: str | None) -> str:
    """The name that was given, or else the one in ./config.json, or else the default. Raises `CommandError`."""
    if name is not None:
        return name
    try:
        return VideoConsumer().name
    except (OSError, ValueError) as error:
        raise CommandError(str(error), USAGE) from None


def owner_of(asked: argparse.Namespace) -> int | None:
    """The user that --owner names, as a number. Raises `CommandError`."""
    owner: str | None = asked.owner
    if owner is None:
        return None
    if owner.isdecimal():
        return int(owner)
    try:
        return pwd.getpwnam(owner).pw_uid
    except KeyError:
        raise CommandError(f"--owner {owner}: this machine has no such user", USAGE) from None


def user(number: int) -> str:
    """A user, for people."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def observe(name: str, owner: int | None = None, *, allow_dead: bool = True) -> SharedMemoryFrameReader:
    """Attaches to the stream without waiting, to watch it; also to what a dead writer has left.

    Raises `StreamMissingError`, and `CommandError` for a name that cannot be one.
    """
    try:
        reader = SharedMemoryFrameReader(name, observe=True, allow_dead=allow_dead, owner=owner)
    except (OverflowError, ValueError) as error:
        raise CommandError(f"{name!r} is no name of a stream: {' '.join(str(error).split())}", USAGE) from None
    attach(reader)
    return reader


def attach(reader: SharedMemoryFrameReader) -> None:
    """Attaches without waiting. Raises `StreamMissingError`."""
    try:
        reader.attach(0)
    except TimeoutError as error:
        raise StreamMissingError(in_words(reader.name, str(error))) from None
    except (OSError, RuntimeError) as error:
        raise StreamMissingError(str(error), FAILURE) from None


def in_words(name: str, text: str) -> str:
    """The reader's words of an attach that failed, as a command's: what are arguments there are options here."""
    return absence.in_words(name, text).replace("name it with owner=", "add --owner ")

"""A running demonstration, as a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SMALL = ("--picture", "320x240@60")


def command(name: str, *arguments: str) -> list[str]:
    """The words of the command line."""
    return [sys.executable, "-m", "billiards_video.demo", "--name", name, *arguments]


@contextmanager
def demonstration(name: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """One with a small picture, in a session of its own; ended if a test leaves it."""
    with subprocess.Popen(
        command(name, *SMALL, *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()

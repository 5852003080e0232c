"""The command `billiards-video`: capture, look at what is published, and find what is wrong.

Each command is a module, imported when it is asked for: `status` and `list` are to be there at once, and a light
command loads neither OpenCV nor a validation library.
"""

from __future__ import annotations

import os
import sys

from billiards_video.cli.outcome import INTERRUPTED, OK, CommandError


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; gives its exit code. `arguments` without the program's name; None for those of the process."""
    from billiards_video.cli.parser import parse  # noqa: PLC0415 - whoever imports this need not wait for it

    try:
        command, asked = parse(arguments)
        code = command(asked)
        sys.stdout.flush()
    except CommandError as error:
        return _refuse(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # nobody reads any more, as after `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    return code


def _refuse(error: CommandError) -> int:
    sys.stdout.flush()
    for line in str(error).splitlines():
        sys.stderr.write(f"billiards-video: error: {line}\n")
    return error.code

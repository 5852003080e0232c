"""What can be asked for: commands, their options, and help that teaches by example."""

from __future__ import annotations

import argparse
import importlib
import math
import os
import textwrap
from typing import TYPE_CHECKING, NamedTuple

from billiards_video.cli.outcome import OK, USAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = Callable[[argparse.Namespace], int]

FILES = ("config", "output", "profile")
"""The arguments that are files, for the shell's completion."""

_PROGRAM = "billiards-video"
_WIDTH = 79
"""Of the help's text, so that it fits a terminal of 80 columns."""
_DESCRIPTION = "One camera, many processes: capture, see what is published, find what is wrong."
_EPILOG = """\
examples:
  billiards-video run config.json      publish the camera's frames, until Ctrl-C
  billiards-video status               is there a picture, how old, who reads it
  billiards-video top                  the same, live
  billiards-video snapshot -o now.png  the newest frame, as a file
  billiards-video view                 the live picture, in the browser
  billiards-video doctor               what is wrong here, and what mends it
  billiards-video list                 the cameras of this machine

'billiards-video COMMAND --help' has more of them. Streams go by their name,
video.shared_memory_name of config.json.
exit codes: 0 all is well; 1 something is broken, or failed;
            2 a mistake in the arguments or in the configuration
"""


class Page(NamedTuple):
    """A command's entry in the list, and its own help."""

    summary: str
    description: str
    examples: str


_PAGES = {
    "run": Page(
        "capture, and publish the frames",
        "Captures from a camera, a file or a stream, and shows its frames to every process of the machine, until"
        " Ctrl-C. The same as 'python -m billiards_video'.",
        """\
  billiards-video run                      with ./config.json, or the defaults
  billiards-video run cameras/table.json
  VIDEO_FILE=film.mp4 billiards-video run  plays a film in a loop
  billiards-video run --profile            says at the end where the time went
  billiards-video run config.json --profile=now.html""",
    ),
    "status": Page(
        "who publishes, who reads, how it goes",
        "Shows a stream from its shared memory alone: the capture process is not asked and not disturbed.",
        """\
  billiards-video status                      the stream of ./config.json
  billiards-video status table                the stream called table
  billiards-video status --all                every stream of this machine
  billiards-video status --json | jq .frame.age_sec
  billiards-video status table --owner alice  another user's, if access permits
  billiards-video status >/dev/null || echo "no picture"
exit codes: 0 live; 1 not live: no writer, a dead one, stalled, reconnecting""",
    ),
    "top": Page(
        "the same, live in the terminal",
        "Shows a stream as it goes: frames a second, the time between frames, each reader's lag. q or Ctrl-C ends it.",
        """\
  billiards-video top
  billiards-video top table --interval 0.5  looks twice a second""",
    ),
    "view": Page(
        "the live picture in the browser",
        "Serves a page with the live picture and its figures, until Ctrl-C.",
        """\
  billiards-video view                 prints the address to open
  billiards-video view table --port 8080
  billiards-video view --host 0.0.0.0  for other machines, with a token""",
    ),
    "snapshot": Page(
        "the newest frame as a PNG or JPEG",
        "Writes the newest frame to a file. What it is called says what it is: .png, .jpg or .jpeg.",
        """\
  billiards-video snapshot               writes <name>.png here
  billiards-video snapshot table -o now.jpg
  billiards-video snapshot -o - | feh -  PNG on standard output
  billiards-video snapshot -o - --format jpeg --quality 80 >now.jpg""",
    ),
    "doctor": Page(
        "find what is wrong, and what mends it",
        "Looks at Python, OpenCV, shared memory, the camera, the configuration and the clock. A camera that nobody uses"
        " is opened for two seconds, to measure its rate; one that is in use is left alone.",
        """\
  billiards-video doctor
  billiards-video doctor cameras/table.json
  billiards-video doctor --quick           without opening the camera
  billiards-video doctor --json | jq '.checks[] | select(.result == "problem")'
exit codes: 0 nothing is broken; 1 something is""",
    ),
    "list": Page(
        "the cameras, their formats and names",
        "Lists the cameras of this machine, what they offer, and the names under which each stays the same when it is"
        " plugged in elsewhere: these are for vision.camera.device_id. A camera in use is not disturbed.",
        """\
  billiards-video list
  billiards-video list --json | jq -r '.cameras[].names[0]'""",
    ),
    "completion": Page(
        "completion for your shell",
        "Prints a script that completes commands and options.",
        """\
  eval "$(billiards-video completion bash)"   in ~/.bashrc
  eval "$(billiards-video completion zsh)"    in ~/.zshrc, after compinit
  billiards-video completion fish | source    in ~/.config/fish/config.fish""",
    ),
}


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(
        prog=_PROGRAM,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("-V", "--version", action="store_true", help="print the release, and end")
    commands = top.add_subparsers(prog=_PROGRAM, dest="command", metavar="COMMAND", title="commands")
    parsers = {
        name: commands.add_parser(
            name,
            help=page.summary,
            description=textwrap.fill(page.description, _WIDTH),
            epilog=f"examples:\n{page.examples}\n",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        for name, page in _PAGES.items()
    }
    _run(parsers["run"])
    _doctor(parsers["doctor"])
    for name in ("status", "top", "view", "snapshot"):
        parsers[name].add_argument("name", nargs="?", help="the stream's name (default: that of ./config.json)")
    _status(parsers["status"])
    _top(parsers["top"])
    _view(parsers["view"])
    _snapshot(parsers["snapshot"])
    parsers["list"].add_argument("--json", action="store_true", help="for programs")
    parsers["completion"].add_argument("shell", choices=("bash", "zsh", "fish"))
    return top


def _run(run: argparse.ArgumentParser) -> None:
    run.add_argument("config", nargs="?", help="configuration file (default: ./config.json)")
    run.add_argument(
        "--profile",
        nargs="?",
        const="",
        metavar="FILE",
        help="at the end, print where a frame's time went, and write it as a page (default: profile-<name>.html)",
    )


def _doctor(doctor: argparse.ArgumentParser) -> None:
    doctor.add_argument("config", nargs="?", help="configuration file (default: ./config.json)")
    doctor.add_argument("--quick", action="store_true", help="do not open the camera")
    doctor.add_argument("--json", action="store_true", help="for programs")


def _status(status: argparse.ArgumentParser) -> None:
    status.add_argument("--all", action="store_true", help="every stream of this machine")
    _owner(status)
    status.add_argument("--json", action="store_true", help="for programs")


def _top(top: argparse.ArgumentParser) -> None:
    _owner(top)
    top.add_argument(
        "--interval", type=_interval, default=0.25, metavar="SECONDS", help="between looks (default: 0.25)"
    )


def _view(view: argparse.ArgumentParser) -> None:
    view.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    view.add_argument("--port", type=_port, default=8000, help="port to listen on (default: 8000)")
    view.add_argument("--token", help="what a viewer must know; made up for any address but this machine's own")


def _snapshot(snapshot: argparse.ArgumentParser) -> None:
    _owner(snapshot)
    snapshot.add_argument("-o", "--output", metavar="FILE", help="where to; - is standard output (default: <name>.png)")
    snapshot.add_argument("--format", choices=("png", "jpeg"), help="where the file's name does not say it")
    snapshot.add_argument(
        "--quality", type=_quality, default=95, metavar="1..100", help="of a JPEG (default: %(default)s)"
    )


def _owner(command: argparse.ArgumentParser) -> None:
    command.add_argument("--owner", metavar="USER", help="the user whose stream it is, by name or number")


def _interval(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.05 <= seconds <= 60:  # noqa: PLR2004 - said in the text
        raise argparse.ArgumentTypeError(f"{text} is not 0.05 to 60 seconds")
    return seconds


def _port(text: str) -> int:
    return _whole(text, 0, 65535)


def _quality(text: str) -> int:
    return _whole(text, 1, 100)


def _whole(text: str, least: int, most: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from {least} to {most}")
    return number


def parse(arguments: list[str] | None) -> tuple[Command, argparse.Namespace]:
    """The command that was asked for, and its arguments. Ends the process where they make no sense, or ask for help."""
    top = parser()
    asked = top.parse_args(arguments)
    if asked.version:
        return _version, asked
    if asked.command is None:
        top.print_help()
        top.exit(USAGE)
    if asked.command != "run":
        # Nothing here multiplies matrices, and NumPy takes a good part of its import to make threads for that.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    module = importlib.import_module(f"billiards_video.cli.{_MODULES.get(asked.command, asked.command)}")
    command: Command = module.command
    return command, asked


_MODULES = {"list": "cameras"}  # where the command's name is one of Python's own


def _version(_: argparse.Namespace) -> int:
    from billiards_video import __version__  # noqa: PLC0415 - only where it is asked for

    print(f"billiards_video {__version__}")  # noqa: T201 - a command's output
    return OK

"""`billiards-video doctor`: what is wrong here, and the command that mends it."""

from __future__ import annotations

import json
import sys
import textwrap
from typing import TYPE_CHECKING

from billiards_video.cli.checks.camera import Findings
from billiards_video.cli.checks.check import Check
from billiards_video.cli.checks.clock import clock
from billiards_video.cli.checks.configuration import calibration, configuration
from billiards_video.cli.checks.installation import installation
from billiards_video.cli.checks.shared_memory import leftovers, room, stream
from billiards_video.cli.outcome import FAILURE, OK
from billiards_video.cli.terminal import DIM, GREEN, RED, YELLOW, Paint, columns, printable
from billiards_video.cli.words import some

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from billiards_video.config import Config

_COLOURS = {"ok": GREEN, "warning": YELLOW, "problem": RED, "not checked": DIM}
_RESULT, _SUBJECT = 13, 15
_COLOURLESS_WIDTH = 100
_CHANNELS = 3


def command(asked: argparse.Namespace) -> int:
    """Makes all checks, showing each as it is made; gives 1 if there is a problem."""
    found: list[Check] = []
    paint, width = Paint(sys.stdout), columns(sys.stdout) or _COLOURLESS_WIDTH
    for check in _checks(asked.config, quick=asked.quick):
        found.append(check)
        if not asked.json:
            print("\n".join(_lines(check, paint, width)), flush=True)  # noqa: T201 - a command's output
    problems, warnings = (sum(check.result == kind for check in found) for kind in ("problem", "warning"))
    if asked.json:
        checks = [check._asdict() | {"remedy": check.remedy or None} for check in found]
        print(json.dumps({"problems": problems, "warnings": warnings, "checks": checks}, indent=2))  # noqa: T201
    else:
        verdict = f"{some(problems, 'problem')}, {some(warnings, 'warning')}" if problems + warnings else "all is well"
        print(f"\n{paint(verdict, RED if problems else YELLOW if warnings else GREEN)}")  # noqa: T201
    return FAILURE if problems else OK


def _checks(path: str | None, *, quick: bool) -> Iterator[Check]:
    yield from installation()
    checks, config = configuration(path)
    yield from checks
    if config is None:
        reason = "the configuration cannot be used"
        yield from (Check(subject, "not checked", reason) for subject in ("shared memory", "stream", "camera"))
    else:
        yield from _configured(config, quick=quick)
    yield leftovers()
    yield clock()


def _configured(config: Config, *, quick: bool) -> Iterator[Check]:
    check, status = stream(config.video.shared_memory_name)
    width, height = config.vision.camera.resolution
    yield from room(status.frame_bytes if status is not None else width * height * _CHANNELS)
    yield check
    from billiards_video.capture.selection import source_for  # noqa: PLC0415 - it may lead to OpenCV

    findings = Findings(config.vision.camera, status, lambda: source_for(config.vision.camera))
    try:
        yield from findings.checks(quick=quick)
    except ImportError as error:
        yield Check("camera", "not checked", f"OpenCV cannot be loaded: {error}")
        return
    yield calibration(config.video, findings.frames)


def _lines(check: Check, paint: Paint, width: int) -> Iterator[str]:
    indent = " " * (_RESULT + _SUBJECT)
    room_left = max(20, width - len(indent))
    first, *rest = textwrap.wrap(printable(check.text), room_left, break_on_hyphens=False) or [""]
    result = paint(check.result.ljust(_RESULT), _COLOURS[check.result])
    yield f"{result}{check.subject.ljust(_SUBJECT)}{first}"
    yield from (indent + line for line in rest)
    if check.remedy:
        yield f"{indent}-> {printable(check.remedy)}"  # in one line, so that it can be copied

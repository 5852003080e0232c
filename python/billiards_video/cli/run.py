"""`billiards-video run`: what `python -m billiards_video` does, and with --profile, where a frame's time went."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from billiards_video.__main__ import main
from billiards_video.cli.outcome import USAGE, CommandError
from billiards_video.consumer import VideoConsumer

if TYPE_CHECKING:
    import argparse

    from billiards_video.process import VideoProcess


def command(asked: argparse.Namespace) -> int:
    """Captures until the end. Does not come back where it has begun: the process ends as the module's does."""
    arguments = [] if asked.config is None else [asked.config]
    if asked.profile is None:
        return _end(main(arguments))
    page = Path(asked.profile or f"profile-{_name(asked.config)}.html")
    _refuse_unwritable(page)
    began = time.monotonic()

    def tell(process: VideoProcess) -> None:
        from billiards_video.cli.profile import profile_of  # noqa: PLC0415 - nothing that a capture need wait for
        from billiards_video.cli.profile_page import as_page  # noqa: PLC0415 - likewise
        from billiards_video.cli.profile_text import as_text  # noqa: PLC0415 - likewise

        profile = profile_of(process.stage_times, time.monotonic() - began)
        sys.stdout.write(as_text(profile))
        if profile.stages:
            page.write_text(as_page(profile), encoding="utf-8")
            sys.stdout.write(f"\nTo look at: {page.resolve()}\n")

    return _end(main(arguments, tell))


def _end(code: int) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # as `__main__` does, and for its reasons


def _name(config: str | None) -> str:
    try:
        return VideoConsumer(config).name
    except (OSError, ValueError):
        return "unknown"  # the capture will refuse that configuration, in better words


def _refuse_unwritable(page: Path) -> None:
    """Before the capture, and not after an hour of it."""
    if page.suffix.lower() not in (".html", ".htm"):  # `--profile config.json` is easily written
        raise CommandError(
            f"--profile {page} is no name of a page: give --profile=FILE.html, or --profile after the configuration",
            USAGE,
        )
    folder = page.parent
    if page.is_dir() or not folder.is_dir() or not os.access(page if page.exists() else folder, os.W_OK):
        raise CommandError(f"--profile {page} cannot be written: no file can be made there", USAGE)

"""The command line: `python -m billiards_video [config.json]`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from billiards_video import __version__
from billiards_video.config import ConfigError, load
from billiards_video.logs import Log

if TYPE_CHECKING:
    from collections.abc import Callable

    from billiards_video.process import VideoProcess

OK = 0
FAILURE = 1
CONFIGURATION = 2

logger = logging.getLogger("billiards_video")


def main(arguments: list[str] | None = None, ended: Callable[[VideoProcess], None] | None = None) -> int:
    """Captures until the end; gives the exit code. `ended` is called after that, with the log written."""
    parser = argparse.ArgumentParser(
        prog="python -m billiards_video",
        description="Captures from a camera, a file or a stream, and shows its frames to every process of the machine.",
        epilog="Environment: VIDEO_FILE plays that file in a loop; LOG_LEVEL sets the level of the log."
        " SIGHUP reads the configuration again."
        " Exit codes: 0 stopped, or the file has ended; 1 failure; 2 configuration.",
    )
    parser.add_argument("config", nargs="?", type=Path, help="configuration file (default: ./config.json)")
    parser.add_argument("--version", action="version", version=f"billiards_video {__version__}")
    asked = parser.parse_args(arguments)
    read = partial(load, asked.config, os.environ)
    try:
        loaded = read()
    except ConfigError as error:
        return _refuse(CONFIGURATION, str(error))
    try:
        from billiards_video.process import LOG_SHARE, VideoProcess  # noqa: PLC0415 - the configuration comes first: it is quick
    except ImportError as error:
        return _refuse(FAILURE, f"cannot be loaded: {error}; 'make setup' tells what this system lacks")
    try:
        process = VideoProcess(loaded.config, reload=read)
    except ValueError as error:
        return _refuse(CONFIGURATION, str(error))
    flush_seconds = LOG_SHARE * loaded.config.video.process.shutdown_timeout
    with Log(loaded.config.system.logging.level, flush_seconds):
        logger.info("billiards_video %s, process %d, configuration: %s", __version__, os.getpid(), loaded.origin)
        for warning in loaded.warnings:
            logger.warning("%s", warning)
        code = process.run()
    if ended is not None:
        ended(process)
    return code


def _refuse(code: int, lines: str) -> int:
    for line in lines.splitlines():
        sys.stderr.write(f"billiards_video: error: {line}\n")
    return code


if __name__ == "__main__":
    # Everything is released and written. What is left, taking OpenCV and the interpreter down, has been seen to take
    # 100 ms, and would wait for a thread that hangs in a device or in standard output.
    os._exit(main())

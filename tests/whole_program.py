"""A Python program that reads a stream from its first line to its end, and all that is heard of it."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

BEGIN = """
import asyncio, atexit, gc, os, sys, threading
import numpy as np
from billiards_video import *
from busy_stream import PICTURES, is_whole
name = sys.argv[1]
reader = SharedMemoryFrameReader(name, reader_name="program"); reader.attach(10)
"""


def start(program: str, name: str) -> subprocess.Popen[str]:
    """Starts a program that has attached `reader` to the stream; with `faulthandler` on, and warnings as errors."""
    return subprocess.Popen(
        [sys.executable, "-X", "faulthandler", "-W", "error", "-c", BEGIN + textwrap.dedent(program), name],
        cwd=Path(__file__).parent,
        start_new_session=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def result(process: subprocess.Popen[str]) -> tuple[str, int, str]:
    """Closes a program's input and waits for its end: what it said of errors, its exit code, what else it said."""
    try:
        output, errors = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # its children too, one of which may be why
        output, errors = process.communicate()
    return errors, process.returncode, output

"""A process that is measured from outside: started, looked at, ended."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PATIENCE = 10.0  # seconds to end in


def process_clock(pid: int) -> int:
    """Return the id of another process's processor clock: nanoseconds, all threads, those ended included."""
    clock = ctypes.c_int()
    error = ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock))
    if error:
        raise ProcessLookupError(error, f"process {pid} has no processor clock: {os.strerror(error)}")
    return clock.value


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run Python with these arguments, and end it with SIGTERM; what it printed is quoted if it ended before that."""
    environment = {key: value for key, value in os.environ.items() if key not in {"VIDEO_FILE", "LOG_LEVEL"}}
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
        try:
            yield process
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=PATIENCE)
        except Exception as error:
            if process.poll() is not None:
                output.seek(0)
                error.add_note(f"{' '.join(arguments)} ended with code {process.returncode}, having printed:")
                error.add_note(output.read().decode(errors="replace"))
            raise
        finally:
            process.kill()
            process.wait()

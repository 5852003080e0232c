"""Publishes small frames under the name given, until they have been read for a while, and then ends as a file does.

For tests of readers that are to see a source's end: `python tests/publish_until_read.py NAME`. Prints "ready" once
there is a frame. SIGTERM ends it sooner, as cleanly.
"""

import signal
import sys
import time

import numpy as np

from billiards_video import SharedMemoryFrameWriter, State

FRAMES_AFTER_FIRST_READER = 60
PERIOD_S = 0.01


def main(name: str) -> None:
    """Publish frames of 64x48, each filled with the low byte of its number."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with SharedMemoryFrameWriter(name, 64, 48) as writer:
        number = 0
        remaining = FRAMES_AFTER_FIRST_READER
        while remaining:
            writer.write_frame(np.full((48, 64, 3), number % 256, np.uint8), number)
            if number == 0:
                print("ready", flush=True)
            number += 1
            remaining -= bool(writer.readers())
            time.sleep(PERIOD_S)
        signal.signal(
            signal.SIGTERM, signal.SIG_IGN
        )  # it ends now; Python's own handler would be gone before the process
        writer.cleanup(State.ENDED, "end of the source")


main(sys.argv[1])

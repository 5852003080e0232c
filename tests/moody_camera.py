"""A capture process on a live camera whose mood changes: `python tests/moody_camera.py CONFIG MOOD [file]`.

It gives noise at a nominal 30 frames a second; as a `file` it is no live source. Its mood is what its standard input
says, a word a line:

    silent      gives no frame
    once        gives one frame, and no more
    frozen      gives the same picture again and again
    black       gives black pictures
    slow        gives five frames a second
    fast        gives sixty
    well        gives what it should
"""

import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from billiards_video.capture import Grabbed, Source, SourceFacts
from billiards_video.config import load
from billiards_video.logs import Log
from billiards_video.process import VideoProcess

FPS = 30.0
PERIODS = {"slow": 1 / 5, "fast": 1 / 60}
NOISE = np.random.default_rng(0).integers(40, 200, (64, 48, 64, 3), np.uint8)


class Mood:
    """What standard input said last; also for a camera that is opened anew."""

    def __init__(self, word: str) -> None:
        self.word = word
        self._changed = threading.Condition()

    def listen(self) -> None:
        """Hears what is said, until the end of standard input."""
        # Not through sys.stdin, whose lock a thread that ends with the process would keep.
        with os.fdopen(os.dup(0), encoding="utf-8") as lines:
            for line in lines:
                with self._changed:
                    self.word = line.strip()
                    self._changed.notify_all()

    def wait_for_frame(self) -> None:
        """As long as the mood is."""
        with self._changed:
            self._changed.wait_for(lambda: self.word != "silent")
            if self.word == "once":
                self.word = "silent"
                return
        time.sleep(PERIODS.get(self.word, 1 / FPS))


class MoodyCamera(Source):
    """Has moods."""

    text = "moody camera"

    def __init__(self, mood: Mood, *, live: bool) -> None:
        self._mood, self.live = mood, live
        self._number = 0

    def open(self) -> SourceFacts:
        """Without delay."""
        return SourceFacts(64, 48, FPS)

    def grab(self) -> Grabbed:
        """When the mood is right."""
        self._mood.wait_for_frame()
        if self._mood.word != "frozen":
            self._number += 1
        return Grabbed(captured_ns=time.monotonic_ns())

    def retrieve(self, out: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Shows the mood."""
        out[:] = 0 if self._mood.word == "black" else NOISE[self._number % len(NOISE)]
        return out

    def close(self) -> None:
        """Has nothing to release."""


if __name__ == "__main__":
    config = load(Path(sys.argv[1]), os.environ).config
    mood = Mood(sys.argv[2])
    threading.Thread(target=mood.listen, daemon=True).start()
    with Log(config.system.logging.level):
        code = VideoProcess(config, lambda: MoodyCamera(mood, live="file" not in sys.argv)).run()
    os._exit(code)

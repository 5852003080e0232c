"""What readers see of a camera of the kernel's that fails: the capture process as a whole, and how long it takes."""

import contextlib
import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from billiards_video import SharedMemoryFrameReader, State
from capture_process import CaptureProcess, write_config
from v4l2 import vivid

READ_TIMEOUT = 2.0
CAMERA = {"device_id": 0, "resolution": [640, 360], "fps": 15, "read_timeout": READ_TIMEOUT, "reconnect_delay": 0.5}
PATIENCE = 60  # seconds, of an emulated machine

_numbers = itertools.count()


class Watched:
    """A capture process on the first camera, and a reader that is attached to its stream."""

    def __init__(self, process: CaptureProcess, reader: SharedMemoryFrameReader) -> None:
        self.process = process
        self.reader = reader

    def state(self, *wanted: State, since: float) -> float:
        """Waits for one of these states in the header; gives the seconds from then."""
        while self.reader.state[0] not in wanted:
            assert time.monotonic() - since < PATIENCE, (wanted, self.reader.state, self.process.output)
            time.sleep(0.002)
        return time.monotonic() - since

    def frame_after(self, taken: float) -> tuple[int, float]:
        """Waits for a frame that was taken after that moment; gives its number and the seconds from then."""
        while True:
            with self.reader.lease(timeout=PATIENCE) as frame:
                known = frame.metadata
            if known.captured_ns / 1e9 > taken:
                assert known.discontinuity, "the first frame after a gap is marked"
                return known.frame_number, time.monotonic() - taken

    def number(self) -> int:
        """Of the newest frame."""
        with self.reader.lease(timeout=PATIENCE) as frame:
            return frame.metadata.frame_number

    def ended(self) -> str:
        """Stops it; gives what it had to drop, of which there may be nothing."""
        counters = self.reader.counters
        code, took = self.process.stop()
        assert code == 0, self.process.output
        assert "Traceback" not in self.process.output, self.process.output
        assert counters.dropped == 0, counters
        return f"{counters.published} published, none dropped; stopped in {took:.2f} s"


@contextlib.contextmanager
def watched(**changes: Any) -> Iterator[Watched]:  # noqa: ANN401 - as in the configuration
    """Starts it, up to the first frame."""
    with tempfile.TemporaryDirectory() as folder:
        name = f"guest_{next(_numbers)}"
        config = write_config(Path(folder), name, CAMERA | changes)
        with CaptureProcess(config) as process:
            reader = SharedMemoryFrameReader(name)
            try:
                reader.attach(timeout=PATIENCE)
                watched = Watched(process, reader)
                watched.state(State.LIVE, since=time.monotonic())
                watched.number()
                yield watched
            finally:
                reader.detach()


def readers_survive_a_freeze() -> str:
    """Frozen: STALLED, then RECONNECTING; thawed, frames go on in the same segment, the first one marked."""
    with watched() as stream:
        time.sleep(2 * READ_TIMEOUT)  # a camera is given time to begin: it is over
        before, epoch = stream.number(), stream.reader.epoch
        began = time.monotonic()
        vivid.turn("percentage_of_dropped_buffers", 100)
        stalled = stream.state(State.STALLED, State.RECONNECTING, since=began)
        lost = stream.state(State.RECONNECTING, since=began)
        vivid.turn("percentage_of_dropped_buffers", 0)
        number, back = stream.frame_after(time.monotonic())
        live = stream.state(State.LIVE, since=began)
        assert stream.reader.epoch == epoch
        assert number > before
        assert stalled < 2.5, stalled
        assert lost < 4, lost
        assert live > lost
        return (
            f"STALLED after {stalled:.2f} s, RECONNECTING after {lost:.2f} s,"
            f" first frame {back:.2f} s after it thawed; {stream.ended()}"
        )


def readers_survive_a_replug() -> str:
    """Unplugged, and plugged in under another number: RECONNECTING at once, then frames, in the same segment."""
    with watched() as stream:
        before, epoch = stream.number(), stream.reader.epoch
        began = time.monotonic()
        vivid.unplug()
        lost = stream.state(State.RECONNECTING, since=began)
        stream.process.wait_for("is gone")
        vivid.plug(f"{vivid.ONE} vid_cap_nr=7")
        number, back = stream.frame_after(time.monotonic())
        stream.process.wait_for("device 0 is /dev/video7 (vivid-000-vid-cap) now, it was /dev/video0")
        stream.state(State.LIVE, since=began)
        assert stream.reader.epoch == epoch
        assert number > before
        assert lost < 2, lost
        return f"RECONNECTING after {lost * 1000:.0f} ms, first frame {back:.2f} s after its return; {stream.ended()}"


def readers_survive_a_driver_error() -> str:
    """A driver that fails: opened again, with the reason in the log."""
    with watched() as stream:
        began = time.monotonic()
        vivid.turn("inject_fatal_streaming_error")
        lost = stream.state(State.RECONNECTING, since=began)
        _, back = stream.frame_after(time.monotonic())
        stream.process.wait_for("VIDIOC_DQBUF: Input/output error")
        assert lost < 2, lost
        return f"RECONNECTING after {lost * 1000:.0f} ms, next frame {back:.2f} s later; {stream.ended()}"


def another_size_is_a_new_segment() -> str:
    """Another camera is there, with a size of its own: a new segment under the same name, which readers follow."""
    with watched() as stream:
        before, epoch = stream.number(), stream.reader.epoch
        vivid.unplug()
        stream.state(State.RECONNECTING, since=time.monotonic())
        stream.process.wait_for("is gone")
        # A source of video with a size and rate that are not to be changed: 1280x720 at 60.
        vivid.plug("n_devs=1 node_types=0x1 num_inputs=1 input_types=3 ccs_cap_mode=0")
        number, back = stream.frame_after(time.monotonic())
        size = (stream.reader.width, stream.reader.height)
        assert size == (1280, 720), size
        assert stream.reader.epoch != epoch
        assert number > before
        return f"640x360, then {size[0]}x{size[1]}: first frame {back:.2f} s after its return; {stream.ended()}"


def black_pictures_are_told() -> str:
    """A picture of one colour is told as such, and so is that it is a picture again."""
    with watched(bad_picture_after=2) as stream:
        began = time.monotonic()
        vivid.turn("osd_text_mode", 2)
        vivid.turn("test_pattern", 5)
        bad = stream.state(State.STALLED, since=began)
        reason = stream.reader.state[1]
        assert reason == "the picture is bad", reason
        began = time.monotonic()
        vivid.turn("test_pattern", 0)
        vivid.turn("osd_text_mode", 0)
        good = stream.state(State.LIVE, since=began)
        return f"{reason!r} after {bad:.1f} s (limit 2), LIVE again after {good:.1f} s; {stream.ended()}"


def stops_while_frozen() -> str:
    """SIGTERM while the camera hangs: the process ends with 0, and does not wait for it."""
    with watched(read_timeout=30) as stream:
        vivid.turn("percentage_of_dropped_buffers", 100)
        stream.state(State.STALLED, since=time.monotonic())
        code, took = stream.process.stop()
        assert code == 0, stream.process.output
        assert took < 3, took
        return f"after {took:.2f} s"


CASES: list[Callable[[], str]] = [
    readers_survive_a_freeze,
    readers_survive_a_replug,
    readers_survive_a_driver_error,
    another_size_is_a_new_segment,
    black_pictures_are_told,
    stops_while_frozen,
]

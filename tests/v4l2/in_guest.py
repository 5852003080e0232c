"""What happens to a camera of the kernel's, and how long it takes: run in a guest machine that has vivid (guest.sh).

Prints a line for each case, `ok` or `FAILED` with the figures that docs/cameras.md has, and `ALL PASSED` at the end.
The guest is emulated, some ten times slower than a machine: times are upper bounds.
"""

import contextlib
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from billiards_video.capture import SourceError
from billiards_video.capture.device import DeviceSource
from billiards_video.capture.device_settings import DeviceSettings
from billiards_video.capture.settings import table, with_rate
from billiards_video.capture.v4l2.cameras import Places, cameras

SMALL = DeviceSettings(width=640, height=360, fps=15)
DRIVER = Path("/sys/bus/platform/drivers/vivid")
failures: list[str] = []


def sh(command: str) -> None:
    """Runs a command of the shell."""
    subprocess.run(["bash", "-c", command], check=True, capture_output=True)


def plug(options: str = "") -> None:
    """Fresh cameras, without a trace of what was set before."""
    subprocess.run(["rmmod", "vivid"], check=False, capture_output=True)
    one = "n_devs=1 node_types=0x1 num_inputs=1 input_types=0"
    sh(f"modprobe vivid {options or one}")


def turn(control: str, node: str = "/dev/video0") -> None:
    """Turns one of vivid's knobs."""
    sh(f"v4l2-ctl -d {node} -c {control}")


@contextlib.contextmanager
def camera(device: int | str = 0, settings: DeviceSettings = SMALL, *, timeout: float = 2.5) -> Iterator[DeviceSource]:
    """A source that streams."""
    source = DeviceSource(device, settings, open_timeout=20, read_timeout=timeout)
    source.open()
    try:
        source.grab()
        yield source
    finally:
        source.close()


def loss(source: DeviceSource, after: Callable[[], None]) -> tuple[str, float]:
    """The words with which it is lost after that, and the seconds from then on."""
    after()
    began = time.monotonic()
    try:
        while True:
            source.grab()
    except SourceError as error:
        return str(error), time.monotonic() - began


def refusal(device: int | str = 0, settings: DeviceSettings = SMALL) -> str:
    """The words with which it cannot be opened."""
    source = DeviceSource(device, settings, open_timeout=3, read_timeout=3)
    try:
        source.open()
    except SourceError as error:
        return str(error)
    finally:
        source.close()
    raise AssertionError("it was opened")


def frames_come() -> str:
    """Opened by number, frames come in the array given; the table of settings."""
    with camera(settings=DeviceSettings(width=640, height=360, fps=15, brightness=99, gain=50)) as source:
        source.close()
        facts = source.open()
        out = np.zeros((facts.height, facts.width, 3), np.uint8)
        deadline = time.monotonic() + 60
        while source.measured_fps is None:
            source.grab()
            assert source.retrieve(out) is out
            assert time.monotonic() < deadline
        assert out.std() > 10, "no picture in it"
        print("\n".join(table(with_rate(facts.settings, source.measured_fps))))
        rows = {row.name: row for row in facts.settings}
        assert rows["brightness"].accepted == "99", rows["brightness"]
        assert rows["gain"].accepted == "50", rows["gain"]
    return f"{facts.width}x{facts.height}"


def frozen() -> str:
    """Frozen: given up after the time-out; thawed, it comes back."""
    with camera(timeout=1.5) as source:
        text, took = loss(source, lambda: turn("percentage_of_dropped_buffers=100"))
        assert "gave no frame within 1.5 s" in text, text
        source.close()
        turn("percentage_of_dropped_buffers=0")
        began = time.monotonic()
        source.open()
        source.grab()
        assert took < 3, took
        return (
            f"lost after {took:.2f} s (limit 1.5), first frame {time.monotonic() - began:.2f} s after the next attempt"
        )


def unplugged() -> str:
    """Unplugged while it streams: lost at once; back under another number, it is followed."""
    with camera() as source:
        text, took = loss(source, lambda: sh(f"echo vivid.0 > {DRIVER}/unbind"))
        assert "is gone" in text, text
        sh(f"echo vivid.0 > {DRIVER}/bind")  # the old descriptor is open: the number is another one
        source.close()
        there = ", ".join(str(found.node) for found in cameras(Places()))
        began = time.monotonic()
        source.open()
        source.grab()
        assert took < 1, took
        return f"lost after {took * 1000:.0f} ms; now {there}, first frame after {time.monotonic() - began:.2f} s"


def disconnected() -> str:
    """Gone with its node still there: lost at once."""
    with camera() as source:
        text, took = loss(source, lambda: turn("disconnect=1"))
        assert took < 1, (text, took)
        return f"after {took * 1000:.0f} ms: {text}"


def driver_error() -> str:
    """A driver that fails while it streams, and one that fails to begin."""
    with camera() as source:
        text, took = loss(source, lambda: turn("inject_fatal_streaming_error=1"))
        assert took < 1, (text, took)
    plug()
    turn("inject_vidioc_streamon_error=1")
    return f"{text} | {refusal()}"


def busy() -> str:
    """Held by another process: refused, with its name."""
    with subprocess.Popen(["v4l2-ctl", "-d", "/dev/video0", "--stream-mmap", "--stream-count=1000"]) as holder:
        time.sleep(3)
        text = refusal()
        holder.kill()
    assert "held by process" in text, text
    assert "v4l2-ctl" in text, text
    return text


def paused() -> str:
    """After a pause, no frame is given out that waited in the queue."""
    ages = []
    with camera(settings=DeviceSettings(width=640, height=360, fps=15, buffer_size=8)) as source:
        time.sleep(2)  # the pause itself
        for _ in range(5):
            taken = source.grab().captured_ns
            assert taken is not None
            ages.append((time.monotonic_ns() - taken) / 1e6)
    assert max(ages) < 500, ages
    return f"ages {', '.join(f'{age:.0f}' for age in ages)} ms, {source.skipped} passed over"


def in_planes() -> str:
    """A driver with the other kind of buffer."""
    plug("n_devs=1 node_types=0x1 num_inputs=1 input_types=0 multiplanar=2")
    with camera() as source:
        for _ in range(3):
            source.grab()
    return "frames come"


def two_of_a_kind() -> str:
    """Of two cameras, the one named is opened; a name that both have is refused."""
    plug("n_devs=2 node_types=0x1,0x1 num_inputs=1,1 input_types=0,0")
    found = cameras(Places())
    with camera(f"camera:{found[1].model.name}"):
        pass
    return refusal("camera:vivid")


def main() -> int:
    """Every case, each with fresh cameras."""
    cases = [
        frames_come, frozen, unplugged, disconnected, driver_error, busy, paused, in_planes, two_of_a_kind
    ]  # fmt: skip
    for case in cases:
        try:
            plug()
            print(f"ok      {case.__name__}: {case()}", flush=True)
        except Exception:  # noqa: BLE001 - whatever it was, the next case is tried
            failures.append(case.__name__)
            print(f"FAILED  {case.__name__}: {traceback.format_exc()}", flush=True)
    print(f"FAILED: {', '.join(failures)}" if failures else "ALL PASSED", flush=True)
    return len(failures)


if __name__ == "__main__":
    sys.exit(main())

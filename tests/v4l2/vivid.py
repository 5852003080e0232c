"""The kernel's virtual cameras: plugged in, unplugged, and turned by the knobs that their driver has for tests."""

import contextlib
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from billiards_video.capture import Source, SourceError
from billiards_video.capture.device import DeviceSource
from billiards_video.capture.device_settings import DeviceSettings
from billiards_video.capture.v4l2 import abi
from billiards_video.capture.v4l2.node import Node

FIRST = Path("/dev/video0")
SMALL = DeviceSettings(width=640, height=360, fps=15)
ONE = "n_devs=1 node_types=0x1 num_inputs=1 input_types=0"
TWO = "n_devs=2 node_types=0x1,0x1 num_inputs=1,1 input_types=0,0"

_DRIVER = Path("/sys/bus/platform/drivers/vivid")
_NEXT = 0x8000_0000


def plug(options: str = ONE) -> None:
    """Fresh cameras, without a trace of what was set before. Every source has to be closed."""
    subprocess.run(["rmmod", "vivid"], check=False, capture_output=True)
    subprocess.run(["modprobe", "vivid", *options.split()], check=True)


def unplug() -> None:
    """Takes the first camera away, from whoever streams from it."""
    (_DRIVER / "unbind").write_text("vivid.0", encoding="ascii")


def replug() -> None:
    """Brings it back: under another number, as long as somebody has the old one open."""
    (_DRIVER / "bind").write_text("vivid.0", encoding="ascii")


def turn(knob: str, value: int = 1, node: Path = FIRST) -> None:
    """Turns one of the driver's knobs, by its name as v4l2-ctl shows it; a button is pressed."""
    with Node(node) as camera:
        asked = abi.QueryControl(id=_NEXT)
        while camera.has(abi.QUERYCTRL, asked):
            if re.sub(r"\W+", "_", asked.name.decode().lower()) == knob:
                camera.call(abi.S_CTRL, abi.Control(id=asked.id, value=value))
                return
            asked.id |= _NEXT
    raise LookupError(knob)


@contextlib.contextmanager
def streaming(device: int | str = 0, settings: DeviceSettings = SMALL, *, timeout: float = 5) -> Iterator[DeviceSource]:
    """A source that streams."""
    source = DeviceSource(device, settings, open_timeout=20, read_timeout=timeout)
    source.open()
    try:
        source.grab()
        yield source
    finally:
        source.close()


def loss(source: Source, death: Callable[[], None]) -> tuple[str, float]:
    """The words with which it is lost after that, and the seconds from then on."""
    began = time.monotonic()
    death()
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


def first_frame(source: Source) -> float:
    """Opens it, and gives the seconds to the first frame."""
    began = time.monotonic()
    source.open()
    source.grab()
    return time.monotonic() - began

"""Where tests of V4L2 devices are made: an empty machine, and what runs there.

What is under test runs in a process that has the imitation of a driver: see `v4l2_camera`, `imitation_fixtures`.
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

from billiards_video.capture.device import DeviceSource
from billiards_video.capture.device_settings import DeviceSettings
from billiards_video.capture.v4l2.cameras import Places
from v4l2_camera import Camera, ImitationCamera

Answer = TypeVar("Answer")

SMALL = DeviceSettings(width=64, height=48, fps=100)


class Bench(NamedTuple):
    """Where the devices of one test are."""

    folder: Path

    @property
    def places(self) -> Places:
        """For the source."""
        return Places(self.folder / "dev", self.folder / "sys" / "video4linux")

    def node(self, number: int = 0) -> Path:
        """A device's node."""
        return self.folder / "dev" / f"video{number}"

    def source(
        self,
        device: int | str = 0,
        settings: DeviceSettings = SMALL,
        *,
        open_timeout: float = 10,
        read_timeout: float = 10,
    ) -> DeviceSource:
        """A source on a device."""
        return DeviceSource(device, settings, open_timeout=open_timeout, read_timeout=read_timeout, places=self.places)


def run(worker: ProcessPoolExecutor, function: Callable[..., Answer], *arguments: object) -> Answer:
    """What the function gives, over there."""
    return worker.submit(function, *arguments).result(30)


def attached(bench: Bench, number: int = 0) -> Camera:
    """The knobs of a camera, in the process that looks through it."""
    return ImitationCamera.attach(bench.node(number)).knobs

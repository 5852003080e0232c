"""A machine with imitations of cameras, in a folder with `dev` and `sys` in it, and code that is run on it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from v4l2_camera import ImitationCamera, Mode

MODES = [
    Mode("YUYV", 640, 480, 30),
    Mode("YUYV", 1280, 720, 10),
    Mode("MJPG", 1920, 1080, 30),
    Mode("MJPG", 640, 480, 60),
]


class Machine(NamedTuple):
    """The folder, and the driver of its cameras."""

    folder: Path
    driver: Path

    @classmethod
    def empty(cls, folder: Path, driver: Path) -> "Machine":
        """Without a camera yet."""
        (folder / "dev").mkdir()
        (folder / "sys" / "video4linux").mkdir(parents=True)
        return cls(folder, driver)

    def camera(self, number: int, name: str, modes: Sequence[Mode] = MODES, *, link: str = "") -> ImitationCamera:
        """Plugs a camera in, of that name, and with a link under /dev/v4l/by-id where one is given."""
        made = ImitationCamera(self.folder / "dev" / f"video{number}", modes=modes)
        made.describe(self.folder / "sys" / "video4linux", name, port=f"1-{number}")
        if link:
            by_id = self.folder / "dev" / "v4l" / "by-id" / link
            by_id.parent.mkdir(parents=True, exist_ok=True)
            by_id.symlink_to(made.node)
        return made

    def run(self, code: str, *arguments: str) -> str:
        """What a program writes here; its first argument is the folder."""
        ended = subprocess.run(
            [sys.executable, "-c", code, str(self.folder), *arguments],
            env=os.environ | {"LD_PRELOAD": str(self.driver)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ended.returncode, ended.stderr) == (0, "")
        return ended.stdout

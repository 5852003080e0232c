"""A capture process on the imitation of a camera (`v4l2_camera`): `python tests/v4l2_process.py CONFIG FOLDER`.

FOLDER has `dev` and `sys/video4linux`, in the places of /dev and /sys/class/video4linux; LD_PRELOAD has the driver.
"""

import os
import sys
from pathlib import Path

from billiards_video.capture.device import DeviceSource
from billiards_video.capture.device_settings import DeviceSettings
from billiards_video.capture.v4l2.cameras import Places
from billiards_video.config import load
from billiards_video.logs import Log
from billiards_video.process import VideoProcess

if __name__ == "__main__":
    config = load(Path(sys.argv[1]), os.environ).config
    camera, folder = config.vision.camera, Path(sys.argv[2])
    width, height = camera.resolution
    source = DeviceSource(
        camera.device_id,
        DeviceSettings(width=width, height=height, fps=camera.fps),
        open_timeout=2 * camera.read_timeout,
        read_timeout=camera.read_timeout,
        places=Places(folder / "dev", folder / "sys" / "video4linux"),
    )
    with Log(config.system.logging.level):
        code = VideoProcess(config, source).run()
    os._exit(code)

"""Which camera of the kernel's is opened, with what settings, and why one cannot be had."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from billiards_video.capture.device import DeviceSource
from billiards_video.capture.device_settings import DeviceSettings
from billiards_video.capture.settings import table, with_rate
from billiards_video.capture.v4l2.cameras import Places, cameras
from v4l2 import vivid

HD = DeviceSettings(width=1920, height=1080, fps=30)


def settings_are_told() -> str:
    """Each setting has what was asked, or the table says what it has instead; the rate is measured."""
    asked = replace(vivid.SMALL, brightness=99, gain=50, contrast=300, saturation=12, focus=3)
    with vivid.streaming(settings=asked) as source:
        source.close()
        facts = source.open()
        out = np.zeros((facts.height, facts.width, 3), np.uint8)
        while source.measured_fps is None:
            source.grab()
            assert source.retrieve(out) is out
        assert out.std() > 10, "no picture in it"
        settings = with_rate(facts.settings, source.measured_fps)
    print("\n".join(table(settings)))
    rows = {row.name: row[1:] for row in settings}
    assert rows["resolution"] == ("640x360", "640x360", "640x360", "")
    assert rows["brightness"] == ("99", "99", None, "")
    assert rows["gain"] == ("50", "50", None, "")
    assert rows["auto_gain"] == ("off", "off", None, "")
    assert rows["contrast"] == ("300", "255", None, "it takes 0 to 255")
    assert rows["saturation"] == ("12", "12", None, "")
    assert rows["focus"] == ("3", None, None, "this device has no such control")
    assert "exposure_mode" not in rows, rows  # it has none, and "auto" goes without saying
    assert abs(source.measured_fps - 15) < 1.5, source.measured_fps
    return f"{source.measured_fps:.2f} frames a second of 15"


def manual_exposure_is_not_there() -> str:
    """What was asked for, and the camera does not have, is in the table."""
    with vivid.streaming(settings=replace(vivid.SMALL, exposure_mode="manual", exposure_value=100)) as source:
        rows = {row.name: row for row in source.open().settings}
    assert rows["exposure_mode"].note == rows["exposure_value"].note == "this device has no such control", rows
    return rows["exposure_mode"].note


def size_before_rate() -> str:
    """The size asked for, at the highest rate that it comes with; a size that is not offered is the nearest one."""
    with vivid.streaming(settings=HD) as source:
        rows = {row.name: row for row in source.open().settings}
    assert rows["resolution"][1:4] == ("1920x1080",) * 3, rows
    assert rows["fps"][1:3] == ("30", "5"), rows
    with vivid.streaming(settings=replace(vivid.SMALL, width=700, height=400)) as source:
        near = {row.name: row for row in source.open().settings}["resolution"]
    assert near[1:4] == ("700x400", "640x360", "640x360"), near
    return "1920x1080 asked at 30 is 5 frames a second; 700x400 is 640x360"


def jpeg_is_not_offered() -> str:
    """A pixel format that there is none of: refused, with those that there are."""
    text = vivid.refusal(settings=replace(vivid.SMALL, pixel_format="MJPG"))
    assert "gives no pictures in MJPG; it offers " in text, text
    assert "YUYV" in text, text
    return text[:90]


def found_by_link_and_name() -> str:
    """By a link as udev makes it, and by name: the camera meant, wherever it is; the number may be another's then."""
    link = Path("/dev/v4l/by-path/platform-vivid.0-video-index0")
    link.parent.mkdir(parents=True, exist_ok=True)

    def lead(node: str) -> None:
        link.unlink(missing_ok=True)
        link.symlink_to(f"../../{node}")

    named = f"camera:{cameras(Places())[0].model.name}"
    sources = [DeviceSource(device, vivid.SMALL, open_timeout=20, read_timeout=5) for device in (str(link), named, 0)]
    lead("video0")
    for source in sources:
        vivid.first_frame(source)
        source.close()
    vivid.plug(f"{vivid.TWO} vid_cap_nr=5,0")  # it is video5 now, and another camera video0
    lead("video5")
    found = []
    for source in sources:
        source.open()
        found.append({row.name: row for row in source.open().settings}["device"].accepted or "")
        source.close()
    link.unlink()
    assert all(device.startswith("/dev/video5 ") for device in found), found
    return f"{link}, {named}, 0: {found[0]}"


def two_of_a_kind() -> str:
    """Of two cameras, the one named is opened; a name that both have is refused."""
    vivid.plug(vivid.TWO)
    with vivid.streaming(f"camera:{cameras(Places())[1].model.name}") as source:
        there = {row.name: row for row in source.open().settings}["device"].accepted or ""
    assert there.startswith("/dev/video1 "), there
    text = vivid.refusal("camera:vivid")
    assert "is 2 cameras" in text, text
    return text


def in_planes() -> str:
    """A driver with the other kind of buffer."""
    vivid.plug(f"{vivid.ONE} multiplanar=2")
    with vivid.streaming() as source:
        out = np.zeros((360, 640, 3), np.uint8)
        for _ in range(3):
            assert source.retrieve(out) is out
            source.grab()
    return "frames come"


def without_pictures() -> str:
    """A camera's node for metadata is refused, with the node that has pictures."""
    vivid.plug(vivid.ONE.replace("0x1", "0x20001"))
    text = vivid.refusal(1)
    assert "gives no pictures" in text, text
    assert "/dev/video0" in text, text
    return text


def busy() -> str:
    """Held by another process: refused, with its name."""
    command = ["v4l2-ctl", "-d", "/dev/video0", "--stream-mmap", "--stream-count=1000"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as holder:
        assert holder.stderr
        holder.stderr.read(1)  # a sign for each frame
        text = vivid.refusal()
        holder.kill()
        holder.stderr.read()
    assert f"is in use: /dev/video0 is held by process {holder.pid} (v4l2-ctl)" in text, text
    return text


def forbidden() -> str:
    """A user outside of the node's group: refused, with the group and the command that lets him in."""
    os.chown(vivid.FIRST, 0, 44)  # Debian's group `video`, as udev would have it
    vivid.FIRST.chmod(0o660)
    code = "from v4l2 import vivid; print(vivid.refusal())"
    nobody = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        user=65534,
        group=65534,
        extra_groups=[],
        cwd=Path(__file__).parents[1],
    )
    text = nobody.stdout.strip()
    assert "no permission for /dev/video0; its group is 'video': 'sudo usermod -aG video $USER'" in text, text
    return text


CASES: list[Callable[[], str]] = [
    settings_are_told,
    manual_exposure_is_not_there,
    size_before_rate,
    jpeg_is_not_offered,
    found_by_link_and_name,
    two_of_a_kind,
    in_planes,
    without_pictures,
    busy,
    forbidden,
]

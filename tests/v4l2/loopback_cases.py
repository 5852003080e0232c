"""A camera that sends JPEGs, torn ones too, through v4l2loopback, a driver that shows what it is given.

The virtual cameras of vivid have no JPEG.
"""

import contextlib
import itertools
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from billiards_video.capture.device_settings import DeviceSettings
from billiards_video.capture.settings import with_rate
from billiards_video.capture.v4l2 import abi
from billiards_video.capture.v4l2.node import Node
from v4l2 import vivid

NODE = Path("/dev/video8")
PERIOD = 0.1  # seconds
SETTINGS = DeviceSettings(width=320, height=240, fps=10)
OUTPUT = 2  # the kind of buffer of whoever gives frames to the driver

Fault = Callable[[bytes], bytes]


def jpeg(number: int) -> bytes:
    """A picture of one gray."""
    return cv2.imencode(".jpg", np.full((240, 320, 3), 20 + 20 * (number % 10), np.uint8))[1].tobytes()


@contextlib.contextmanager
def sending(fault: Fault | None = None) -> Iterator[None]:
    """A camera at `NODE`, of whose frames every fifth has that fault."""
    subprocess.run(["rmmod", "v4l2loopback"], check=False, capture_output=True)
    options = ["devices=1", f"video_nr={NODE.name.removeprefix('video')}", "exclusive_caps=1", "max_buffers=4"]
    subprocess.run(["modprobe", "v4l2loopback", *options], check=True)
    stop, begun = threading.Event(), threading.Event()

    def send() -> None:
        with Node(NODE) as node:
            form = abi.Format(type=OUTPUT)
            form.fmt.pix.width, form.fmt.pix.height = SETTINGS.width, SETTINGS.height
            form.fmt.pix.pixelformat, form.fmt.pix.field = abi.fourcc("MJPG"), abi.FIELD_NONE
            form.fmt.pix.sizeimage = SETTINGS.width * SETTINGS.height
            node.call(abi.S_FMT, form)
            for number in itertools.count():
                picture = jpeg(number)
                whole = fault is None or number % 5 != 4
                os.write(node.fileno(), picture if whole or fault is None else fault(picture))
                begun.set()
                if stop.wait(PERIOD):
                    return

    sender = threading.Thread(target=send)
    sender.start()
    try:
        assert begun.wait(10)
        yield
    finally:
        stop.set()
        sender.join()


def jpegs_are_decoded() -> str:
    """JPEG is taken where there is nothing else, and each is a picture."""
    with sending(), vivid.streaming(8, SETTINGS) as source:
        rows = {row.name: row for row in source.open().settings}
        out = np.zeros((240, 320, 3), np.uint8)
        seen = set()
        for _ in range(20):
            source.grab()
            assert source.retrieve(out) is out
            assert np.ptp(out) <= 4
            seen.add(round(float(out.mean())) // 10)
    assert rows["pixel_format"].accepted == "MJPG", rows
    assert len(seen) > 5, seen
    return f"{rows['device'].accepted}: {rows['pixel_format'].accepted}, {len(seen)} different ones of 20"


def fewer_frames_than_agreed() -> str:
    """A driver that agrees to a rate, and a camera that sends less: the table has both."""
    with sending(), vivid.streaming(8, replace(SETTINGS, fps=30)) as source:
        settings = source.open().settings
        while source.measured_fps is None:
            source.grab()
    row = next(row for row in with_rate(settings, source.measured_fps) if row.name == "fps")
    assert row[1:3] == ("30", "30"), row
    assert float(row.measured or 0) < 1.2 / PERIOD, row
    assert row.note == "fewer come than were agreed to", row
    return f"asked {row.asked}, accepted {row.accepted}, measured {row.measured}"


def torn_jpegs_are_not_shown() -> str:
    """Cut off, another one in the middle, or no JPEG at all: passed over, counted, the next one marked."""
    faults: dict[str, Fault] = {
        "cut off": lambda good: good[: len(good) // 2],
        "two in one": lambda good: good[: len(good) // 2] + good,
        "no JPEG": lambda good: b"no" + good[2:],
    }
    words = []
    for name, fault in faults.items():
        with sending(fault), vivid.streaming(8, SETTINGS) as source:
            before, marked = source.skipped, 0
            out = np.zeros((240, 320, 3), np.uint8)
            for _ in range(20):
                marked += source.grab().discontinuity
                assert source.retrieve(out) is out
                assert np.ptp(out) <= 4, name
            skipped = source.skipped - before
        assert skipped >= 3, (name, skipped)
        assert marked >= 3, (name, marked)
        words.append(f"{name}: {skipped} of {20 + skipped} passed over")
    return "; ".join(words)


CASES: list[Callable[[], str]] = [jpegs_are_decoded, fewer_frames_than_agreed, torn_jpegs_are_not_shown]

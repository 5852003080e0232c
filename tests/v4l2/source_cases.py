"""What a source makes of a camera of the kernel's that hangs, fails or lies, and of frames that are not to be shown."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from billiards_video.capture.device_settings import DeviceSettings
from billiards_video.capture.opencv_device import OpenCVDeviceSource
from billiards_video.capture.v4l2.cameras import Places, cameras, listing
from v4l2 import vivid


def frozen() -> str:
    """Frozen: given up after the time-out, which need not be a whole second; thawed, it comes back."""
    figures = []
    for limit in (0.7, 1.5):
        with vivid.streaming(timeout=limit) as source:
            text, took = vivid.loss(source, lambda: vivid.turn("percentage_of_dropped_buffers", 100))
            assert f"gave no frame within {limit:g} s" in text, text
            assert limit - 0.1 < took < limit + 0.7, took
            source.close()
            vivid.turn("percentage_of_dropped_buffers", 0)
            figures.append(f"limit {limit:g} s: lost after {took:.2f} s, reopened in {vivid.first_frame(source):.2f} s")
    return "; ".join(figures)


def frozen_through_opencv() -> str:
    """OpenCV's way: frames come, and a frozen camera is given up after whole seconds."""
    source = OpenCVDeviceSource(0, vivid.SMALL, backend="v4l2", read_timeout=1.5)
    facts = source.open()
    out = np.zeros((facts.height, facts.width, 3), np.uint8)
    for _ in range(3):
        source.grab()
        assert source.retrieve(out) is out
    text, took = vivid.loss(source, lambda: vivid.turn("percentage_of_dropped_buffers", 100))
    source.close()
    assert math.ceil(1.5) - 0.1 < took < math.ceil(1.5) + 1, took
    return f"limit 1.5 s: lost after {took:.2f} s: {text}"


def called_off() -> str:
    """A wait for a frozen camera is called off at once, so that the process can end."""
    with vivid.streaming(timeout=30) as source:
        vivid.turn("percentage_of_dropped_buffers", 100)
        began = 0.0

        def call_off() -> None:
            nonlocal began
            began = time.monotonic()
            source.cancel()

        timer = threading.Timer(1, call_off)
        text, _ = vivid.loss(source, timer.start)
        took = time.monotonic() - began
    assert "called off" in text, text
    assert took < 0.5, took
    return f"after {took * 1000:.0f} ms"


def unplugged() -> str:
    """Unplugged while it streams: lost at once; back under another number, it is followed."""
    with vivid.streaming() as source:
        text, took = vivid.loss(source, vivid.unplug)
        assert "is gone" in text, text
        assert took < 3, took
        vivid.replug()  # the old descriptor is open: the number is another one
        source.close()
        there = listing(cameras(Places()))
        assert "/dev/video1" in there, there
        return f"lost after {took * 1000:.0f} ms; now {there}; reopened in {vivid.first_frame(source):.2f} s"


def disconnected() -> str:
    """Gone with its node still there: lost at once."""
    with vivid.streaming() as source:
        text, took = vivid.loss(source, lambda: vivid.turn("disconnect"))
    assert "is gone" in text, text
    assert took < 3, took
    return f"after {took * 1000:.0f} ms: {text}"


def driver_fails() -> str:
    """A driver that fails while it streams is lost at once, with the ioctl and the kernel's words."""
    with vivid.streaming() as source:
        text, took = vivid.loss(source, lambda: vivid.turn("inject_fatal_streaming_error"))
    assert "VIDIOC_DQBUF: Input/output error" in text, text
    assert took < 3, took
    return f"after {took * 1000:.0f} ms: {text}"


def driver_refuses_to_begin() -> str:
    """A driver that fails while it is opened is refused with the ioctl; nothing stays open, the next attempt works."""
    words = []
    for name in ("streamon", "reqbufs"):
        vivid.turn(f"inject_vidioc_{name}_error")
        words.append(text := vivid.refusal())
        assert f"VIDIOC_{name.upper()}: Invalid argument" in text, text
        with vivid.streaming():
            pass
    return " | ".join(words)


def buffer_refused_once() -> str:
    """A buffer that the driver does not take back at first is given to it again: nothing is lost."""
    with vivid.streaming(settings=replace(vivid.SMALL, buffer_size=2), timeout=3) as source:
        out = np.zeros((360, 640, 3), np.uint8)
        for _ in range(4):
            vivid.turn("inject_vidioc_qbuf_error")
            assert source.retrieve(out) is out
            source.grab()
    return "four times, with two buffers"


def damaged_frame() -> str:
    """A frame that the driver marks as damaged is passed over and counted, and the next one marked."""
    with vivid.streaming() as source:
        before, marked = source.skipped, 0
        for _ in range(3):
            vivid.turn("inject_v4l2_buf_flag_error")
            for _ in range(5):
                marked += source.grab().discontinuity
        skipped = source.skipped - before
    assert skipped >= 3, skipped
    assert marked >= 3, marked
    return f"3 damaged: {skipped} passed over, {marked} marked"


def half_of_the_frames_lost() -> str:
    """Frames that the driver loses are counted by its numbers, and the next one is marked."""
    with vivid.streaming() as source:
        vivid.turn("percentage_of_dropped_buffers", 50)
        before = source.skipped
        marked = sum(source.grab().discontinuity for _ in range(30))
        skipped = source.skipped - before
    assert 10 <= skipped <= 90, skipped
    assert 5 <= marked <= 30, marked
    return f"30 frames came, {skipped} were counted as lost, {marked} marked"


def count_of_frames_wraps() -> str:
    """The driver's numbers begin anew after 2^32: no loss."""
    vivid.turn("wrap_sequence_number")  # 128 frames before the end
    with vivid.streaming(settings=DeviceSettings(width=320, height=180, fps=60)) as source:
        for _ in range(160):
            source.grab()
        skipped = source.skipped
    assert skipped < 1000, skipped
    return f"160 frames, {skipped} lost"


def wrong_stamps() -> str:
    """Times that cannot be, in the future or long ago, are not believed: a frame is dated by its arrival then."""
    worst = 0.0
    for wrap in (0, 1, 2):
        vivid.turn("wrap_timestamp", wrap)  # to the end of 64, or of 32 bits, within some seconds
        with vivid.streaming(settings=replace(vivid.SMALL, fps=25)) as source:
            until = time.monotonic() + 4
            while time.monotonic() < until:
                taken = source.grab().captured_ns
                age = 0.0 if taken is None else (time.monotonic_ns() - taken) / 1e9
                assert 0 <= age < 11, (wrap, age)
                worst = max(worst, age)
    return f"ages 0 to {worst * 1000:.0f} ms"


def paused() -> str:
    """After a pause, no frame is given out that waited in the queue."""
    vivid.turn("timestamp_source", 1)  # when the exposure began: the other one is in the future
    ages = []
    with vivid.streaming(settings=replace(vivid.SMALL, buffer_size=8)) as source:
        time.sleep(2)  # the pause itself
        for _ in range(5):
            taken = source.grab().captured_ns
            assert taken is not None
            ages.append((time.monotonic_ns() - taken) / 1e6)
    assert max(ages) < 500, ages
    return f"ages {', '.join(f'{age:.0f}' for age in ages)} ms, {source.skipped} passed over"


CASES: list[Callable[[], str]] = [
    frozen,
    frozen_through_opencv,
    called_off,
    unplugged,
    disconnected,
    driver_fails,
    driver_refuses_to_begin,
    buffer_refused_once,
    damaged_frame,
    half_of_the_frames_lost,
    count_of_frames_wraps,
    wrong_stamps,
    paused,
]

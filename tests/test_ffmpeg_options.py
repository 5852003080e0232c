"""The options of a stream stand in the environment while it is opened, and no longer."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from billiards_video.capture.ffmpeg_options import VARIABLE, in_force
from billiards_video.capture.selection import source_for
from billiards_video.capture.stream import StreamSource
from billiards_video.config import CameraConfig
from http_camera import HTTPCamera


def test_rtsp_goes_over_tcp_first_unless_it_is_said_otherwise() -> None:
    """Other options do not undo what OpenCV does without any, a transport does; afterwards all is as before."""
    before = os.environ[VARIABLE]
    with in_force({"fflags": "nobuffer"}):
        assert os.environ[VARIABLE] == "rtsp_flags;prefer_tcp|fflags;nobuffer"
    with in_force({"rtsp_transport": "udp"}):
        assert os.environ[VARIABLE] == "rtsp_transport;udp"
    assert os.environ[VARIABLE] == before


def test_an_opening_that_comes_back_late_leaves_the_next_one_s_alone() -> None:
    """One that hung and was given up ends while another is under way: that one keeps its own options."""
    before = os.environ[VARIABLE]
    with ExitStack() as hung:
        hung.enter_context(in_force({"rtsp_transport": "udp"}))
        with in_force({"rtsp_transport": "tcp"}):
            hung.close()
            assert os.environ[VARIABLE] == "rtsp_transport;tcp"
    assert os.environ[VARIABLE] == before


@pytest.fixture
def camera() -> Iterator[HTTPCamera]:
    """A camera that says who its viewer said to be."""
    with HTTPCamera(fps=25) as camera:
        yield camera


def test_options_reach_ffmpeg_and_do_not_stay(camera: HTTPCamera) -> None:
    """What the configuration sets for a stream is in force while it is opened, and not for what is opened after it."""
    before = os.environ[VARIABLE]
    chosen = source_for(CameraConfig(device_id=camera.url, stream_options={"user_agent": "table 5"}))
    chosen.open()
    chosen.close()
    assert camera.agent == "table 5"
    assert os.environ[VARIABLE] == before
    other = StreamSource(camera.url)
    other.open()
    other.close()
    assert camera.agent != "table 5"


def test_the_user_s_own_options_win(camera: HTTPCamera) -> None:
    """The variable that OpenCV knows goes before the configuration, option by option."""
    code = (
        "from billiards_video.capture.stream import StreamSource as S;"
        f"s = S({camera.url!r}, options={{'user_agent': 'configured', 'seekable': '0'}}); s.open(); s.close()"
    )
    environment = {**os.environ, VARIABLE: "user_agent;from outside"}
    subprocess.run([sys.executable, "-W", "error", "-c", code], env=environment, check=True, timeout=30)
    assert camera.agent == "from outside"

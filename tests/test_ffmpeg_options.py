"""The options of a stream stand in the environment while it is opened, and no longer."""

import os
from contextlib import ExitStack

from billiards_video.capture.ffmpeg_options import VARIABLE, in_force


def test_they_are_there_while_a_stream_is_opened() -> None:
    """Within the block they are in the environment, and afterwards what was there before."""
    before = os.environ[VARIABLE]
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

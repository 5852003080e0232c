"""A video file in a loop, from end to end: `VIDEO_FILE`, ten seconds, another process reading. Also a plain script."""

import re
import sys
import time
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import pytest

from billiards_video import FrameMetadata, SharedMemoryFrameReader, State
from capture_process import CaptureProcess, write_config
from make_video import make_video

FRAMES = 75
FPS = 25
LINES_SECONDS = 10


def say(text: str) -> None:
    """Tells what was seen, to whoever runs this as a script."""
    print(f"  {text}")


class Played(NamedTuple):
    """What was seen in one run."""

    frames: list[FrameMetadata]
    checksums: list[int]
    status: dict[str, Any]
    statistics: str
    code: int
    took: float
    state: tuple[State, str]
    output: str


def play(config: Path, name: str, video: Path) -> Played:
    """Runs the process on the video and reads every frame for a little longer than it takes to the statistics."""
    frames: list[FrameMetadata] = []
    checksums = []
    reader = SharedMemoryFrameReader(name, reader_name="loop test")
    with CaptureProcess(config, VIDEO_FILE=str(video)) as process:
        reader.attach(20)
        say(f"start-up took {time.monotonic() - process.started:.2f} s; segment {reader.path}")
        say(f"{reader.width}x{reader.height} {reader.frame_format.name}")
        while not frames or frames[-1].frame_number < (LINES_SECONDS + 1) * FPS:
            with reader.lease(timeout=10) as frame:
                frames.append(frame.metadata)
                checksums.append(zlib.crc32(frame.array.data))
        status = reader.status()
        statistics = process.wait_for("Stats: ")
        code, took = process.stop()
        state = reader.state
        reader.detach()
    say(f"frames {frames[0].frame_number} to {frames[-1].frame_number} in {frames[-1].loop_count + 1} loops")
    say(f"missed {missed(frames)}; stopped after {took * 1000:.0f} ms with {code}, {state}")
    say(statistics)
    return Played(frames, checksums, status, statistics, code, took, state, process.output)


def missed(frames: list[FrameMetadata]) -> int:
    """How many frames the reader was too late for, after its first."""
    return sum(frame.missed for frame in frames[1:])


def check_frames(played: Played, expected: list[int]) -> list[int]:
    """Every frame is the right one, and what the reader missed explains each gap; gives the frames' numbers."""
    numbers = [frame.frame_number for frame in played.frames]
    assert [b - a - 1 for a, b in pairwise(numbers)] == [frame.missed for frame in played.frames[1:]]
    assert played.checksums == [expected[number % FRAMES] for number in numbers]
    return numbers


@pytest.mark.timeout(200)
def test_a_looping_file_is_read_without_a_gap(tmp_path: Path, segment_name: str) -> None:
    """VIDEO_FILE loops a 720p file: frame numbers go on over the loops, positions start over, and no frame is missed.

    Every frame has the pixels of a plain OpenCV loop's frame of the same place. The pace is the file's own, over the
    seams too. After ten seconds the statistics are logged; SIGTERM stops it, and nothing is left behind.
    """
    video = tmp_path / "mp4v.mp4"
    make_video(video, FRAMES, fps=FPS, size="1280x720")
    expected, capture = [], cv2.VideoCapture(str(video))
    while (read := capture.read())[0]:
        expected.append(zlib.crc32(read[1].data))
    capture.release()
    assert len(expected) == FRAMES == len(set(expected))

    config = write_config(tmp_path, segment_name, {"device_id": 213})  # VIDEO_FILE wins over it
    written = config.read_bytes()
    played = play(config, segment_name, video)
    for _ in range(4):  # on a machine that is too busy to run the reader for a frame's time, nothing could help it
        if missed(played.frames):
            check_frames(played, expected)
            played = play(config, segment_name, video)
    frames = played.frames
    numbers = check_frames(played, expected)
    assert missed(frames) == 0
    assert numbers[0] < FPS
    assert [frame.loop_count for frame in frames] == [number // FRAMES for number in numbers]
    assert [frame.discontinuity for frame in frames] == [number > 0 and number % FRAMES == 0 for number in numbers]
    positions = [frame.position_ns for frame in frames]
    assert positions == pytest.approx([number % FRAMES * 1e9 / FPS for number in numbers], abs=1e6)

    captured = [(b.captured_ns - a.captured_ns) / (b.frame_number - a.frame_number) for a, b in pairwise(frames)]
    assert captured == pytest.approx([1e9 / FPS] * len(captured), abs=1.1e6)
    late = sorted(frame.published_ns - frame.captured_ns for frame in frames)
    say(f"published {late[len(late) // 2] / 1e6:.1f} ms after they were due (median; worst {late[-1] / 1e6:.1f} ms)")
    assert late[len(late) // 2] < 1e9 / FPS

    counts = dict(re.findall(r"(\w+)=([\d.]+)", played.statistics))
    assert float(counts["uptime"]) == pytest.approx(LINES_SECONDS, abs=2)
    assert float(counts["fps"]) == pytest.approx(FPS, rel=0.15)
    assert int(counts["frames_captured"]) == pytest.approx(LINES_SECONDS * FPS, rel=0.2)
    assert counts["readers"] == "1"
    assert played.status["source"] == f"file {video}"
    assert (played.code, played.state) == (0, (State.CLOSED, "stopped"))
    assert "Final statistics: " in played.output
    assert config.read_bytes() == written
    assert list(Path("/dev/shm").glob(f"{segment_name}*")) == []  # noqa: S108 - where it was


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-q", "-s", *sys.argv[1:]]))

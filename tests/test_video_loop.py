"""A video file in a loop, from end to end: `VIDEO_FILE`, ten seconds, another process reading. Also a plain script."""

import re
import sys
import time
import zlib
from itertools import pairwise
from pathlib import Path

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
    reader = SharedMemoryFrameReader(segment_name, reader_name="loop test")
    with CaptureProcess(config, VIDEO_FILE=str(video)) as process, reader:
        say(f"start-up took {time.monotonic() - process.started:.2f} s; segment {reader.path}")
        say(f"{reader.width}x{reader.height} {reader.frame_format.name}")
        seen: list[tuple[FrameMetadata, int]] = []
        while not seen or seen[-1][0].frame_number < (LINES_SECONDS + 1) * FPS:
            with reader.lease(timeout=10) as frame:
                seen.append((frame.metadata, zlib.crc32(frame.array.data)))
        status = reader.status()
        statistics = process.wait_for("Stats: ")
        code, took = process.stop()
        state = reader.state

    frames = [metadata for metadata, _ in seen]
    first = frames[0].frame_number
    say(f"frames {first} to {frames[-1].frame_number} in {frames[-1].loop_count + 1} loops")
    say(f"missed {sum(frame.missed for frame in frames)}; stopped after {took * 1000:.0f} ms with {code}, {state}")
    say(statistics)
    assert [frame.frame_number for frame in frames] == list(range(first, first + len(frames)))
    assert sum(frame.missed for frame in frames[1:]) == 0
    assert [checksum for _, checksum in seen] == [expected[frame.frame_number % FRAMES] for frame in frames]
    assert [frame.loop_count for frame in frames] == [frame.frame_number // FRAMES for frame in frames]
    marked = [frame.frame_number for frame in frames if frame.discontinuity]
    assert marked == [number for number in range(first, first + len(frames)) if number and number % FRAMES == 0]
    positions = [frame.position_ns for frame in frames]
    assert positions == pytest.approx([frame.frame_number % FRAMES * 1e9 / FPS for frame in frames], abs=1e6)

    captured = [b.captured_ns - a.captured_ns for a, b in pairwise(frames)]
    assert captured == pytest.approx([1e9 / FPS] * len(captured), abs=1.1e6)
    late = sorted(frame.published_ns - frame.captured_ns for frame in frames)
    say(f"published {late[len(late) // 2] / 1e6:.1f} ms after they were due (median; worst {late[-1] / 1e6:.1f} ms)")
    assert late[len(late) // 2] < 1e9 / FPS

    counts = dict(re.findall(r"(\w+)=([\d.]+)", statistics))
    assert float(counts["uptime"]) == pytest.approx(LINES_SECONDS, abs=2)
    assert float(counts["fps"]) == pytest.approx(FPS, rel=0.15)
    assert int(counts["frames_captured"]) == pytest.approx(LINES_SECONDS * FPS, rel=0.2)
    assert counts["readers"] == "1"
    assert status["source"] == f"file {video}"
    assert (code, state) == (0, (State.CLOSED, "stopped"))
    assert "Final statistics: " in process.output
    assert config.read_bytes() == written
    assert list(Path("/dev/shm").glob(f"{segment_name}*")) == []  # noqa: S108 - where it was


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-q", "-s", *sys.argv[1:]]))

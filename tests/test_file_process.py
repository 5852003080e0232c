"""Files from end to end: the capture process plays one as fast as it can, and says what is wrong with another."""

import time
from pathlib import Path

from billiards_video import EndOfStream, SharedMemoryFrameReader, State
from capture_process import CaptureProcess, reader_of, write_config
from make_video import encode_video, number_in
from test_file_decoding import converts


def test_a_file_is_played_as_fast_as_possible_on_request(tmp_path: Path, segment_name: str) -> None:
    """A film of 200 s is over in a few: every frame of it was published, and readers see its own positions."""
    path = tmp_path / "film.mp4"
    encode_video(path, 200, fps="1")
    camera = {"video_file_path": str(path), "video_pace": "unlimited"}
    with CaptureProcess(write_config(tmp_path, segment_name, camera)) as process:
        seen = []
        reader = SharedMemoryFrameReader(segment_name)
        reader.attach(20)
        try:
            while True:
                with reader.lease(timeout=20) as frame:
                    seen.append((frame.metadata, number_in(frame.array)))
        except EndOfStream:
            pass
        reader.detach()
        assert process.wait() == 0
        took = time.monotonic() - process.started
    assert "frames_captured=200, frames_written=200" in process.output
    assert took < 40
    for metadata, number in seen:
        assert (metadata.frame_number, metadata.position_ns) == (number, number * 1_000_000_000)


def test_an_interlaced_film_ends_the_process_with_the_reason(tmp_path: Path, segment_name: str) -> None:
    """Exit code 1 and one line with the remedy; readers are told that the source failed."""
    path = tmp_path / "film.mpg"
    encode_video(path, 500, codec="mpeg2video", fps="25", size="160x120", options={"flags": "+ildct+ilme"})
    if converts(path):
        return
    with CaptureProcess(write_config(tmp_path, segment_name, {"video_file_path": str(path)})) as process:
        with reader_of(segment_name) as reader:
            assert process.wait() == 1
            assert reader.state[0] is State.FAILED
        assert f"ERROR - file {path} is interlaced (mpg2)" in process.output
        assert "-vf yadif" in process.output

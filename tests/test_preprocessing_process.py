"""Preprocessing from end to end: what a reader in another process sees of a film, and what a mistake looks like."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from billiards_video import EndOfStream, FrameFormat, SharedMemoryFrameReader
from billiards_video.capture.fake import FakeSource
from billiards_video.config import Config
from billiards_video.process import VideoProcess
from capture_process import CaptureProcess, reader_of, write_config
from make_video import make_video
from test_preprocessing import BARREL, MATRIX, picture, write_calibration

Pixels = npt.NDArray[np.uint8]

FRAMES = 30


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 720p film of a second, lossless."""
    path: Path = tmp_path_factory.mktemp("video") / "FFV1.mkv"
    make_video(path, FRAMES, size="1280x720")
    return path


def config_for(folder: Path, name: str, film: Path, **video: Any) -> Path:  # noqa: ANN401 - as in the file
    """A configuration that plays the film, preprocessed."""
    sections = {"video": {"shared_memory_name": name, **video}}
    return write_config(folder, name, {"video_file_path": str(film)}, **sections)


def test_a_reader_gets_preprocessed_frames(film: Path, tmp_path: Path, segment_name: str) -> None:
    """The segment has the size and the format of what is published, and each frame the pixels that OpenCV makes of it.

    The reader holds them in the shared memory itself, as it does without preprocessing.
    """
    lens = write_calibration(tmp_path / "lens.yml")
    video = {
        "enable_distortion_correction": True,
        "calibration_file_path": str(lens),
        "preprocessing": {"rotate": 180, "crop": [100, 60, 800, 600], "resize": [400, 300], "grayscale": True},
    }
    expected: list[Pixels] = []
    capture = cv2.VideoCapture(str(film))
    while (read := capture.read())[0]:
        upright = cv2.rotate(cv2.undistort(read[1], MATRIX, BARREL), cv2.ROTATE_180)
        part = cv2.resize(upright[60:660, 100:900], (400, 300), interpolation=cv2.INTER_AREA)
        expected.append(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY).astype(np.uint8))
    capture.release()
    with CaptureProcess(config_for(tmp_path, segment_name, film, **video)) as process:
        seen = 0
        with reader_of(segment_name) as reader:
            assert (reader.width, reader.height, reader.frame_format) == (400, 300, FrameFormat.GRAY8)
            try:
                while True:
                    with reader.lease(timeout=20) as frame:
                        assert not frame.is_copy
                        assert frame.array.shape == (300, 400)
                        difference = np.abs(frame.array.astype(int) - expected[frame.metadata.frame_number])
                        assert difference.max() <= 2
                        seen += 1
            except EndOfStream:
                pass
        assert process.wait() == 0
    assert seen > FRAMES // 2
    assert f"Frames are undistorted by {lens}, rotated by 180, cropped to 800x600 at 100,60" in process.output
    assert "400x300 GRAY8" in process.output


def test_a_missing_calibration_is_a_warning_and_raw_frames(film: Path, tmp_path: Path, segment_name: str) -> None:
    """The process runs without the correction, and says so."""
    video = {"enable_distortion_correction": True, "calibration_file_path": str(tmp_path / "lens.yml")}
    with CaptureProcess(config_for(tmp_path, segment_name, film, **video)) as process:
        with reader_of(segment_name) as reader, reader.lease(timeout=20) as frame:
            capture = cv2.VideoCapture(str(film))
            number = frame.metadata.frame_number
            expected = [capture.read()[1] for _ in range(number + 1)][number]
            assert np.array_equal(frame.array, expected)
        process.stop()
    assert f"WARNING - video.calibration_file_path: {tmp_path}/lens.yml does not exist" in process.output


def test_a_broken_calibration_is_an_error_of_the_configuration(film: Path, tmp_path: Path, segment_name: str) -> None:
    """It ends the process with 2 and one line, before any camera is touched."""
    lens = write_calibration(tmp_path / "lens.yml", dist_coeffs=np.zeros(7))
    video = {"enable_distortion_correction": True, "calibration_file_path": str(lens)}
    with CaptureProcess(config_for(tmp_path, segment_name, film, **video)) as process:
        assert process.wait() == 2
    [line] = process.lines
    assert line.startswith(f"billiards_video: error: video.calibration_file_path: {lens}: dist_coeffs has 7 numbers")


@pytest.mark.parametrize("live", [False, True])
def test_what_the_first_frame_refutes_ends_the_process(segment_name: str, *, live: bool) -> None:
    """A crop outside of the frame is known with the first frame: an error, and no reason to open a camera again."""
    data = {"shared_memory_name": segment_name, "preprocessing": {"crop": [0, 0, 65, 48]}}
    source = FakeSource([picture(64, 48)] * 3, live=live)
    process = VideoProcess(Config.model_validate({"video": data}), source)
    assert process.run() == 1
    assert (source.opened, source.closed) == (1, 1)


def test_a_camera_that_comes_back_in_another_mode_is_opened_again(segment_name: str) -> None:
    """Once frames were published, a size that cannot be preprocessed is the camera's fault, and may pass."""
    data = {"shared_memory_name": segment_name, "preprocessing": {"crop": [0, 0, 64, 48]}}
    camera = {"reconnect_delay": 0.01}
    config = Config.model_validate({"video": data, "vision": {"camera": camera}})
    source = FakeSource([picture(64, 48), picture(32, 24), picture(64, 48)])
    assert VideoProcess(config, source).run() == 0
    assert source.opened == 2


class Watched(FakeSource):
    """Remembers where it was asked to write, and whose memory that was."""

    def __init__(self, pictures: list[Pixels]) -> None:
        self.mappings: list[str] = []
        self.going = threading.Event()
        super().__init__([pictures[0], self.going.wait, *pictures[1:]])

    def retrieve(self, out: Pixels) -> Pixels | None:
        """Looks up which file the array is mapped from, if any."""
        address = out.ctypes.data
        for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
            begin, end = (int(bound, 16) for bound in line.split()[0].split("-"))
            if begin <= address < end:
                self.mappings.append(line)
        return super().retrieve(out)


@pytest.mark.parametrize("video", [{}, {"preprocessing": {"resize": [64, 48]}}])
def test_without_steps_the_source_writes_into_the_shared_memory(segment_name: str, video: dict[str, Any]) -> None:
    """No array is between the source and the slot where nothing is asked for, or where there is nothing to do."""
    config = Config.model_validate({"video": {"shared_memory_name": segment_name, **video}})
    source = Watched([picture(64, 48, seed=seed) for seed in range(4)])
    process = VideoProcess(config, source)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(process.run)
        with SharedMemoryFrameReader(segment_name) as reader:
            source.going.set()
            with reader.lease(timeout=10) as frame:
                assert np.array_equal(frame.array, picture(64, 48, seed=frame.metadata.frame_number))
        assert running.result(10) == 0
    assert len(source.mappings) == 4
    assert all(segment_name in mapping for mapping in source.mappings)

"""The thin client: its configuration, its life, and what it says when there is no video."""

import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import billiards_video
from billiards_video import SharedMemoryFrameWriter, VideoConsumer, VideoModuleNotAvailableError
from small_stream import WIDTH, picture


@pytest.fixture
def config(segment_name: str, tmp_path: Path) -> Path:
    """A configuration file that names the segment, beside sections of other programs."""
    path = tmp_path / "config.json"
    video = {"shared_memory_name": segment_name, "shared_memory_attach_timeout_sec": 0.2, "other": [1]}
    path.write_text(json.dumps({"video": video, "projector": {"on": True}}), encoding="utf-8")
    return path


def test_it_reads_what_the_configuration_names(writer: SharedMemoryFrameWriter, config: Path) -> None:
    """Started, it gives the newest frame as a copy, None while there is nothing newer, and its reader for the rest."""
    assert not VideoConsumer(config).is_running
    assert VideoConsumer(config).reader is None
    consumer = VideoConsumer(config)
    consumer.start()
    consumer.start()
    assert consumer.is_running
    assert consumer.get_frame() is None
    for value in range(3):
        writer.write_frame(picture(value))
    frame = consumer.get_frame()
    assert frame is not None
    np.testing.assert_array_equal(picture(2), frame)
    assert frame.flags.writeable
    assert consumer.get_frame() is None
    assert consumer.reader is not None
    assert consumer.reader.width == WIDTH
    assert [figures.name for figures in writer.readers()] == ["VideoConsumer"]
    consumer.stop()
    consumer.stop()
    assert writer.readers() == []
    with pytest.raises(RuntimeError, match=r"^VideoConsumer not started\."):
        consumer.get_frame()


def test_a_block_starts_and_stops_it(writer: SharedMemoryFrameWriter, config: Path) -> None:
    """`with` is `start` and `stop`, and it can be started again."""
    consumer = VideoConsumer(config)
    for value in range(2):
        with consumer as started:
            assert started is consumer
            writer.write_frame(picture(value))
            np.testing.assert_array_equal(picture(value), consumer.get_frame())
        assert not consumer.is_running


def test_no_video_says_how_to_start_it(segment_name: str, config: Path) -> None:
    """Where nobody publishes, `start` waits as long as the file says, and names the segment and the command."""
    consumer = VideoConsumer(config)
    expected = rf"^Shared memory segment '{segment_name}' not created within 0\.2s.*python -m billiards_video"
    with pytest.raises(VideoModuleNotAvailableError, match=expected) as raised:
        consumer.start()
    assert isinstance(raised.value.__cause__, TimeoutError)
    assert not consumer.is_running


def test_a_frame_before_the_start_is_an_error(config: Path) -> None:
    """`get_frame` before `start` and after `stop` says what to call."""
    consumer = VideoConsumer(config)
    with pytest.raises(RuntimeError, match=r"^VideoConsumer not started\. Call start\(\) first\.$"):
        consumer.get_frame()


def test_a_failed_read_is_logged(
    writer: SharedMemoryFrameWriter, config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A read that fails gives None and a warning with the reason, and the next one may succeed."""
    with VideoConsumer(config) as consumer:
        assert consumer.reader is not None
        kept = []
        for value in range(3):
            writer.write_frame(picture(value))
            kept.append(consumer.reader.lease())
        writer.write_frame(picture(3))
        with caplog.at_level(logging.WARNING, "billiards_video"):
            assert consumer.get_frame() is None
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert re.search(r"'test-.*' failed: this reader already holds 3 frames", caplog.text)
        kept.clear()
        np.testing.assert_array_equal(picture(3), consumer.get_frame())


def test_without_a_file_it_takes_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an argument it reads `./config.json`, and where there is none it wants the segment billiards_video."""
    monkeypatch.chdir(tmp_path)
    VideoConsumer()
    (tmp_path / "config.json").write_text('{"video": {"shared_memory_name": "not/possible"}}', encoding="utf-8")
    with pytest.raises(ValueError, match="'not/possible' is not a valid shared memory name"):
        VideoConsumer().start()
    (tmp_path / "config.json").write_text('{"video": {"shared_memory_attach_timeout_sec": 0}}', encoding="utf-8")
    with pytest.raises(VideoModuleNotAvailableError, match=r"'billiards_video' not created within 0\.0s"):
        VideoConsumer().start()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"config\.json is no JSON: "),
        ("[]", r"config\.json: 'video' is to be an object"),
        ('{"video": 5}', r"config\.json: 'video' is to be an object"),
        ('{"video": {"shared_memory_name": 5}}', r"video\.shared_memory_name is 5: a text is needed$"),
        ('{"video": {"shared_memory_attach_timeout_sec": "5"}}', r"timeout_sec is '5': a number from 0 up is needed$"),
        (
            '{"video": {"shared_memory_attach_timeout_sec": true}}',
            r"timeout_sec is True: a number from 0 up is needed$",
        ),
        ('{"video": {"shared_memory_attach_timeout_sec": -1}}', r"timeout_sec is -1: a number from 0 up is needed$"),
    ],
    ids=["no JSON", "list", "number", "name", "text", "bool", "negative"],
)
def test_a_wrong_file_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    """A file that is not what it should be is a ValueError that names file, key and value."""
    path = tmp_path / "config.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        VideoConsumer(path)


def test_a_file_that_is_named_must_exist(tmp_path: Path) -> None:
    """Only the default file may be missing."""
    with pytest.raises(FileNotFoundError, match="elsewhere"):
        VideoConsumer(tmp_path / "elsewhere.json")


def test_importing_it_is_quick() -> None:
    """Beside NumPy the import loads nothing of weight: no asyncio, no JSON, no logging, no OpenCV, no pydantic."""
    heavy = {"asyncio", "concurrent.futures", "cv2", "json", "logging", "multiprocessing", "pathlib", "pydantic"}
    code = "import numpy, sys; before = set(sys.modules); import billiards_video; print(*set(sys.modules) - before)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert heavy & set(shown.stdout.split()) == set()


def test_everything_public_says_where_it_is_from() -> None:
    """Classes are shown, and found by pickle, under the name that they are imported by."""
    for name in billiards_video.__all__:
        public = getattr(billiards_video, name)
        if isinstance(public, type):
            assert public.__module__.startswith("billiards_video")
            assert getattr(sys.modules[public.__module__], public.__qualname__) is public
            assert public.__doc__

"""The thin client: its configuration, its life, and what it says when there is no video."""

import ast
import inspect
import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import billiards_video
from billiards_video import (
    SharedMemoryFrameReader,
    SharedMemoryFrameWriter,
    VideoConsumer,
    VideoModuleNotAvailableError,
)
from peer_process import PeerProcess
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
    assert str(raised.value) == str(raised.value.__cause__)
    assert str(raised.value).count("python -m billiards_video") == 1
    assert not consumer.is_running


def test_a_dead_process_is_told_with_how_to_start_it(segment_name: str, config: Path) -> None:
    """Where a killed process has left its last frame, the text has that and the command, once."""
    with PeerProcess() as peer:
        peer.run(f"writer = SharedMemoryFrameWriter({segment_name!r}, 8, 8); writer.initialize()")
        peer.kill()
    with pytest.raises(VideoModuleNotAvailableError, match="writer has died") as raised:
        VideoConsumer(config).start()
    assert str(raised.value).count("python -m billiards_video") == 1
    with SharedMemoryFrameWriter(segment_name, 8, 8):
        pass  # removes what the dead one has left


def test_a_forked_child_is_told_to_make_its_own(writer: SharedMemoryFrameWriter, config: Path) -> None:
    """In the child the parent's consumer raises, rather than to give None for ever; one of the child's own works."""
    writer.write_frame(picture(0))
    child = """
consumer.start()
read, write = os.pipe()
pid = os.fork()
if pid == 0:
    said = []
    for call in (consumer.get_frame, consumer.start):
        try:
            said.append(repr(call()))
        except RuntimeError as error:
            said.append(str(error))
    with VideoConsumer(config) as own:
        said.append(own.get_frame().shape)
    os.write(write, repr(said).encode())
    os._exit(0)
os.close(write)
with open(read) as answers:
    text = answers.read()
os.waitpid(pid, 0)
consumer.stop()
"""
    with PeerProcess() as peer:
        peer.run(f"config = {str(config)!r}; consumer = VideoConsumer(config)\n{child}")
        said = ast.literal_eval(peer.run("text"))
    refusal = "this consumer belongs to the parent process: after a fork, make a new VideoConsumer in the child"
    assert said == [refusal, refusal, picture(0).shape]


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
        (
            '{"video": {"shared_memory_name": "a/b"}}',
            r"video\.shared_memory_name: 'a/b' is not a valid shared memory name",
        ),
        ('{"video": {"shared_memory_name": "a\\nb"}}', r"video\.shared_memory_name: 'a b' is not a valid"),
        ('{"video": {"shared_memory_name": 5}}', r"video\.shared_memory_name is 5: a text is needed$"),
        (
            '{"video": {"shared_memory_attach_timeout_sec": "5"}}',
            r"timeout_sec is '5': a number from 0 to 3600 is needed$",
        ),
        (
            '{"video": {"shared_memory_attach_timeout_sec": true}}',
            r"timeout_sec is True: a number from 0 to 3600 is needed$",
        ),
        (
            '{"video": {"shared_memory_attach_timeout_sec": -1}}',
            r"timeout_sec is -1: a number from 0 to 3600 is needed$",
        ),
        ('{"video": {"shared_memory_attach_timeout_sec": NaN}}', r"sec is nan: a number from 0 to 3600 is needed$"),
        ('{"video": {"shared_memory_attach_timeout_sec": 1e999}}', r"sec is inf: a number from 0 to 3600 is needed$"),
        ('{"video": {"shared_memory_attach_timeout_sec": 3601}}', r"sec is 3601: a number from 0 to 3600 is needed$"),
    ],
    ids=[
        "no JSON",
        "list",
        "number",
        "slash",
        "two lines",
        "name",
        "text",
        "bool",
        "negative",
        "NaN",
        "Infinity",
        "long",
    ],
)
def test_a_wrong_file_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    """A file that is not what it should be is a ValueError that names file, key and value."""
    path = tmp_path / "config.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message) as caught:
        VideoConsumer(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_byte_order_mark_is_read_over(tmp_path: Path, segment_name: str) -> None:
    """What an editor puts before the text does not matter, as it does not to the process."""
    path = tmp_path / "config.json"
    video = {"shared_memory_name": segment_name, "shared_memory_attach_timeout_sec": 0}
    path.write_text(json.dumps({"video": video}), encoding="utf-8-sig")
    with pytest.raises(VideoModuleNotAvailableError, match=r"within 0\.0s"):
        VideoConsumer(path).start()


def test_a_file_that_is_named_must_exist(tmp_path: Path) -> None:
    """Only the default file may be missing."""
    with pytest.raises(FileNotFoundError, match=r"^\S+/elsewhere\.json: .* does not exist \(looked in /.*\)$"):
        VideoConsumer(tmp_path / "elsewhere.json")


def test_every_argument_of_the_reader_has_its_entry() -> None:
    """The reader's docstring has a line under Args for each argument that its constructor takes, and for no other."""
    stub = ast.parse(Path(billiards_video.__file__).with_name("_core.pyi").read_text(encoding="utf-8"))
    [new] = [
        method
        for kind in stub.body
        if isinstance(kind, ast.ClassDef) and kind.name == "Reader"
        for method in kind.body
        if isinstance(method, ast.FunctionDef) and method.name == "__new__"
    ]
    arguments = [argument.arg for argument in (*new.args.args[1:], *new.args.kwonlyargs)]
    described = (inspect.getdoc(SharedMemoryFrameReader) or "").partition("Args:\n")[2].partition("\n\n")[0]
    assert re.findall(r"^    (\w+): ", described, flags=re.MULTILINE) == arguments


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

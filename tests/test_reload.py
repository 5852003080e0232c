"""SIGHUP: which settings come into force while the process runs, how, and what becomes of those that cannot."""

import json
import os
import pty
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from billiards_video import Frame, FrameFormat, SharedMemoryFrameReader, State
from billiards_video.capture.fake import FakeSource
from billiards_video.changed_settings import changes
from billiards_video.config import Config, Loaded
from billiards_video.process import VideoProcess
from capture_process import PACKAGE, CaptureProcess, reader_of
from make_video import encode_video
from test_preprocessing import write_calibration
from told_status import status_when

READ = "was read anew"
CROPPED = '{"video": {"preprocessing": {"crop": %s}}, "vision": {"camera": {"device_id": "%s"}}}'


class Edited:
    """A configuration file that is edited while a capture process runs on it."""

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.data: dict[str, Any] = {
            "video": {"shared_memory_name": name},
            "vision": {"camera": {"device_id": "synthetic:160x120@50"}},
        }
        self.write()

    def write(self) -> None:
        """Writes it."""
        self.path.write_text(json.dumps(self.data), encoding="utf-8")

    def set(self, key: str, value: object) -> None:
        """Changes one key, as an editor would."""
        *path, last = key.split(".")
        section = self.data
        for part in path:
            section = section.setdefault(part, {})
        section[last] = value
        self.write()


@pytest.fixture
def edited(tmp_path: Path, segment_name: str) -> Edited:
    """The file."""
    return Edited(tmp_path / "config.json", segment_name)


@pytest.fixture
def process(edited: Edited) -> Iterator[CaptureProcess]:
    """The process that runs on it, with a segment."""
    with CaptureProcess(edited.path) as process:
        process.wait_for("Shared memory: ")
        yield process
        process.stop()


def first_that(reader: SharedMemoryFrameReader, **attributes: object) -> Frame:
    """The first frame that has these: `shape`, or metadata."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        frame = reader.lease(timeout=15)
        if all(getattr(frame.array, key, getattr(frame.metadata, key, None)) == attributes[key] for key in attributes):
            return frame
    raise AssertionError(f"no frame with {attributes} came")


def test_what_the_log_and_the_loop_do_changes_at_once(
    edited: Edited, process: CaptureProcess, segment_name: str
) -> None:
    """The level of the log, and which frames it has; the source is not touched."""
    edited.set("vision.camera.frame_log_interval", 7)
    process.send(signal.SIGHUP)
    line = process.wait_for(READ)
    assert line.endswith(f"SIGHUP: {edited.path} was read anew: in force at once: vision.camera.frame_log_interval")
    process.wait_for("Frame 7", timeout=20)  # or 70 to 79, of which only 70 and 77 can be meant
    edited.set("system.logging.level", "ERROR")
    process.send(signal.SIGHUP)
    process.wait_for("in force at once: system.logging.level")
    said = len(process.lines)
    with SharedMemoryFrameReader(segment_name) as reader:
        for _ in range(30):
            reader.lease(timeout=10)
    assert len(process.lines) - said <= 1  # a frame's, between the two
    assert process.output.count("Source: ") == 1


def test_another_resolution_is_another_source_and_segment(
    edited: Edited, process: CaptureProcess, segment_name: str
) -> None:
    """Readers follow into a new segment; numbers go on, the first frame is marked; it is LIVE again."""
    with SharedMemoryFrameReader(segment_name) as reader:
        before = reader.lease(timeout=10).metadata.frame_number
        epoch = reader.epoch
        edited.set("vision.camera.device_id", "synthetic:320x240@10")
        process.send(signal.SIGHUP)
        first = first_that(reader, shape=(240, 320, 3))
        assert first.metadata.discontinuity
        assert before < first.metadata.frame_number < before + 100
        assert reader.epoch != epoch
        assert reader.state == (State.LIVE, "")
        status = status_when(reader, lambda told: told["reconnects"])
    assert status["reconnects_by_reason"] == {"new settings": 1}
    assert (status["errors"], status["nominal_fps"]) == (0, 10)
    process.wait_for("the source is opened again for: vision.camera.device_id")


def test_preprocessing_changes_from_one_frame_to_the_next(
    edited: Edited, process: CaptureProcess, segment_name: str
) -> None:
    """Size and format of what is published change in a new segment, and back; the source stays open throughout."""
    with SharedMemoryFrameReader(segment_name) as reader:
        edited.set("video.preprocessing", {"grayscale": True})
        process.send(signal.SIGHUP)
        first_that(reader, shape=(120, 160))
        edited.set("video.preprocessing", {"resize": [80, 60], "grayscale": True})
        process.send(signal.SIGHUP)
        first = first_that(reader, shape=(60, 80))
        formats = [reader.frame_format]
        assert not first.metadata.discontinuity
        edited.set("video.preprocessing", {})
        process.send(signal.SIGHUP)
        first_that(reader, shape=(120, 160, 3))
        formats.append(reader.frame_format)
        edited.set("video.preprocessing", {"rotate": 90})
        process.send(signal.SIGHUP)
        first_that(reader, shape=(160, 120, 3))
    assert formats == [FrameFormat.GRAY8, FrameFormat.BGR24]
    process.wait_for("Frames are resized to 80x60, gray from now on")
    assert "Frames are published as they come from now on" in process.output
    assert process.output.count("Source: ") == 1
    assert "frames are treated otherwise by: video.preprocessing.grayscale" in process.output


def test_a_calibration_that_was_made_anew_is_read(
    edited: Edited, process: CaptureProcess, segment_name: str, tmp_path: Path
) -> None:
    """The file is another one under the same name: SIGHUP is how the process is told."""
    lens = write_calibration(tmp_path / "lens.yml")
    edited.set("video.calibration_file_path", str(lens))
    edited.set("video.enable_distortion_correction", True)
    edited.set("vision.camera.device_id", "synthetic:1280x720@10")
    process.send(signal.SIGHUP)
    with SharedMemoryFrameReader(segment_name) as reader:
        first_that(reader, shape=(720, 1280, 3))
        lens.write_text("no calibration", encoding="utf-8")
        process.send(signal.SIGHUP)
        assert str(lens) in process.wait_for("the old settings stay in force")
        lens.unlink()
        process.send(signal.SIGHUP)
        process.wait_for("does not exist; frames are not corrected")
        process.wait_for("Frames are published as they come from now on")
        reader.lease(timeout=10)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("{", "line 1, column 2"),
        ('{"vision": {"camera": {"fps": -1}}}', "vision.camera.fps is -1; allowed: a number above 0 to 1000"),
        ('{"vision": {"camera": {"device_id": "synthetic:1x1"}}}', "the size may be from 160x120"),
        ('{"video": {"preprocessing": {"crop": [0, 0, 999, 999]}}}', "video.preprocessing.crop"),
        (CROPPED % ("[0, 0, 999, 999]", "synthetic:160x120@25"), "which are 160x120 where it is made"),
        (CROPPED % ("[0, 0, 640, 480]", "synthetic:320x240@50"), "which are 320x240 where it is made"),
        ('{"vision": {"camera": {"video_file_path": "nowhere.mp4"}}}', "file nowhere.mp4 does not exist"),
        ('{"vision": {"camera": {"device_id": "nowhere/%d.png"}}}', "there is no such picture"),
        (None, "does not exist"),
    ],
)
def test_what_is_broken_leaves_the_old_settings_in_force(
    edited: Edited, process: CaptureProcess, segment_name: str, change: str | None, words: str
) -> None:
    """One line in the log says what is wrong, as it would at the start; the stream goes on as if nothing had been."""
    if change is None:
        edited.path.unlink()
    else:
        data = json.loads(change) if change != "{" else None
        if data and "camera" not in data.get("vision", {}):
            data["vision"] = edited.data["vision"]
        edited.path.write_text(json.dumps(data) if data else change, encoding="utf-8")
    with SharedMemoryFrameReader(segment_name) as reader:
        epoch = reader.epoch
        process.send(signal.SIGHUP)
        line = process.wait_for("the old settings stay in force")
        assert words in line
        assert " - ERROR - SIGHUP: " in line
        number = reader.lease(timeout=10).metadata.frame_number
        assert reader.lease(timeout=10).metadata.frame_number > number
        assert (reader.epoch, reader.state) == (epoch, (State.LIVE, ""))
    assert READ not in process.output
    assert process.output.count("Source: ") == 1
    assert "Traceback" not in process.output


def test_a_source_too_small_for_the_crop_in_force_is_refused(
    edited: Edited, process: CaptureProcess, segment_name: str
) -> None:
    """The crop stays as it is, and the frames to come would not have room for it: the old source stays."""
    edited.set("video.preprocessing", {"crop": [200, 100, 60, 20]})
    edited.set("vision.camera.device_id", "synthetic:320x240@50")
    process.send(signal.SIGHUP)
    with SharedMemoryFrameReader(segment_name) as reader:
        first_that(reader, shape=(20, 60, 3))
        edited.set("vision.camera.device_id", "synthetic:160x120@60")
        process.send(signal.SIGHUP)
        assert "which are 160x120 where it is made" in process.wait_for("the old settings stay in force")
        reader.lease(timeout=10)
        assert reader.state == (State.LIVE, "")
        assert status_when(reader, lambda told: told["reconnects"])["reconnects"] == 1


def test_a_source_that_is_to_come_is_not_judged_by_the_one_before(
    edited: Edited, process: CaptureProcess, segment_name: str
) -> None:
    """While the camera that is configured now is not there yet, its size is not known, and its crop is not refused."""
    edited.set("vision.camera.device_id", "/dev/video-that-comes-later")
    process.send(signal.SIGHUP)
    process.wait_for("video-that-comes-later is missing")
    edited.set("video.preprocessing", {"crop": [0, 0, 640, 480]})
    process.send(signal.SIGHUP)
    assert process.wait_for("frames are treated otherwise by").endswith("video.preprocessing.crop")
    assert "the old settings stay in force" not in process.output
    edited.set("vision.camera.device_id", "synthetic:640x480@50")
    process.send(signal.SIGHUP)
    with SharedMemoryFrameReader(segment_name) as reader:
        first_that(reader, shape=(480, 640, 3))


def test_another_film_under_the_same_path_is_not_judged_by_the_one_before(
    edited: Edited, process: CaptureProcess, segment_name: str, tmp_path: Path
) -> None:
    """A film that was replaced by a larger one is opened anew with a crop that the old one had no room for."""
    film, larger = tmp_path / "film.mp4", tmp_path / "larger.mp4"
    encode_video(film, 8, size="160x120")
    encode_video(larger, 8, size="320x240")
    edited.data["vision"] = {"camera": {"video_file_path": str(film), "loop_video": True}}
    edited.write()
    process.send(signal.SIGHUP)
    process.wait_for("the source is opened again for")
    with SharedMemoryFrameReader(segment_name) as reader:
        process.wait_for(f"Source: file {film}")
        larger.rename(film)
        edited.set("video.preprocessing", {"crop": [0, 0, 300, 200]})
        edited.set("vision.camera.video_start_frame", 1)
        process.send(signal.SIGHUP)
        process.wait_for("the source is opened again for: vision.camera.video_start_frame")
        first_that(reader, shape=(200, 300, 3))
    assert "the old settings stay in force" not in process.output


def test_what_goes_with_the_name_takes_a_new_start(edited: Edited, process: CaptureProcess, segment_name: str) -> None:
    """A warning says so, each time; what else was changed is in force."""
    edited.set("video.shared_memory_name", f"{segment_name}-other")
    edited.set("video.max_buffers", 5)
    edited.set("vision.camera.frame_log_interval", 1)
    process.send(signal.SIGHUP)
    line = process.wait_for("In force only when the process is started anew")
    assert line.endswith(": video.shared_memory_name, video.max_buffers")
    assert " - WARNING - " in line
    process.send(signal.SIGHUP)
    process.wait_for(f"{READ}: nothing that can change while it runs")
    deadline = time.monotonic() + 10
    while process.output.count(line.partition(" - ")[2]) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with SharedMemoryFrameReader(segment_name) as reader:
        reader.lease(timeout=10)


def test_a_file_that_was_mended_is_read(edited: Edited, process: CaptureProcess) -> None:
    """After a mistake the next signal finds the file as it is then."""
    edited.path.write_text("{", encoding="utf-8")
    process.send(signal.SIGHUP)
    process.wait_for("the old settings stay in force")
    edited.write()
    process.send(signal.SIGHUP)
    assert process.wait_for(READ).endswith(": nothing has changed")
    edited.set("vision.camera.bad_picture_after", None)
    process.send(signal.SIGHUP)
    line = process.wait_for(f"{READ}: in force")
    assert line.endswith("in force at once: vision.camera.bad_picture_after")
    assert process.output.count("the old settings stay in force") == 1


def after_a_signal(name: str, source_answers: str, log: pytest.LogCaptureFixture, loaded: Loaded) -> FakeSource:
    """Has a process in this one read `loaded`, and waits for these words in the log; gives its source."""
    log.set_level("INFO")

    def signal_and_wait() -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        deadline = time.monotonic() + 10
        while source_answers not in log.text:
            assert time.monotonic() < deadline
            time.sleep(0.005)

    picture = np.zeros((48, 64, 3), np.uint8)
    source = FakeSource([picture, signal_and_wait, picture])
    config = Config.model_validate({"video": {"shared_memory_name": name}})
    assert VideoProcess(config, source, reload=lambda: loaded).run() == 0
    return source


def test_the_programs_own_source_stays(segment_name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Settings of a source that the configuration did not make are not in force, and a warning says so."""
    data = {"video": {"shared_memory_name": segment_name}, "vision": {"camera": {"fps": 60}}}
    loaded = Loaded(Config.model_validate(data), "edited.json", ("a slip",))
    source = after_a_signal(segment_name, "a slip", caplog, loaded)
    assert (source.opened, source.retrieved) == (1, 2)
    assert "Not in force, as the source is the program's own: vision.camera.fps" in caplog.text


def test_without_a_file_it_says_so(segment_name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Started on the defaults, without a configuration file, it has none to read again, and changes nothing."""
    words = "there is no configuration file to read: the settings stay as they are"
    source = after_a_signal(segment_name, words, caplog, Loaded(Config(), "defaults", ()))
    assert (source.opened, source.retrieved) == (1, 2)
    assert READ not in caplog.text


def test_a_terminal_that_is_closed_stops_it(edited: Edited, segment_name: str) -> None:
    """The same signal comes when the terminal goes in which the process was started: then nobody wants it any more."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(PACKAGE[0], [*PACKAGE, str(edited.path)])  # noqa: S606 - in the child, as a shell does
    gone = False
    try:
        with reader_of(segment_name) as reader:
            os.close(terminal)
            deadline = time.monotonic() + 10
            while not (gone := os.waitpid(pid, os.WNOHANG)[0] == pid):
                assert time.monotonic() < deadline, "it runs on"
                time.sleep(0.01)
            assert reader.state == (State.CLOSED, "stopped")
    finally:
        if not gone:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("vision.camera.reconnect_delay", 2.0, "at_once"),
        ("vision.camera.read_timeout", 2.0, "source"),
        ("vision.camera.stream_options", {"fflags": "nobuffer"}, "source"),
        ("video.process.shutdown_timeout", 2.0, "at_once"),
        ("video.preprocessing.flip", "both", "preprocessing"),
        ("video.calibration_file_path", "lens.yml", "preprocessing"),
        ("video.access", "group", "restart"),
        ("video.shared_memory_attach_timeout_sec", 1.0, None),
    ],
)
def test_every_key_has_its_way(key: str, value: object, kind: str | None) -> None:
    """What a change of it takes; what concerns readers alone is no change."""
    data: dict[str, Any] = {}
    section = data
    *path, last = key.split(".")
    for part in path:
        section = section.setdefault(part, {})
    section[last] = value
    found = changes(Config(), Config.model_validate(data))._asdict()
    assert {name: keys for name, keys in found.items() if keys} == ({} if kind is None else {kind: (key,)})

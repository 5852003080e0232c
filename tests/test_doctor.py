"""`billiards-video doctor`: each trouble is found, is told with what mends it, and nothing else is."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from billiards_video import SharedMemoryFrameReader, SharedMemoryFrameWriter, State
from billiards_video.cli.checks.clock import clock
from billiards_video.cli.checks.configuration import calibration
from billiards_video.cli.checks.shared_memory import room
from billiards_video.config import VideoConfig
from capture_process import CaptureProcess, write_config
from cli_command import COMMAND, Terminal, environment, run
from imitation_machine import Machine
from small_stream import HEIGHT, WIDTH, picture
from told_status import status_when

pytest_plugins = ["imitation_fixtures"]

SMALL = {"device_id": "synthetic:160x120@30"}
SHM = Path("/dev/shm")  # noqa: S108 - the real one is looked at
_ON_A_MACHINE = """
import json, sys
from pathlib import Path
from billiards_video.capture.device import DeviceSource
from billiards_video.capture.device_settings import DeviceSettings
from billiards_video.capture.v4l2.cameras import Places
from billiards_video.cli.checks.camera import Findings
from billiards_video.config import CameraConfig
folder = Path(sys.argv[1])
places = Places(folder / "dev", folder / "sys" / "video4linux")
camera = CameraConfig(**json.loads(sys.argv[2]))
width, height = camera.resolution
settings = DeviceSettings(width=width, height=height, fps=camera.fps)
findings = Findings(camera, None, lambda: DeviceSource(camera.device_id, settings, places=places), places)
print(json.dumps([check._asdict() for check in findings.checks(quick=sys.argv[3] == "quick")]))
"""


def run_after(step: str, *arguments: str) -> str:
    """What the command shows in a mount namespace of its own, after a step of a shell."""
    namespaces = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]
    command = [*namespaces, "sh", "-c", f'{step} && exec "$@"', "sh"]
    tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"NOT TESTED, namespaces are not allowed here: {tried.stderr.strip()}")
    ended = subprocess.run(
        [*command, *COMMAND, *arguments], env=environment(), capture_output=True, check=True, text=True
    )
    return ended.stdout


def diagnosis(*arguments: str | Path, **variables: str) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """The exit code of --json, and the checks by their subjects."""
    if "PYTHONPATH" in variables:  # before what this process has there
        variables["PYTHONPATH"] += f"{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    ended = run("doctor", "--json", *arguments, variables=variables)
    assert ended.stderr == ""
    told = json.loads(ended.stdout)
    checks: dict[str, list[dict[str, Any]]] = {}
    for check in told["checks"]:
        checks.setdefault(check["subject"], []).append(check)
    assert told["problems"] == sum(each["result"] == "problem" for each in told["checks"])
    return ended.returncode, checks


def test_where_all_is_well(tmp_path: Path, segment_name: str) -> None:
    """Each subject is looked at, none has a problem, the rate is measured, and the exit code is 0."""
    code, checks = diagnosis(write_config(tmp_path, segment_name, SMALL))
    assert code == 0
    for subject in ("Python", "OpenCV", "configuration", "shared memory", "stream", "camera", "calibration", "clock"):
        assert checks[subject][-1]["result"] == "ok", checks[subject]
    (rate,) = checks["rate"]
    assert "160x120, measured here" in rate["text"]
    assert set(checks) >= {"old files"}


def test_what_a_person_sees(tmp_path: Path, segment_name: str) -> None:
    """In a terminal of 80 columns there are colours, no line is cut, a command is on a line of its own, and a sum."""
    config = write_config(tmp_path, segment_name, {"video_file_path": "missing.mp4"})
    with Terminal("doctor", "--quick", config) as terminal:
        assert terminal.end() == 1
    assert "\x1b[31mproblem" in terminal.shown
    assert "file missing.mp4 does not exist" in " ".join(terminal.text.split())
    assert "   -> correct video_file_path" in terminal.text
    assert "1 problem, " in terminal.text
    assert max(len(line) for line in terminal.text.splitlines() if "->" not in line) <= 80


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "does not exist"), ('{"video": }', "line 1, column 11"), ('{"video": {"max_buffers": 99}}', "3 to 16")],
)
def test_a_bad_configuration(tmp_path: Path, content: str | None, words: str) -> None:
    """It is the problem, in the capture process's own words, and what depends on it is not checked."""
    config = tmp_path / "bad.json"
    if content is not None:
        config.write_text(content, encoding="utf-8")
    code, checks = diagnosis("--quick", config)
    assert code == 1
    (check,) = checks["configuration"]
    assert check["result"] == "problem"
    assert words in check["text"]
    assert checks["camera"][0]["result"] == "not checked"
    assert checks["clock"]


def test_a_slip_in_the_configuration(tmp_path: Path, segment_name: str) -> None:
    """A key that is not known is a warning, and no problem."""
    code, checks = diagnosis("--quick", write_config(tmp_path, segment_name, SMALL | {"loop": True}))
    assert code == 0
    assert [check["result"] for check in checks["configuration"]] == ["warning", "ok"]
    assert "vision.camera.loop is unknown" in checks["configuration"][0]["text"]


def test_two_opencv_at_once(tmp_path: Path, segment_name: str) -> None:
    """Two of OpenCV's packages in one place overwrite one another: both are named, and the way out of it."""
    facts = tmp_path / "site" / "opencv_python_headless-4.9.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: opencv-python-headless\nVersion: 4.9.0\n")
    config = write_config(tmp_path, segment_name, SMALL)
    code, checks = diagnosis("--quick", config, PYTHONPATH=str(tmp_path / "site"))
    assert code == 1
    check = checks["OpenCV"][0]
    assert check["result"] == "problem"
    assert "opencv-python and opencv-python-headless are installed together" in check["text"]
    assert "pip uninstall -y opencv-python opencv-python-headless && " in check["remedy"]


@pytest.mark.parametrize(
    ("module", "words", "remedy"),
    [
        ("raise ImportError('libGL.so.1: cannot open shared object file')", "libGL.so.1", "apt-get install libgl1"),
        ("raise ModuleNotFoundError(\"No module named 'cv2'\")", "not installed", "pip install opencv-python"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "dies of signal 11", "--force-reinstall"),
        ("raise ImportError('numpy.core.multiarray failed to import')", "failed to import", "--force-reinstall"),
        (
            "__version__ = '4.5.0'\ndef getBuildInformation(): return 'Video I/O:\\n    FFMPEG:   NO\\n'",
            "without FFmpeg",
            "--force-reinstall",
        ),
    ],
)
def test_an_opencv_that_does_not_serve(tmp_path: Path, segment_name: str, module: str, words: str, remedy: str) -> None:
    """It is loaded in a process of its own, which may die of it, and the likely cause is named."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "cv2.py").write_text(module, encoding="utf-8")
    config = write_config(tmp_path, segment_name, SMALL)
    code, checks = diagnosis("--quick", config, PYTHONPATH=str(tmp_path / "site"))
    assert code == 1
    (check,) = checks["OpenCV"]
    assert check["result"] == "problem"
    assert words in check["text"]
    assert remedy in check["remedy"]


def test_too_little_room(tmp_path: Path) -> None:
    """Frames that do not fit are told with how large the memory should be; a directory that is not there likewise."""
    (check,) = room(10**13)
    assert check.result == "warning"
    assert "too little" in check.text
    assert "size=" in check.remedy
    (check,) = room(1000, tmp_path / "missing")
    assert check.result == "warning"
    assert "mount -t tmpfs" in check.remedy
    (check,) = room(1000)
    assert check.result == "ok"


def test_memory_that_is_read_only(tmp_path: Path, segment_name: str) -> None:
    """A /dev/shm without a way to write into it is told as that, whoever asks, and where frames go instead."""
    config = write_config(tmp_path, segment_name, SMALL)
    shown = json.loads(run_after("mount -t tmpfs -o ro tmpfs /dev/shm", "doctor", "--quick", "--json", str(config)))
    (check,) = [check for check in shown["checks"] if check["subject"] == "shared memory"]
    assert (check["result"], check["remedy"]) == ("warning", "sudo mount -o remount,rw /dev/shm")
    assert check["text"].startswith(f"{SHM} is read-only; frames go to ")


def test_memory_that_may_not_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory whose rights are too narrow is told with its mode, and with the command that widens them."""
    tmp_path.chmod(0o555)
    monkeypatch.setattr(os, "access", lambda *_: False)  # root, as which tests run too, may write everywhere
    (check,) = room(1000, tmp_path)
    assert (check.result, check.remedy) == ("warning", f"sudo chmod 1777 {tmp_path}")
    assert check.text.startswith(f"{tmp_path} may not be written to (mode 555); frames go to ")


def test_what_a_dead_writer_has_left(tmp_path: Path, segment_name: str) -> None:
    """Its files are found, with a command that removes them; a live one's are not among them."""
    live = f"{segment_name}-live"
    with CaptureProcess(write_config(tmp_path, segment_name, SMALL)) as process:
        process.wait_for("Frame 0")
        process.send(signal.SIGKILL)
        process.wait()
    with SharedMemoryFrameWriter(live, WIDTH, HEIGHT):
        code, checks = diagnosis("--quick", tmp_path / "config.json")
    assert code == 0
    (old,) = checks["old files"]
    assert old["result"] == "warning"
    assert live not in old["remedy"]
    assert checks["stream"][0]["result"] == "warning"
    assert "has died" in checks["stream"][0]["text"]
    assert old["remedy"].startswith("rm ")
    ours = [word for word in old["remedy"].split() if segment_name in word]
    assert sorted(ours) == sorted(str(path) for path in SHM.glob(f"{segment_name}*"))
    assert len(ours) == 4
    for path in ours:
        Path(path).unlink()
    assert segment_name not in json.dumps(diagnosis("--quick")[1]["old files"])


def test_a_foreign_file_under_the_name(tmp_path: Path, segment_name: str) -> None:
    """Another program's file where the stream should be is a problem, with the command that removes it."""
    foreign = SHM / segment_name
    foreign.write_bytes(b"no frames" * 1000)
    try:
        code, checks = diagnosis("--quick", write_config(tmp_path, segment_name, SMALL))
    finally:
        foreign.unlink()
    assert code == 1
    (check,) = checks["stream"]
    assert (check["result"], check["remedy"]) == ("problem", f"rm {foreign}")
    assert "not a segment of billiards_video" in check["text"]


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root, to give a file away")
def test_a_name_that_is_another_user_s(tmp_path: Path, segment_name: str) -> None:
    """A stream of another user under the configured name is a problem, and naming the user no way out."""
    with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT) as writer:
        for path in SHM.glob(f"{segment_name}*"):
            os.chown(path, 12345, 12345)
        code, checks = diagnosis("--quick", write_config(tmp_path, segment_name, SMALL))
        for path in SHM.glob(f"{segment_name}*"):
            os.chown(path, 0, 0)
        del writer
    assert code == 1
    (check,) = checks["stream"]
    assert check["result"] == "problem"
    assert f"the name '{segment_name}' is user 12345's" in check["text"]
    assert "another video.shared_memory_name" in check["remedy"]


def test_a_stream_that_runs_is_not_disturbed(tmp_path: Path, segment_name: str) -> None:
    """With the capture process running, its figures are taken, nothing is opened, and no reader shows up."""
    config = write_config(tmp_path, segment_name, SMALL)
    with CaptureProcess(config) as process:
        process.wait_for("Frame 0")
        code, checks = diagnosis("--quick", config)
        assert process.stop()[0] == 0
    assert code == 0
    assert checks["stream"][0]["text"] == f"pid {process.pid} publishes '{segment_name}', 0 readers"
    assert "readers=1" not in process.output


def test_a_stream_with_trouble(tmp_path: Path, writer: SharedMemoryFrameWriter) -> None:
    """What a stream says of itself is a warning with its reason; one that says nothing for seconds is a problem."""
    writer.write_frame(picture(0))
    writer.set_state(State.STALLED, "the picture is frozen")
    config = write_config(tmp_path, writer.name, SMALL)
    code, checks = diagnosis("--quick", config)
    assert code == 0
    assert checks["stream"][0]["result"] == "warning"
    assert "STALLED" in checks["stream"][0]["text"]
    assert "the picture is frozen" in checks["stream"][0]["text"]


def test_a_rate_of_nothing_is_not_well(tmp_path: Path, writer: SharedMemoryFrameWriter) -> None:
    """While no frames come, the rate is a warning that leads to the stream's status, whatever its source promises."""
    writer.write_frame(picture(0))
    writer.set_state(State.STALLED, "no frames arrive")
    for told in ({"fps": 0.0}, {"fps": 0.0, "nominal_fps": 30}):
        writer.set_status(json.dumps(told))
        config = write_config(tmp_path, writer.name, {"device_id": "http://127.0.0.1:9/camera"})
        (check,) = diagnosis("--quick", config)[1]["rate"]
        assert (check["result"], check["remedy"]) == ("warning", f"billiards-video status {writer.name}")
        assert check["text"] == f"no frames come just now (as the capture process, pid {os.getpid()}, has it)"


def test_a_calibration_that_does_not_fit(tmp_path: Path) -> None:
    """One for another aspect ratio is a problem, a missing one a warning, a broken one a problem, a right one ok."""
    path = tmp_path / "lens.yaml"
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    storage.write("camera_matrix", np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]]))
    storage.write("dist_coeffs", np.array([0.1, 0.0, 0.0, 0.0, 0.0]))
    storage.write("image_width", 640)
    storage.write("image_height", 480)
    storage.release()
    asked = VideoConfig(enable_distortion_correction=True, calibration_file_path=str(path))
    assert calibration(asked, (320, 240)).result == "ok"
    assert calibration(asked, None).result == "not checked"
    wrong = calibration(asked, (1920, 1080))
    assert wrong.result == "problem"
    assert "a calibration for 640x480" in wrong.text
    assert calibration(asked.model_copy(update={"calibration_file_path": "missing.yaml"}), None).result == "warning"
    path.write_text("nonsense", encoding="utf-8")
    assert calibration(asked, (320, 240)).result == "problem"
    assert calibration(VideoConfig(), None).result == "ok"


def test_a_slow_clock(tmp_path: Path) -> None:
    """A clock source that takes microseconds to read is named, with the one to take instead."""
    (tmp_path / "current_clocksource").write_text("hpet\n")
    (tmp_path / "available_clocksource").write_text("hpet acpi_pm tsc\n")
    check = clock(tmp_path)
    assert check.result == "warning"
    assert check.remedy == f"echo tsc | sudo tee {tmp_path}/current_clocksource"
    assert "CLOCK_MONOTONIC by hpet, in steps of " in check.text


def findings(machine: Machine, mode: str = "quick", **camera: object) -> dict[str, tuple[str, str, str]]:
    """What is found out about the camera there: result, text and remedy by subject."""
    checks = json.loads(machine.run(_ON_A_MACHINE, json.dumps(camera), mode))
    return {check["subject"]: (check["result"], check["text"], check["remedy"]) for check in checks}


def test_a_camera_that_is_well(machine: Machine) -> None:
    """It is there and free, has what is asked for, and its rate is measured."""
    machine.camera(0, "USB Camera")
    found = findings(machine, "measure", device_id=0, resolution=[640, 480], fps=30)
    assert {subject: result for subject, (result, _, _) in found.items()} == {
        "camera": "ok",
        "formats": "ok",
        "rate": "ok",
    }
    assert "(USB Camera), free" in found["camera"][1]
    assert "640x480, measured here" in found["rate"][1]


def test_a_camera_that_is_slower_than_agreed(machine: Machine) -> None:
    """The rate that comes is compared with the one that was agreed, and what helps is named."""
    camera = machine.camera(0, "USB Camera")
    camera.knobs.real_numerator, camera.knobs.real_denominator = 12, 1
    result, text, remedy = findings(machine, "measure", device_id=0, resolution=[640, 480], fps=30)["rate"]
    assert result == "warning"
    assert "fewer than agreed" in text
    assert "exposure_dynamic_framerate" in remedy


def test_a_camera_that_is_not_there(machine: Machine) -> None:
    """Which cameras there are is said."""
    machine.camera(3, "USB Camera")
    result, text, remedy = findings(machine, device_id=0)["camera"]
    assert (result, remedy) == ("problem", "billiards-video list")
    assert "(USB Camera)" in text


def test_a_camera_that_somebody_has_open(machine: Machine) -> None:
    """Who that is, is said, with what ends it; and the camera is left alone."""
    camera = machine.camera(0, "USB Camera")
    with camera.node.open("rb"):
        found = findings(machine, "measure", device_id=0)
    result, text, remedy = found["camera"]
    assert (result, remedy) == ("warning", f"kill {os.getpid()}")
    assert f"is open in process {os.getpid()} (" in text
    assert found["rate"] == ("not checked", "the camera is in use: it is left alone", "")


def test_formats_that_do_not_suit(machine: Machine) -> None:
    """A size, a rate or a pixel format that it does not have is told with those that it has."""
    machine.camera(0, "USB Camera")
    assert "none in 800x600" in findings(machine, device_id=0, resolution=[800, 600])["formats"][1]
    assert "10 times a second at most" in findings(machine, device_id=0, resolution=[1280, 720])["formats"][1]
    result, text, _ = findings(machine, device_id=0, pixel_format="NV12")["formats"]
    assert result == "problem"
    assert "it has no NV12; it has YUYV, MJPG" in text


def test_a_camera_without_permission(machine: Machine) -> None:
    """The group, and the command that adds to it, are named; root may open everything, and is told by the driver."""
    camera = machine.camera(0, "USB Camera")
    camera.knobs.open_error = 13  # EACCES
    found = findings(machine, device_id=0)
    result, text, _ = found["formats"] if "formats" in found else found["camera"]
    assert result == "problem"
    assert "permission" in text


def test_it_opens_nothing_for_nothing() -> None:
    """A program that imports the doctor's checks of machine and memory has loaded no OpenCV."""
    code = "import sys, billiards_video.cli.doctor; sys.exit('cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_writer_that_hangs(tmp_path: Path, segment_name: str) -> None:
    """A stopped capture process is a problem, with the command that wakes it, which does."""
    config = write_config(tmp_path, segment_name, SMALL)
    with CaptureProcess(config) as process:
        process.wait_for("Frame 0")
        with SharedMemoryFrameReader(segment_name, observe=True) as reader:
            status_when(reader, lambda told: told)
            process.send(signal.SIGSTOP)
            while True:
                code, checks = diagnosis("--quick", config)
                if checks["stream"][0]["result"] != "ok":
                    break
            assert code == 1
            remedy = checks["stream"][0]["remedy"].partition(";")[0]
            assert remedy == f"kill -CONT {process.pid}"
            while reader.read_frame()[0] is not None:
                pass
            subprocess.run(remedy.split(), check=True)
            assert reader.wait_for_frame(20)[0] is not None
        assert process.stop()[0] == 0

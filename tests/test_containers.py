"""The capture process and its readers where containers and other programs meddle with /dev/shm."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from billiards_video import SharedMemoryFrameReader, SharedMemoryFrameWriter, State
from capture_process import PACKAGE, CaptureProcess, write_config
from small_stream import HEIGHT, WIDTH, picture
from told_status import status_in

SHM = Path("/dev/shm")  # noqa: S108 - the real one is what is tested
HEALED = 1.5  # seconds; the writer looks once a second
PACE = 0.005

# Root stays what it is; anybody else is root to itself.
OWN_MOUNTS = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]
CONTAINER = [*OWN_MOUNTS, "--pid", "--fork", "--kill-child", "--mount-proc", "--ipc", "--uts", "--net", "--cgroup"]

ATTACH_AND_EXIT = """
import sys
from multiprocessing.shared_memory import SharedMemory
shared = SharedMemory(name=sys.argv[1], **eval(sys.argv[2]))
assert bytes(shared.buf[256:264]) == b"BVFRAMES"
shared.close()
"""


def _after(*steps: str, namespaces: list[str] = OWN_MOUNTS) -> list[str]:
    """The command that runs the capture process in namespaces of its own, after some steps of a shell."""
    command = [*namespaces, "sh", "-c", " && ".join([*steps, 'exec "$@"']), "sh"]
    tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"NOT TESTED, namespaces are not allowed here: {tried.stderr.strip()}")
    return [*command, *PACKAGE]


def _tiny(folder: Path, name: str) -> Path:
    return write_config(folder, name, {"device_id": "synthetic:320x240@60"})


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory that stands in for /dev/shm, of this process and those that it starts; not made yet."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return tmp_path / f"billiards_video-{os.geteuid()}"


def _read(reader: SharedMemoryFrameReader) -> int:
    """Waits for a newer frame, and gives its number."""
    with reader.lease(timeout=10) as frame:
        return frame.metadata.frame_number


def _stop(process: CaptureProcess) -> None:
    """Ends the process, in a container through the container's first process."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
    os.kill(int(children[0]) if children else process.pid, signal.SIGTERM)
    assert process.wait() == 0, process.output


def test_4k_does_not_fit_into_64_megabytes(segment_name: str, tmp_path: Path, elsewhere: Path) -> None:
    """The log names the bytes that are needed, those that are free, and the options that give more; then it goes on."""
    config = write_config(tmp_path, segment_name, {"device_id": "synthetic:3840x2160@10"})
    command = _after("mount -t tmpfs -o size=64m tmpfs /dev/shm")
    with CaptureProcess(config, command=command) as process:
        told = process.wait_for("shared memory is in")
        assert "WARNING" in told
        assert f"'{elsewhere / segment_name}', because /dev/shm: no space left" in told
        assert "3840x2160 BGR24 needs 74.7 MB and 67.1 MB are free" in told
        assert "'mount -o remount,size=...'" in told
        assert "--shm-size" in told
        with SharedMemoryFrameReader(segment_name) as reader:
            assert Path(reader.path).parent == elsewhere
            with reader.lease(timeout=10) as frame:
                assert frame.array.shape == (2160, 3840, 3)
        _stop(process)
    assert list(elsewhere.iterdir()) == []


DEV_WITHOUT_SHM = """cd {folder} && mkdir dev && for node in null zero urandom random; do
    : >dev/$node && mount --bind /dev/$node dev/$node || exit 1; done && mount --rbind dev /dev"""


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        pytest.param(DEV_WITHOUT_SHM, "No such file or directory", id="missing"),
        pytest.param("mount -t tmpfs -o ro tmpfs /dev/shm", "Read-only file system", id="read-only"),
    ],
)
def test_without_dev_shm(step: str, reason: str, segment_name: str, tmp_path: Path, elsewhere: Path) -> None:
    """Where there is no /dev/shm, or none to write to, the next directory serves, and the log says why not that one."""
    command = _after(step.format(folder=shlex.quote(str(tmp_path))))
    shutil.rmtree(tmp_path / "dev", ignore_errors=True)  # the trial's
    with CaptureProcess(_tiny(tmp_path, segment_name), command=command) as process:
        told = process.wait_for("shared memory is in")
        assert f"'{elsewhere / segment_name}', because /dev/shm: " in told
        assert reason in told
        with SharedMemoryFrameReader(segment_name) as reader:
            _read(reader)
        _stop(process)


def test_a_capture_process_in_a_container(segment_name: str, tmp_path: Path) -> None:
    """Readers outside see its frames, a second process is refused, and both go on when its container is killed."""
    config = _tiny(tmp_path, segment_name)
    with CaptureProcess(config, command=_after("true", namespaces=CONTAINER)) as process:
        process.wait_for("Shared memory: ")
        with SharedMemoryFrameReader(segment_name) as reader:
            _read(reader)
            with CaptureProcess(config) as second:
                assert second.wait() == 1
                refusal = second.wait_for("ERROR")
                assert f"another process already publishes '{segment_name}' (pid " in refusal
                assert f"{SHM / segment_name}.lock): stop it, or choose another shared_memory_name" in refusal
            process.send(signal.SIGKILL)
            process.wait()
            with CaptureProcess(config) as successor:
                successor.wait_for("Shared memory: ")
                while reader.writer_pid != successor.pid:
                    _read(reader)
                _stop(successor)


@pytest.fixture
def published(segment_name: str) -> Iterator[SharedMemoryFrameWriter]:
    """A writer that has published one frame."""
    with SharedMemoryFrameWriter(segment_name, WIDTH, HEIGHT) as writer:
        writer.write_frame(picture(0), 0)
        yield writer


def _attach_and_exit(python: str, name: str, **options: bool) -> str:
    """Has another program attach to the segment as if it were one of its own; gives what it said at its end."""
    command = [python, "-c", ATTACH_AND_EXIT, name, repr(options)]
    # Its tracker has this pipe too: when it is closed, both have ended.
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stderr


def test_a_tracker_s_removal_heals(published: SharedMemoryFrameWriter) -> None:
    """A program that attaches with `multiprocessing.shared_memory` removes the name when it exits.

    No reader loses a frame by it, and within about a second the name is there again for those who come.
    """
    name, path, epoch = published.name, Path(published.path), published.epoch
    with SharedMemoryFrameReader(name) as reader, reader.lease(timeout=10) as held:
        said = _attach_and_exit(sys.executable, name)
        removed = time.monotonic()
        assert "leaked shared_memory" in said
        assert not path.exists(), "the tracker has not removed it: this shows nothing"

        newcomer = threading.Thread(target=lambda: SharedMemoryFrameReader(name).attach(HEALED))
        newcomer.start()
        number = 0
        while published.epoch == epoch:
            time.sleep(PACE)
            number += 1
            published.write_frame(picture(number), number)
            with reader.lease(timeout=10) as frame:
                assert (frame.metadata.frame_number, frame.metadata.missed) == (number, 0)
                assert (frame.array == picture(number)).all()
            assert time.monotonic() - removed < HEALED
        print(f"healed {time.monotonic() - removed:.3f} s after the removal")
        newcomer.join()
        assert path.exists()
        published.write_frame(picture(number + 1), number + 1)
        with reader.lease(timeout=10) as frame:
            assert (frame.metadata.frame_number, frame.metadata.missed) == (number + 1, 0)
        with SharedMemoryFrameReader(name) as fresh:
            assert _read(fresh) == number + 1
        assert (held.array == picture(0)).all()


def _python_with_untracked_attaching() -> str:
    """A Python from 3.13 on: this one, one that is on the path, or one that pyenv has."""
    if sys.version_info >= (3, 13):
        return sys.executable
    on_path = [path for minor in range(13, 20) if (path := shutil.which(f"python3.{minor}"))]
    pyenv = sorted(map(str, (Path.home() / ".pyenv" / "versions").glob("3.1[3-9].*/bin/python3")))
    for python in on_path + pyenv:  # one of pyenv's on the path may be nothing but a hint
        if subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0:
            return python
    pytest.skip("NOT TESTED: there is no Python 3.13, the first whose SharedMemory takes track=False")


def test_who_does_not_track_removes_nothing(published: SharedMemoryFrameWriter) -> None:
    """From Python 3.13 on, `track=False` leaves other programs' segments alone."""
    path = Path(published.path)
    inode = path.stat().st_ino
    assert _attach_and_exit(_python_with_untracked_attaching(), published.name, track=False) == ""
    assert path.stat().st_ino == inode


def test_all_files_of_the_user_are_removed(segment_name: str, tmp_path: Path) -> None:
    """What systemd does when a user's last session ends (`RemoveIPC`): said in the log, healed, and hardly noticed."""
    with CaptureProcess(_tiny(tmp_path, segment_name)) as process:
        process.wait_for("Shared memory: ")
        with SharedMemoryFrameReader(segment_name) as reader:
            last = _read(reader)
            epoch = reader.epoch
            for path in SHM.glob(f"{segment_name}*"):
                path.unlink()
            removed, longest = time.monotonic(), 0.0
            while reader.epoch == epoch:
                began = time.monotonic()
                number = _read(reader)
                assert number > last
                last = number
                longest = max(longest, time.monotonic() - began)
                assert time.monotonic() - removed < HEALED
            print(f"healed {time.monotonic() - removed:.3f} s after the removal; longest wait {longest:.3f} s")
            assert longest < 0.5
            process.wait_for("had been removed by another process and was published again")
            with SharedMemoryFrameReader(segment_name) as fresh:
                assert _read(fresh) >= last
            status_in(reader, (State.LIVE, ""))
        _stop(process)
    assert list(SHM.glob(f"{segment_name}*")) == []

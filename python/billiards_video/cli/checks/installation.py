"""Python, and the OpenCV that it has."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import subprocess
import sys
from typing import TYPE_CHECKING

from billiards_video.cli.checks.check import Check

if TYPE_CHECKING:
    from collections.abc import Iterator

_PYTHON, _OPENCV = "Python", "OpenCV"
_PACKAGES = ("opencv-python", "opencv-contrib-python", "opencv-python-headless", "opencv-contrib-python-headless")
_LOADING_SECONDS = 30
_OLDEST = (5, 0)
# In a process of its own: a broken OpenCV may take the process that imports it along.
_PROBE = """
import json, re, cv2
said = cv2.getBuildInformation()
parts = {name: bool(re.search(rf"{name}[^:\\n]*:\\s*YES", said)) for name in ("FFMPEG", "GStreamer", "v4l/v4l2")}
print(json.dumps({"version": cv2.__version__, "file": cv2.__file__, "parts": parts}))
"""


def installation(python: str = sys.executable) -> Iterator[Check]:
    """Looks at the interpreter, and at what `import cv2` gives it."""
    implementation = platform.python_implementation()
    yield Check(_PYTHON, "ok", f"{implementation} {platform.python_version()}, {python}")
    packages = installed()
    if len(packages) > 1:
        names = [name for name, _ in packages]
        yield Check(
            _OPENCV,
            "problem",
            f"{' and '.join(names)} are installed together: each has overwritten files of the other's",
            f"{python} -m pip uninstall -y {' '.join(names)} && {python} -m pip install opencv-python",
        )
    yield _opencv(python, packages)


def installed() -> list[tuple[str, str]]:
    """OpenCV's packages that are there, and their versions."""
    found = []
    for name in _PACKAGES:
        try:
            found.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _opencv(python: str, packages: list[tuple[str, str]]) -> Check:
    again = f"{python} -m pip install --force-reinstall {packages[0][0] if packages else 'opencv-python'}"
    try:
        ended = subprocess.run(  # noqa: S603 - this interpreter, and a text of ours
            [python, "-c", _PROBE], capture_output=True, text=True, check=False, timeout=_LOADING_SECONDS
        )
    except subprocess.TimeoutExpired:
        return Check(_OPENCV, "problem", f"'import cv2' did not come to an end in {_LOADING_SECONDS} s", again)
    if ended.returncode:
        return _not_loaded(ended, again)
    told = json.loads(ended.stdout.splitlines()[-1])
    package = f" ({packages[0][0]})" if packages else f" ({told['file']}, not from a package of pip's)"
    parts = [name for name, there in told["parts"].items() if there]
    text = f"{told['version']}{package}, with {', '.join(parts) or 'no way to read videos'}"
    if not told["parts"]["FFMPEG"]:
        return Check(_OPENCV, "problem", f"{text}: without FFmpeg there are no files and no streams", again)
    if tuple(int(part) for part in told["version"].split(".")[:2]) < _OLDEST:
        newer = f"{python} -m pip install --upgrade 'opencv-python>=5'"
        return Check(_OPENCV, "warning", f"{text}: older than what this was made with", newer)
    return Check(_OPENCV, "ok", text)


def _not_loaded(ended: subprocess.CompletedProcess[str], again: str) -> Check:
    if ended.returncode < 0:
        return Check(_OPENCV, "problem", f"'import cv2' dies of signal {-ended.returncode}", again)
    complaint = next(iter(reversed(ended.stderr.splitlines())), "")
    if "No module named 'cv2'" in complaint:
        return Check(_OPENCV, "problem", "it is not installed", again.replace(" --force-reinstall", ""))
    if "cannot open shared object file" in complaint:
        libraries = "sudo apt-get install libgl1 libglib2.0-0"
        return Check(_OPENCV, "problem", f"the system lacks a library that it needs: {complaint}", libraries)
    return Check(_OPENCV, "problem", f"'import cv2' fails: {complaint}", again)

"""What setup/*.sh say where something is missing: one line, for a person, and exit code 1."""

import shutil
import subprocess
from pathlib import Path

import pytest

SETUP = Path(__file__).parent.parent / "setup"
TOOLS = ("cut", "dirname", "head", "sed", "sort")  # what the scripts may count on

CARGO = {"cargo": "echo cargo 1.999.0"}
RUST = CARGO | {"rustc": "echo 'rustc 1.999.0 (abc 2030-01-01)'"}
OLD_RUST = CARGO | {"rustc": "echo 'rustc 1.2.0 (abc 2015-01-01)'"}
OLD_PYTHON = {"python3": "exit 1"}


def run(folder: Path, script: str, stubs: dict[str, str], **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a script with nothing on PATH but the tools and the stubs, in no environment but the one given."""
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (folder / tool).symlink_to(found)
    for name, body in stubs.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    return subprocess.run(
        ["/bin/sh", SETUP / script],
        env={"PATH": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("home", [{}, {"HOME": "/nowhere"}], ids=["no HOME", "HOME"])
@pytest.mark.parametrize(
    ("script", "stubs", "words"),
    [
        ("check_rust.sh", {}, "Rust (cargo) was not found on PATH"),
        ("check_rust.sh", OLD_RUST, "is too old"),
        ("check_rust.sh", RUST, "cc, which Rust calls to link, was not found on PATH"),
        ("find_python.sh", {}, "Python 3.11 or later was not found on PATH"),
        ("find_python.sh", OLD_PYTHON, "Python 3.11 or later was not found on PATH"),
    ],
    ids=["no cargo", "old rustc", "no cc", "no python", "old python"],
)
def test_what_is_missing_is_one_line(
    tmp_path: Path, script: str, stubs: dict[str, str], words: str, home: dict[str, str]
) -> None:
    """One line on standard error, which begins with "error:" and names what is missing; nothing else; exit code 1."""
    ran = run(tmp_path, script, stubs, **home)
    [line] = ran.stderr.splitlines()
    assert line.startswith("error: ")
    assert words in line
    assert (ran.returncode, ran.stdout) == (1, "")


def test_with_all_there_nothing_is_said(tmp_path: Path) -> None:
    """A PATH that lacks nothing passes, so that what fails above is what was left out."""
    ran = run(tmp_path, "check_rust.sh", RUST | {"cc": "exit 0"})
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")

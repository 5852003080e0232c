"""Two builds in one run: a build is as fast as itself, and one that has become slower is found out."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bench.blocks import Figure
from bench.build_of import NoBuildError, build_of
from bench.two_builds import FASTER, SLOWER, verdict

import billiards_video

ROOT = Path(__file__).parent.parent
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the real one is what is looked at
PACKAGE = Path(billiards_video.__file__).parent
SLOW_WRITER = '''
from billiards_video import _core


class SharedMemoryFrameWriter(_core.SharedMemoryFrameWriter):
    """A writer whose loans take two milliseconds longer."""

    def loan(self):
        import time

        time.sleep(0.002)
        return super().loan()
'''


def _compare(*arguments: str | Path) -> tuple[int, str]:
    """Return the exit code and everything said; leave nothing behind."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.two_builds", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said, _ = process.communicate(timeout=50)
    assert list(SHARED_MEMORY.glob(f"bench-{process.pid}-*")) == []
    return process.returncode, said


def test_a_build_is_as_fast_as_itself() -> None:
    """Compared with itself, no figure of all that are measured is slower by half: the exit code is 0."""
    code, said = _compare(PACKAGE.parent, PACKAGE.parent, "--quick", "--limit", "1.5")
    assert code == 0, said
    for figure in ("lease latency p50", "lease latency p99", "loan and publish", "waiting reader's CPU per frame"):
        assert f"| {figure} |" in said
    for figure in ("write_frame()", "read_frame(out=)", "lease() and release"):
        assert f"| {figure} |" in said


def test_a_slower_build_is_found_out(tmp_path: Path) -> None:
    """Of a package whose writer takes longer to publish, that is said, with exit code 1; its reader is not blamed."""
    slow = tmp_path / "billiards_video"
    shutil.copytree(PACKAGE, slow, ignore=shutil.ignore_patterns("__pycache__"))
    with (slow / "__init__.py").open("a", encoding="utf-8") as module:
        module.write(SLOW_WRITER)
    code, said = _compare(PACKAGE.parent, tmp_path, "--quick", "--only", "lease", "--limit", "3")
    assert code == 1, said
    assert "slower than 3 times the base: loan and publish" in said


def test_what_cannot_be_compared_says_why(tmp_path: Path) -> None:
    """Neither a folder nor a revision, or a folder whose package has no extension module: one line that says so."""
    code, said = _compare("no-such-revision", "--quick")
    assert code == 2
    assert said == f"no-such-revision is neither a folder with a package billiards_video nor a revision of {ROOT}\n"
    (tmp_path / "billiards_video").mkdir()
    (tmp_path / "billiards_video" / "__init__.py").touch()
    with pytest.raises(NoBuildError, match=r"cannot be imported: ImportError.*`make build`"):
        build_of(str(tmp_path))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ((1.2,) * 7, SLOWER),
        ((1.2,) * 6 + (1.0,), ""),  # the interval reaches down to 1
        ((1.05,) * 7, ""),
        ((0.8,) * 7, FASTER),
        ((0.95,) * 7, ""),
    ],
)
def test_slower_is_what_lies_wholly_above_the_limit(changed: tuple[float, ...], said: str) -> None:
    """The verdict is that of the whole interval, to either side."""
    assert verdict(Figure("x", "", "us", (1.0,) * len(changed), changed), 1.1) == said

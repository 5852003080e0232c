"""The benchmark runs end to end and forms its tables. How fast anything was is not looked at here."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the real one is what is looked at


@pytest.mark.timeout(180)
def test_a_quick_run_measures_everything(tmp_path: Path) -> None:
    """`python -m bench --quick` ends with 0, with a row for every figure, no torn frame, and nothing left behind."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench", "--quick", "--out", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    shown, said = process.communicate(timeout=170)
    assert process.returncode == 0, said
    report = json.loads((tmp_path / "report.json").read_text())
    assert (tmp_path / "report.md").read_text() == shown
    names = {figure["name"] for figure in report["figures"]}
    expected = {
        "capture process's CPU per frame",
        "control: wake floor against itself, p50",
        "lease latency p50",
        "lease latency p99",
        "publishing: loan + publish",
        "waiting reader's CPU per frame",
        "write_frame() call",
        "reader's first pass (np.copyto)",
        "read_frame(out=) call",
        "lease() and release, 2160p against VGA",
    }
    assert expected <= names
    for figure in report["figures"]:
        assert figure["name"] in shown
        assert min(*figure["floor"], *figure["ours"]) > 0, figure
        assert len(figure["ratios"]) == len(figure["floor"]) == len(figure["ours"])
    assert [count for count in report["counts"] if count["ours_torn"]] == []
    assert list(SHARED_MEMORY.glob(f"bench-{process.pid}-*")) == []


def test_a_report_says_where_it_was_measured(tmp_path: Path) -> None:
    """Machine, kernel and versions stand in the page: asked for one small figure, they are there all the same."""
    ran = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--only", "control", "--out", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    for line in ("processor", "kernel", "Python", "revision", "numpy", "opencv-python"):
        assert f"| {line} |" in ran.stdout


@pytest.mark.timeout(60)
def test_a_long_run_made_short_says_what_grew() -> None:
    """`python -m bench.long_run` ends with 0: frames were read by one that stayed and by others, and nothing grew."""
    ran = subprocess.run(
        [sys.executable, "-m", "bench.long_run", "--minutes", "0.1", "--every", "0.5"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr + ran.stdout
    stayed = re.search(r"The one that stayed read (\d+), missed \d+, checked (\d+)\.", ran.stdout)
    assert stayed, ran.stdout
    assert int(stayed[1]) > 100
    assert int(stayed[2]) > 10
    for process in ("capture process", "reader that stays"):
        for what in ("own kb", "descriptors", "mappings", "threads"):
            assert re.search(rf"\| {process} \| {what} \|.*\| flat \|", ran.stdout), ran.stdout
    assert "afterwards there is nothing left of it" in ran.stdout

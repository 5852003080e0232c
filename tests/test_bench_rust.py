"""Rust on both sides runs end to end, and what its processes answer is read for what it is."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bench.page.measured import Measured
from bench.page.targets import MISSED, targets
from bench.publication import Frames
from bench.rust_link import RustError, RustProcess, built, program_in, published_of, reading_of
from bench.rust_sides import LATENCY, LATENCY_TARGET

ROOT = Path(__file__).parent.parent
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the real one is what is looked at
NEEDS_CARGO = pytest.mark.skipif(shutil.which("cargo") is None, reason="there is no cargo to build rust/bench with")


@NEEDS_CARGO
@pytest.mark.timeout(180)  # the first time, it is compiled
def test_a_quick_run_has_a_floor_and_ours_both_ways(tmp_path: Path) -> None:
    """It ends with 0, with latency, publishing and processor time of both sides, no torn frame, and nothing left."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.rust_sides", "--quick", "--out", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    shown, said = process.communicate(timeout=170)
    assert process.returncode == 0, said
    report = json.loads((tmp_path / "rust.json").read_text())
    assert {figure["name"] for figure in report["figures"]} == {
        "Rust: latency p50",
        "Rust: latency p99",
        "Rust: publishing, loan + publish",
        "Rust: waiting reader's CPU per frame",
        "Rust: low-latency reader, p50",
        "Rust: low-latency reader, p99",
        "Rust: low-latency reader's CPU per frame",
    }
    assert {figure["case"] for figure in report["figures"]} == {"thumbnail, 60/s, pinned", "thumbnail, 60/s, unpinned"}
    for figure in report["figures"]:
        assert figure["name"] in shown
        assert min(*figure["floor"], *figure["ours"]) > 0, figure
        assert len(figure["ratios"]) == len(figure["floor"]) == len(figure["ours"]) == 2
    assert [count for count in report["counts"] if count["ours_torn"]] == []
    assert list(SHARED_MEMORY.glob(f"bench-{process.pid}-*")) == []


@NEEDS_CARGO
@pytest.mark.timeout(180)  # the first time, it is compiled
def test_what_a_rust_process_cannot_do_is_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    """A process that ends instead of answering is named with its code, after its own words: nobody waits for it."""
    with (
        RustProcess(built(), "writer", None) as writer,
        pytest.raises(RustError, match="Rust writer ended with code 1"),
    ):
        writer.ask("open", "balloon", "bench-nothing", 64, 48)
    assert "a writer knows no balloon" in capfd.readouterr().err


def test_the_program_is_the_one_that_cargo_names() -> None:
    """Of cargo's messages, the one on the program itself counts, and not that of a library or of a build script."""
    name = "billiards-video-bench"
    library = {"reason": "compiler-artifact", "target": {"name": "rustix"}, "executable": None}
    script = {"reason": "build-script-executed", "package_id": name}
    program = {"reason": "compiler-artifact", "target": {"name": name}, "executable": "/somewhere/else/bench"}
    lines = [json.dumps(message) for message in (library, script, program)]
    assert program_in("\n".join(lines)) == Path("/somewhere/else/bench")
    with pytest.raises(RustError, match=f"built {re.escape(name)} and named no program"):
        program_in("\n".join(lines[:2]))


def test_frames_before_those_that_count_are_left_out() -> None:
    """Of a block's four frames the first is run-in: times, costs and lateness of the others go by their numbers."""
    answer = {"began": [100, 200, 300, 400], "costs": [1, 2, 3, 4], "lateness": [2_000_000, 20, 30, 1_000_001]}
    published = published_of(answer, Frames(first=11, counted=12, last=14))
    assert published.began_ns == {12: 200, 13: 300, 14: 400}
    assert published.cost_ns == [2, 3, 4]
    assert published.lateness_ns == [20, 30, 1_000_001]
    assert published.late == 2  # of all: a disturbed run-in disturbs the block


def test_processor_time_is_divided_by_the_waits() -> None:
    """Between the first and the last of three frames lie two waits; of a single frame nothing can be said."""
    reading = reading_of({"numbers": [12, 13, 15], "ready": [210, 310, 510], "torn": 1, "processor": 600})
    assert reading.ready_ns == {12: 210, 13: 310, 15: 510}
    assert (reading.torn, reading.cpu_ns_per_frame) == (1, 300.0)
    assert reading_of({"numbers": [12], "ready": [210], "torn": 0, "processor": 0}).cpu_ns_per_frame == 0.0


def test_the_page_judges_rust_by_its_own_floor() -> None:
    """The ratio to the wake floor in Rust has a verdict of its own, and a frame torn there is one of the whole run."""
    figure = {"name": LATENCY, "case": "1080p", "unit": "us", "floor": [10.0] * 7, "target": LATENCY_TARGET}
    measured = Measured({"rust": {"figures": [figure | {"ours": [12.0] * 7}], "counts": [{"ours_torn": 1}]}})
    found = {target.what: target for target in targets(measured)}
    latency = found["in Rust, both sides: latency p50, to a bare futex wake in Rust"]
    assert (latency.measured, latency.asked, latency.verdict) == ("1.20", "<= 1.1", MISSED)
    assert found["torn frames of ours, in the whole run"].measured == "1"

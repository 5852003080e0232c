"""Everybody is measured by the same rules, and the page says what came of it, whatever is missing."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bench.page.__main__ import page
from bench.page.below import real
from bench.page.front import BEGIN, END, front, put_into
from bench.page.measured import Measured
from bench.page.targets import MISSED, REACHED, UNKNOWN, WITHIN, targets
from bench.rivals.registry import WAYS, Way
from bench.rivals.transport import NotHereError, marks, stamp

ROOT = Path(__file__).parent.parent
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the real one is what is looked at


def _contest(stage: str, out: Path, *ways: str) -> dict[str, object]:
    """Run a stage, made short, for these ways alone; leave nothing behind."""
    chosen = itertools.chain.from_iterable(("--only", way) for way in ways)
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.contest", stage, "--quick", *chosen, "--out", str(out)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    _, said = process.communicate(timeout=50)
    assert process.returncode == 0, said
    assert list(SHARED_MEMORY.glob(f"bench-{process.pid}-*")) == []
    found: dict[str, object] = json.loads((out / f"{stage}.json").read_text())
    return found


def test_a_torn_frame_bears_two_marks() -> None:
    """A frame that is whole bears one number at both ends; one half overwritten bears two."""
    frame = np.zeros((4, 5, 3), np.uint8)
    stamp(frame, frame.nbytes, 7)
    assert marks(frame) == (7, 7)
    stamp(frame[2:], frame[2:].nbytes, 8)
    assert marks(frame) == (7, 8)


def test_the_matrix_has_latency_cost_and_memory_of_everybody(tmp_path: Path) -> None:
    """Two blocks of a floor and of ours have figures for each, and every frame of ours arrives whole."""
    ways = ("wake floor", "ours, in place", "ours, by copy")
    found = _contest("matrix", tmp_path, *ways)
    cells = found["cells"]
    assert isinstance(cells, list)
    assert [cell["pace"] for cell in cells] == ["60/s", "unpaced"]
    for cell, way in itertools.product(cells, ways):
        result = cell["ways"][way]
        assert result["failed"] == ""
        assert len(result["p50"]) == 2
        assert min(result["p50"]) > 0
        assert min(result["writer_cpu"]) > 0
        assert cell["memory"][way]["shared"] > 0
        assert result["torn"] == 0 or way == "wake floor"


def test_ours_is_beside_the_floor_with_a_tail_for_every_block(tmp_path: Path) -> None:
    """The stage that decides on latency has a median and a 99th percentile of each block, for floor and ours alike."""
    cells = _contest("duels", tmp_path)["cells"]
    assert isinstance(cells, list)
    for cell in cells:
        assert list(cell["ways"]) == ["wake floor", "ours, in place"]
        for found in cell["ways"].values():
            assert found["failed"] == ""
            assert len(found["p50"]) == len(found["tail"]) == 2
            assert all(0 < p50 <= p99 for p50, p99 in zip(found["p50"], found["tail"], strict=True))


def test_a_real_source_is_watched_asleep_and_polling(tmp_path: Path) -> None:
    """The capture process shows a network camera, and a reader of each manner says what it took to watch it."""
    ran = subprocess.run(
        [sys.executable, "-m", "bench.rhythms", "--quick", "--only", "stream", "--out", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    (source,) = json.loads((tmp_path / "rhythms.json").read_text())["sources"]
    asleep, polling = source["manners"]["asleep"], source["manners"]["low latency"]
    assert min(*asleep["p50"], *polling["p50"], *asleep["processor"], *polling["processor"]) > 0
    assert asleep["met"] == asleep["polled"] == [0.0]
    assert polling["met"] <= polling["timed"]
    assert "| **low latency** |" in real(Measured({"rhythms": {"sources": [source]}}))


def test_a_reader_of_ours_outlives_its_writer_and_one_of_the_floor_does_not(tmp_path: Path) -> None:
    """After SIGKILL of the writer ours go on with the next one; a reader of bare shared memory waits for ever."""
    found = _contest("kills", tmp_path, "wake floor", "ours, in place")
    ways = found["ways"]
    assert isinstance(ways, dict)
    assert ways["ours, in place"]["writer"]["went on"] == 1
    assert ways["ours, in place"]["reader"]["went on"] == 1
    assert ways["wake floor"]["writer"]["went on"] == 0


def test_what_cannot_be_loaded_says_why() -> None:
    """A way whose package is missing is refused with the package's name, and not left out in silence."""
    with pytest.raises(NotHereError, match="no-such-package cannot be imported"):
        Way("missing", "nowhere:Nothing", "wake floor", "no-such-package").load()
    assert all(way.floor in WAYS for way in WAYS.values())


def test_targets_are_reached_missed_or_not_measured() -> None:
    """What is above its target is missed, unless the spread reaches it; what nobody has measured is neither."""
    figure = {"unit": "us", "case": "1080p, 60/s", "floor": [100.0] * 7, "target": None, "interval": [0.5, 0.5]}
    ways = {
        name: {"failed": "", "torn": 0, "p50": [50.0] * 7, "tail": [tail] * 7}
        for name, tail in (("wake floor", 90.0), ("ours, in place", 91.0))
    }
    measured = Measured(
        {
            "floors": {
                "figures": [
                    figure | {"name": "lease latency p50", "ours": [60.0] * 7, "ratio": 0.6},
                    figure | {"name": "write_frame() call", "ours": [90.0] * 7, "ratio": 0.9},
                    figure | {"name": "publishing: loan + publish", "ours": [99.0, *[101.0] * 6], "ratio": 1.01},
                ]
            },
            "duels": {"cells": [{"size": "720p", "readers": 4, "pace": "60/s", "ways": ways}]},
        }
    )
    verdicts = {target.what: target.verdict for target in targets(measured)}
    assert verdicts["lease latency p50, to the wake floor"] == REACHED
    assert verdicts["`write_frame()`, to the copy floor"] == MISSED
    assert verdicts["publishing a loan, to the wake floor"] == WITHIN
    assert verdicts["lease latency p99, to the wake floor, unpinned"] == MISSED
    assert verdicts["`read_frame(out=)`, to a plain copy"] == UNKNOWN
    assert "| **not reached** |" in page(measured)


def test_the_page_is_what_its_results_give() -> None:
    """The page and the README's table are the command's, and nobody's hand has changed them: `python -m bench.page`."""
    measured = Measured.read(ROOT / "docs" / "performance" / "results.json")
    assert (ROOT / "docs" / "performance.md").read_text(encoding="utf-8") == page(measured)
    assert f"{BEGIN}\n\n{front(measured)}\n\n{END}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_keeps_its_words(tmp_path: Path) -> None:
    """Only what is between the two lines is made anew; a README without them is left as it is, with the reason."""
    measured = Measured({})
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    put_into(readme, measured)
    assert readme.read_text(encoding="utf-8") == f"before\n{BEGIN}\n\n{front(measured)}\n\n{END}\nafter\n"
    readme.write_text(f"before\n{BEGIN}\nafter\n", encoding="utf-8")
    with pytest.raises(ValueError, match="put them back"):
        put_into(readme, measured)
    assert readme.read_text(encoding="utf-8") == f"before\n{BEGIN}\nafter\n"

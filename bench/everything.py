"""`python -m bench.everything`: every stage of the measurements, one after another, and the page made of them.

A stage that fails is named at the end, and the others run all the same. Each writes its results when it is done: with
`--resume` those that are there are not measured again.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

from bench.child import ROOT
from bench.contest.link import RIVALS, interpreter
from bench.contest.results import write_results
from bench.page.__main__ import DOCS

# What a stage is called in the results, its command, the file that it writes, and about how many minutes it takes.
STAGES = (
    ("floors", ("bench",), "report.json", 12),
    ("duels", ("bench.contest", "duels"), "duels.json", 4),
    ("rust", ("bench.rust_sides",), "rust.json", 4),
    ("rhythms", ("bench.rhythms",), "rhythms.json", 3),
    ("matrix", ("bench.contest", "matrix"), "matrix.json", 18),
    ("curves", ("bench.contest", "curves"), "curves.json", 6),
    ("kills", ("bench.contest", "kills"), "kills.json", 5),
    ("headline", ("bench.headline",), "headline.json", 2),
    ("memory", ("bench.memory",), "memory.json", 5),
)
QUICK_MEMORY = ("--frames", "200")


def say(text: str) -> None:
    """Say on standard error what is going on."""
    print(text, file=sys.stderr, flush=True)


def rivals() -> None:
    """Make the environment of the rivals, unless it is there; without it they are reported as not measured."""
    if not (RIVALS.parent.parent / "complete").exists():
        subprocess.run([str(ROOT / "bench" / "rivals" / "setup.sh")], check=False)


def run_stage(command: tuple[str, ...], given: argparse.Namespace) -> int:
    """Run one stage and return its exit code."""
    options = ["--out", str(given.out)]
    if given.quick:
        options += QUICK_MEMORY if command == ("bench.memory",) else ["--quick"]
    return subprocess.run([sys.executable, "-m", *command, *options], cwd=ROOT, check=False).returncode


def python_of_the_rivals() -> str:
    """Return the version of the Python by which all ways are run."""
    code = "import platform, numpy; print(platform.python_version(), 'with NumPy', numpy.__version__)"
    asked = subprocess.run([interpreter(), "-c", code], capture_output=True, text=True, check=False)
    return asked.stdout.strip() or platform.python_version()


def results(out: Path, seconds: dict[str, float]) -> dict[str, object]:
    """Put the stages' results together."""
    found: dict[str, object] = {
        name: json.loads((out / file).read_text(encoding="utf-8"))
        for name, _, file, _ in STAGES
        if (out / file).exists()
    }
    matrix = found.get("matrix")
    if isinstance(matrix, dict):
        matrix["python"] = python_of_the_rivals()
    return found | {"run": {"seconds": seconds}}


def main() -> int:
    """Measure and write; 1 where a stage has failed, or with `--strict` where a target is not reached."""
    parser = argparse.ArgumentParser(prog="python -m bench.everything", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke run of a few minutes, which writes no page")
    parser.add_argument("--resume", action="store_true", help="keep the stages whose results are there already")
    parser.add_argument("--strict", action="store_true", help="end with 1 where a target is not reached")
    parser.add_argument("--out", type=Path, default=ROOT / "target" / "bench", help="folder for the stages' results")
    parser.add_argument("--to", type=Path, help="folder for the page (default: docs, and none for a smoke run)")
    given = parser.parse_args()
    rivals()
    failed, spent = [], given.out / "seconds.json"
    seconds: dict[str, float] = json.loads(spent.read_text()) if given.resume and spent.exists() else {}
    for name, command, file, minutes in STAGES:
        if given.resume and (given.out / file).exists():
            say(f"== {name}: there already")
            continue
        (given.out / file).unlink(missing_ok=True)
        say(f"== {name}" + ("" if given.quick else f": about {minutes} minutes"))
        began = time.monotonic()
        if run_stage(command, given):
            failed.append(name)
        seconds[name] = round(time.monotonic() - began)
        write_results(given.out, "seconds", seconds)
    merged = write_results(given.out, "results", results(given.out, seconds))
    if failed:
        say(f"failed: {', '.join(failed)}; the reason is above")
    to = given.to or (None if given.quick else DOCS)
    if to:
        (to / "performance").mkdir(parents=True, exist_ok=True)
        shutil.copy(merged, to / "performance" / "results.json")
        strict = ["--strict"] if given.strict else []
        kept = to / "performance" / "results.json"
        made = [sys.executable, "-m", "bench.page", "--results", str(kept), "--to", str(to), *strict]
        return subprocess.run(made, cwd=ROOT, check=False).returncode or bool(failed)
    return bool(failed)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        say("interrupted: the stages that were done are kept, see --resume")
        sys.exit(130)

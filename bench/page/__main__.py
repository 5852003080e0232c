"""`python -m bench.page`: makes docs/performance.md, its plots and the README's table again, from a run's results."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from string import Template

from bench.child import ROOT
from bench.contest.link import interpreter
from bench.page import below, front, others, replaced, rivals
from bench.page.bends import bends
from bench.page.measured import Measured
from bench.page.targets import MISSED, targets

DOCS = ROOT / "docs"
RESULTS = DOCS / "performance" / "results.json"
TEMPLATE = Path(__file__).with_name("performance.md.in")


def page(measured: Measured) -> str:
    """Return the whole page."""
    tables = {
        "machine": others.machine(measured),
        "targets": others.reached(measured),
        "control": others.control(measured),
        "absolute": others.absolute(measured, "floors"),
        "rust": others.absolute(measured, "rust"),
        "missed": others.missed(measured),
        "bare_wakes": others.bare_wakes(measured),
        "steady": below.steady(measured),
        "real": below.real(measured),
        "films": replaced.films(measured),
        "spans": replaced.spans(measured),
        "flat_memory": others.memory(measured),
        "p50": rivals.latency(measured, "60/s"),
        "p50_slow": rivals.latency(measured, "30/s"),
        "p99": rivals.tail(measured),
        "ratios": rivals.ratios(measured),
        "reader_share": rivals.reader_share(measured),
        "writer_cpu": rivals.writer_cpu(measured),
        "reading_cpu": rivals.reading_cpu(measured),
        "published": rivals.published(measured),
        "taken": rivals.taken(measured),
        "losses": rivals.losses(measured),
        "memory": rivals.memory(measured),
        "kills": rivals.kills(measured),
        "not_measured": rivals.not_measured(measured),
        "by_size": bends(measured, "by size"),
        "by_readers": bends(measured, "by readers"),
        "by_rate": bends(measured, "by rate"),
        "by_sources": bends(measured, "by sources"),
    }
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(tables)


def main() -> int:
    """Write the page; with `--strict` the exit code says whether a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.page", description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS, help="results.json of a run")
    parser.add_argument("--to", type=Path, default=DOCS, help="folder for performance.md and performance/*.svg")
    parser.add_argument("--strict", action="store_true", help="end with 1 where a target is not reached")
    given = parser.parse_args()
    measured = Measured.read(given.results)
    plots = given.to / "performance"
    plots.mkdir(parents=True, exist_ok=True)
    (given.to / "performance.md").write_text(page(measured), encoding="utf-8")
    if given.to.resolve() == DOCS.resolve():
        front.put_into(ROOT / "README.md", measured)
    drawn = subprocess.run(
        [interpreter(), "-m", "bench.page.plots", str(given.results.resolve()), str(plots.resolve())],
        cwd=ROOT,
        check=False,
    )
    if drawn.returncode:
        print("the plots were not drawn: bench/rivals/setup.sh installs what draws them", file=sys.stderr)
    missed = [target for target in targets(measured) if target.verdict == MISSED]
    for target in missed:
        print(f"not reached: {target.what}, {target.case}: {target.measured}, {target.asked}", file=sys.stderr)
    print(f"{given.to / 'performance.md'}: {len(missed)} targets are not reached", file=sys.stderr)
    return 1 if missed and given.strict else 0


if __name__ == "__main__":
    sys.exit(main())

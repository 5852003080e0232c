"""`python -m bench.contest STAGE`: one of the questions that are asked of the ways, asked alone."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from bench.child import ROOT
from bench.contest.curves import curves
from bench.contest.duels import duels
from bench.contest.field import progress
from bench.contest.kills import kills
from bench.contest.matrix import matrix
from bench.contest.results import write_results
from bench.rivals.registry import WAYS

STAGES = {"matrix": matrix, "duels": duels, "curves": curves, "kills": kills}


def main() -> int:
    """Run a stage and write its results."""
    parser = argparse.ArgumentParser(prog="python -m bench.contest", description=__doc__)
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--quick", action="store_true", help="a smoke run: the least of everything, no verdicts")
    parser.add_argument("--only", action="append", choices=WAYS, help="this way alone; may be given again")
    parser.add_argument("--out", type=Path, default=ROOT / "target" / "bench", help="folder for <stage>.json")
    given = parser.parse_args()
    began = time.monotonic()
    found = STAGES[given.stage]([WAYS[name] for name in given.only or WAYS], quick=given.quick)
    found["seconds"] = round(time.monotonic() - began)
    progress(f"written to {write_results(given.out, given.stage, found)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        progress("interrupted: nothing was written")
        sys.exit(130)

"""What happens to a camera of the kernel's, and how long it takes: run in a guest machine (guest.sh).

Prints a line for each case, `ok` or `FAILED` with the figures that docs/cameras.md has, and `ALL PASSED` at the end.
With names as arguments, only these cases. The guest is emulated, some ten times slower than a machine: times are upper
bounds.
"""

import sys
import time
import traceback

from v4l2 import loopback_cases, opening_cases, process_cases, source_cases, vivid


def main(chosen: list[str]) -> int:
    """Every case, each with fresh cameras."""
    failures = []
    known = [*opening_cases.CASES, *source_cases.CASES, *loopback_cases.CASES, *process_cases.CASES]
    cases = [case for case in known if not chosen or case.__name__ in chosen]
    for case in cases:
        began = time.monotonic()
        try:
            vivid.plug()
            print(f"ok      {case.__name__}: {case()} [{time.monotonic() - began:.0f} s]", flush=True)
        except Exception:  # noqa: BLE001 - whatever it was, the next case is tried
            failures.append(case.__name__)
            print(f"FAILED  {case.__name__}: {traceback.format_exc()}", flush=True)
    print(f"FAILED: {', '.join(failures)}" if failures else f"ALL PASSED: {len(cases)}", flush=True)
    return len(failures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

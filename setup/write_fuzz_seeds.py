"""Writes what the fuzzer begins with: any bytes are a script of an attack, so these are noise, the same each time."""

import random
import sys
from pathlib import Path


def main() -> None:
    """Write 40 scripts of 0 to 390 bytes into a folder."""
    folder = Path(sys.argv[1])
    for seed in range(40):
        (folder / f"{seed:02}").write_bytes(random.Random(seed).randbytes(10 * seed))  # noqa: S311


if __name__ == "__main__":
    main()

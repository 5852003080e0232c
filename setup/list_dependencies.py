"""Prints the package's run-time dependencies, one a line: pip cannot install them without building the package."""

import tomllib
from pathlib import Path

with (Path(__file__).parent.parent / "pyproject.toml").open("rb") as file:
    print(*tomllib.load(file)["project"]["dependencies"], sep="\n")

"""Prints the run-time dependencies, the extras too, one a line: pip would build the package to install them."""

import tomllib
from pathlib import Path

with (Path(__file__).parent.parent / "pyproject.toml").open("rb") as file:
    project = tomllib.load(file)["project"]
extras = (requirement for extra in project["optional-dependencies"].values() for requirement in extra)
print(*dict.fromkeys([*project["dependencies"], *extras]), sep="\n")

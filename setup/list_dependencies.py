"""Prints the package's run-time dependencies, those of its extras too, one a line: pip would build the package for them."""

import tomllib
from pathlib import Path

with (Path(__file__).parent.parent / "pyproject.toml").open("rb") as file:
    project = tomllib.load(file)["project"]
extras = (requirement for extra in project["optional-dependencies"].values() for requirement in extra)
print(*dict.fromkeys([*project["dependencies"], *extras]), sep="\n")

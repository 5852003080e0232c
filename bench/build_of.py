"""The package as a revision has it, built: for a comparison of two builds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.child import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKING_TREE = ROOT / "python"  # where `make build` puts the extension module
BUILDS = ROOT / "target" / "two_builds"
PACKAGE = "billiards_video"


class NoBuildError(Exception):
    """There is no such build, and none could be made; the text says why."""


def build_of(what: str) -> Path:
    """Return a folder with the package: the given one, or that of a revision of this repository, built if need be."""
    folder = Path(what)
    if not (folder / PACKAGE).is_dir():
        folder = _built(_commit(what))
    _check(folder.resolve())
    return folder.resolve()


def _commit(revision: str) -> str:
    found = _run("git", "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if found.returncode:
        raise NoBuildError(f"{revision} is neither a folder with a package {PACKAGE} nor a revision of {ROOT}")
    return found.stdout.strip()


def _built(commit: str) -> Path:
    """Build a wheel of this commit in a worktree of its own, and unpack it; a build that is there is used again."""
    build = BUILDS / commit
    if build.exists():
        return build
    wheels = BUILDS / f"{commit}.wheels"
    with _worktree(commit) as tree:
        print(f"building {commit[:12]}", file=sys.stderr, flush=True)
        # A target folder of their own: what cargo has built for the working tree is not to be built again for this.
        made = _run(
            *(sys.executable, "-m", "maturin", "build", "--release", "--interpreter", sys.executable),
            *("--out", str(wheels)),
            cwd=tree,
            environment={"CARGO_TARGET_DIR": str(BUILDS / "cargo")},
        )
        if made.returncode:
            raise NoBuildError(f"{commit[:12]} cannot be built:\n{made.stdout}{made.stderr}")
    unfinished = BUILDS / f"{commit}.part"
    for wheel in wheels.glob("*.whl"):
        shutil.unpack_archive(wheel, unfinished, "zip")
    shutil.rmtree(wheels)
    unfinished.rename(build)
    return build


@contextmanager
def _worktree(commit: str) -> Iterator[Path]:
    tree = BUILDS / f"{commit}.tree"
    _run("git", "worktree", "remove", "--force", str(tree))  # what a run that was killed has left
    added = _run("git", "worktree", "add", "--detach", str(tree), commit)
    if added.returncode:
        raise NoBuildError(f"{commit[:12]} cannot be checked out into {tree}: {added.stderr.strip()}")
    try:
        yield tree
    finally:
        _run("git", "worktree", "remove", "--force", str(tree))


def _check(folder: Path) -> None:
    """See that the package comes from this folder, with its extension module."""
    code = f"from {PACKAGE} import _core; print(_core.__file__)"
    imported = _run(sys.executable, "-c", code, environment={"PYTHONPATH": str(folder)})
    if imported.returncode:
        reason = imported.stderr.strip().splitlines()[-1]
        raise NoBuildError(
            f"the package in {folder} cannot be imported: {reason}; `make build` builds the working tree's"
        )
    if not Path(imported.stdout.strip()).is_relative_to(folder / PACKAGE):
        raise NoBuildError(f"asked for the package in {folder}, Python imports {imported.stdout.strip()}")


def _run(
    *command: str, cwd: Path = ROOT, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, env=os.environ | (environment or {}), capture_output=True, text=True, check=False
    )

"""What holds of the repository as a whole and a machine can see: versions, boundaries, names, lengths."""

import ast
import importlib
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import billiards_video

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "python" / "billiards_video"
SOURCES = [
    path
    for folder in ("python", "rust", "tests", "bench", "setup")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".pyi", ".rs", ".sh"}
]

# Part of the package: the parts it may import. A part is a module or folder directly under billiards_video.
MAY_IMPORT = {
    "_core": set[str](),
    "frame_code": set[str](),
    "ipc": {"_core"},
    "consumer": {"ipc"},
    "__init__": {"_core", "consumer", "ipc"},
    "capture": {"config", "frame_code"},
    "config": set[str](),
    "backoff": set[str](),
    "logs": set[str](),
    "stop_request": set[str](),
    "stage_times": set[str](),
    "capture_health": set[str](),
    "picture_watch": {"capture_health"},
    "capture_statistics": set[str](),
    "capture_stream": {"capture_statistics", "config", "ipc", "stage_times"},
    "watched_source": {"capture", "config", "stage_times"},
    "frame_publisher": {"capture", "capture_stream", "ipc", "picture_watch", "watched_source"},
    "capture_plan": {"backoff", "capture", "config", "ipc"},
    "capture_loop": {
        "backoff",
        "capture",
        "capture_health",
        "capture_plan",
        "capture_stream",
        "frame_publisher",
        "ipc",
        "picture_watch",
        "watched_source",
    },
    "capture_relay": {
        "backoff",
        "capture",
        "capture_health",
        "capture_loop",
        "capture_plan",
        "capture_stream",
        "ipc",
        "watched_source",
    },
    "health_watch": {"capture", "capture_health", "capture_loop", "capture_stream", "ipc"},
    "changed_settings": {"config"},
    "reload": {"capture", "capture_plan", "capture_relay", "config", "changed_settings"},
    "process": {
        "capture",
        "capture_plan",
        "capture_relay",
        "capture_statistics",
        "capture_stream",
        "config",
        "health_watch",
        "ipc",
        "reload",
        "stop_request",
    },
    "demo": {"frame_code", "ipc"},
    "metrics": {"ipc"},
    "view": {"capture", "ipc", "metrics"},
    "cli": {
        "__init__",
        "__main__",
        "capture",
        "config",
        "consumer",
        "ipc",
        "metrics",
        "process",
        "stage_times",
        "view",
    },
    "__main__": {"__init__", "capture", "config", "ipc", "logs", "process", "stop_request"},
}
# A library that is slow to import: the one part that may import it.
SLOW = {"cv2": "capture", "pydantic": "config", "pydantic_core": "config"}

MODULES = sorted([*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.pyi")])


def _part(path: Path) -> str:
    """The part of the package that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".pyi").removesuffix(".py")


def _imports(path: Path) -> Iterator[str]:
    """Every module or name that a file imports, anywhere in it, as a dotted name from the top."""
    folder = ["billiards_video", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = folder[: len(folder) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _imported_part(name: str) -> str | None:
    """The part of our package that an imported name comes from; None for a name of another package."""
    top, *rest = name.split(".")
    if top != "billiards_video":
        return None
    return rest[0] if rest and rest[0] in MAY_IMPORT else "__init__"


def _read_toml(path: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / path).read_text(encoding="utf-8"))


CRATES = _read_toml("Cargo.toml")["workspace"]["members"]


def test_versions_agree() -> None:
    """The workspace, the Python project, the installed package and `__version__` have one version."""
    version = _read_toml("Cargo.toml")["workspace"]["package"]["version"]
    assert _read_toml("pyproject.toml")["project"]["version"] == version
    assert importlib.metadata.version("billiards-video") == version
    assert billiards_video.__version__ == version


@pytest.mark.parametrize("crate", CRATES)
def test_crate_takes_what_is_common_from_the_workspace(crate: str) -> None:
    """A crate repeats neither version, edition, licence nor oldest Rust, and has the workspace's lints."""
    manifest = _read_toml(f"{crate}/Cargo.toml")
    for key in ("version", "edition", "rust-version", "license"):
        assert manifest["package"][key] == {"workspace": True}, key
    assert manifest["lints"] == {"workspace": True}


def test_every_crate_is_a_member() -> None:
    """Every crate under rust/ is built, linted and tested with the workspace; cargo-fuzz builds its own."""
    excluded = _read_toml("Cargo.toml")["workspace"]["exclude"]
    assert excluded == ["rust/fuzz"]
    found = {str(path.parent.relative_to(ROOT)) for path in ROOT.glob("rust/*/Cargo.toml")}
    assert found == {*CRATES, *excluded}


def test_the_core_knows_no_python() -> None:
    """The core depends on neither Python, OpenCV nor JSON, and the glue on no crate of ours but the core."""
    core = _read_toml("rust/core/Cargo.toml")["dependencies"]
    assert not {name for name in core if name.startswith(("pyo3", "numpy", "opencv", "serde"))}
    glue = _read_toml("rust/py/Cargo.toml")["dependencies"]
    ours = [
        name
        for name, wanted in glue.items()
        if isinstance(wanted, dict) and ("path" in wanted or "workspace" in wanted)
    ]
    assert ours == ["billiards-video"]


def test_atomics_come_through_one_door() -> None:
    """Only the core's `sync.rs` names the standard library's atomics, so that loom sees every one of them.

    Clippy's `disallowed-types` cannot say it: it follows a re-export to its origin, and refuses the door's users too.
    """
    atomics = re.compile(r"^(?!\s*//).*\b(std|core)::sync::(atomic\b|\{[^}]*\batomic\b)", re.MULTILINE)
    sources = sorted(ROOT.glob("rust/*/src/**/*.rs"))
    named = [path for path in sources if atomics.search(path.read_text(encoding="utf-8"))]
    assert named == [ROOT / "rust/core/src/sync.rs"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_imports_only_what_it_may(path: Path) -> None:
    """A module imports only the parts of the package that docs/architecture.md allows, and no slow library."""
    part = _part(path)
    imports = set(_imports(path))
    parts = {imported for name in imports if (imported := _imported_part(name))}
    assert parts - {part} - MAY_IMPORT[part] == set()
    assert {top for name in imports if SLOW.get(top := name.split(".")[0], part) != part} == set()


@pytest.mark.parametrize(
    ("statement", "numpy"),
    [
        ("import billiards_video", False),
        ("from billiards_video import SharedMemoryFrameReader", True),
        ("from billiards_video import VideoConsumer", True),
        ("import billiards_video.ipc", True),
        ("import billiards_video.ipc.shared_memory", True),
    ],
)
def test_reader_loads_nothing_slow(statement: str, *, numpy: bool) -> None:
    """A process that imports the reader or the thin client has loaded neither OpenCV nor pydantic."""
    code = f"import sys; {statement}; print(sorted({set(SLOW)} & set(sys.modules)), 'numpy' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == f"[] {numpy}\n"


@pytest.mark.parametrize("name", ["billiards_video", "billiards_video.ipc", "billiards_video.ipc.shared_memory"])
def test_public_names_are_listed(name: str) -> None:
    """`__all__` is sorted, and names exactly what the module offers: every public name that is not a module."""
    module = importlib.import_module(name)
    public = {
        key
        for key in dir(module)
        if not key.startswith("_")
        and not isinstance(getattr(module, key), ModuleType)
        and key not in {"annotations", "TYPE_CHECKING"}
    }
    assert module.__all__ == sorted(module.__all__)
    assert set(module.__all__) - {"__version__"} == public


def test_no_file_is_a_drawer() -> None:
    """No file or folder has a name that would take anything."""
    drawers = {"common", "helper", "helpers", "manager", "misc", "util", "utils"}
    assert [
        path for path in SOURCES if drawers & {part.removesuffix(path.suffix) for part in path.relative_to(ROOT).parts}
    ] == []


def test_no_file_is_too_long() -> None:
    """No source file has more than 600 lines: by then it has two reasons. A stub is as long as what it documents."""
    sources = [path for path in SOURCES if path.suffix != ".pyi"]
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in sources}
    assert {str(path): length for path, length in lengths.items() if length > 600} == {}

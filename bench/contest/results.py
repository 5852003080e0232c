"""Where each stage of a run puts what it has found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_results(directory: Path, stage: str, found: object) -> Path:
    """Write `<stage>.json`, whole or not at all."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{stage}.json"
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    unfinished.rename(path)
    return path

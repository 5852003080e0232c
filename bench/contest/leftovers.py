"""What killed processes of other people's libraries leave in shared memory, removed after a run that kills many."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from bench.floor import SHARED_MEMORY

if TYPE_CHECKING:
    from types import TracebackType

# iceoryx2's segments, GStreamer's, zenoh's, and whatever bears a name of this run's crews
FOREIGN = re.compile(r"iox2_[0-9a-f]{40}|shmpipe\.\s*\d+\.|\d+\.zenoh$")
SERVICES = Path(tempfile.gettempdir()) / "iceoryx2"


def _present() -> set[Path]:
    files = set(SHARED_MEMORY.iterdir())
    if SERVICES.is_dir():
        files.update(path for path in SERVICES.rglob("*") if path.is_file() or path.is_socket())
    return files


class Leftovers:
    """A context that removes the files of these libraries that have come while it lasted."""

    def __enter__(self) -> Self:
        self._before = _present()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for path in _present() - self._before:
            if SERVICES in path.parents or FOREIGN.match(path.name):
                path.unlink(missing_ok=True)

"""What shared memory tells of a stream, gathered in one moment."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from billiards_video.ipc import State

if TYPE_CHECKING:
    from pathlib import Path

    from billiards_video.ipc import Counters, FrameMetadata, ReaderFigures, SharedMemoryFrameReader

_SIGN_OF_LIFE_SECONDS = 3.0  # a capture process gives one each second
_NS = 1e9


class StreamStatus(NamedTuple):
    """A stream at one moment. Times are seconds; what is another process's word is checked for its type only."""

    name: str
    path: Path
    taken_ns: int
    pid: int
    alive: bool
    state: State
    reason: str
    width: int
    height: int
    format: str
    frame_bytes: int
    counters: Counters
    readers: tuple[ReaderFigures, ...] | None
    """None: they are another user's, and not to be seen."""
    told: dict[str, Any]
    """What the writer tells about its source: any keys, or none."""
    frame: FrameMetadata | None
    """The newest frame; None where there is none, or where it was not asked for."""

    @property
    def live(self) -> bool:
        """Whether frames are to be expected: a writer that is there, and says nothing else."""
        return self.alive and self.state is State.LIVE and not self.silent

    @property
    def silent(self) -> bool:
        """Whether the writer lives, and has given no sign of it for seconds."""
        return self.alive and self.heartbeat_age > _SIGN_OF_LIFE_SECONDS

    @property
    def heartbeat_age(self) -> float:
        """Seconds since the writer last published, or said that it is there."""
        return max(0.0, (self.taken_ns - self.counters.heartbeat_ns) / _NS)

    @property
    def frame_age(self) -> float | None:
        """Seconds since the newest frame was captured."""
        return None if self.frame is None else max(0.0, (self.taken_ns - self.frame.captured_ns) / _NS)

    @property
    def state_age(self) -> float | None:
        """Seconds since the state began, where that is told."""
        since = self.told_number("state_since_ns")
        return None if since is None else max(0.0, (self.taken_ns - since) / _NS)

    def told_number(self, key: str) -> float | None:
        """A number that the writer tells; None where it tells none."""
        value = self.told.get(key)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def told_text(self, key: str) -> str:
        """A text that the writer tells; "" where it tells none."""
        value = self.told.get(key)
        return value if isinstance(value, str) else ""

    def lag(self, reader: ReaderFigures) -> int | None:
        """How many frames a reader's last one is behind the newest; None before its first."""
        if not reader.last_sequence:
            return None
        return max(0, (self.counters.latest_sequence - reader.last_sequence) // 2)

    def held_seconds(self, reader: ReaderFigures) -> float | None:
        """For how long a reader has held a buffer without a break; None if it holds none."""
        if reader.held_since_ns is None:
            return None
        return max(0.0, (self.taken_ns - reader.held_since_ns) / _NS)


def look(reader: SharedMemoryFrameReader, *, frame: bool = True) -> StreamStatus:
    """Gathers what there is. `frame` also looks at the newest frame, for which an observer copies it: a millisecond.

    Raises `OSError` or `RuntimeError` where the stream went away meanwhile.
    """
    newest = reader.read_frame()[1] if frame else None
    taken_ns = time.monotonic_ns()
    try:
        readers = tuple(reader.readers())
    except PermissionError:
        readers = None
    try:
        told = reader.status()
    except (OSError, ValueError):
        told = {}  # it is gone with its stream, or a writer has written what it likes
    state, reason = reader.state
    return StreamStatus(
        name=reader.name,
        path=reader.path,
        pid=reader.writer_pid,
        alive=reader.writer_alive,
        state=state,
        reason=reason,
        width=reader.width,
        height=reader.height,
        format=reader.frame_format.name,
        frame_bytes=reader.bytes_per_frame,
        counters=reader.counters,
        readers=readers,
        told=told,
        frame=newest,
        taken_ns=taken_ns,
    )


def as_json(status: StreamStatus) -> dict[str, object]:
    """For programs: what is documented in docs/command-line.md."""
    counters, frame = status.counters, status.frame
    return {
        "name": status.name,
        "live": status.live,
        "state": status.state.name,
        "reason": status.reason,
        "path": str(status.path),
        "writer": {"pid": status.pid, "alive": status.alive, "heartbeat_age_sec": round(status.heartbeat_age, 3)},
        "width": status.width,
        "height": status.height,
        "format": status.format,
        "frame": None if frame is None else {"number": frame.frame_number, "age_sec": round(status.frame_age or 0, 4)},
        "captured": counters.captured,
        "published": counters.published,
        "dropped": counters.dropped,
        "buffers": counters.buffers,
        "buffer_bytes": status.frame_bytes,
        "readers": None
        if status.readers is None
        else [
            {
                "pid": reader.pid,
                "name": reader.name,
                "frames_read": reader.frames_read,
                "missed": reader.missed,
                "lag_frames": status.lag(reader),
                "held": reader.held,
                "held_sec": None if (held := status.held_seconds(reader)) is None else round(held, 3),
                "attached_sec": round(max(0.0, (status.taken_ns - reader.attached_ns) / _NS), 3),
            }
            for reader in status.readers
        ],
        "told": status.told,
    }

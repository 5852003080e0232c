"""A stream's status for programs: the keys are documented in docs/command-line.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from billiards_video.ipc import ReaderFigures
    from billiards_video.metrics.reading import Reading


def as_json(status: Reading) -> dict[str, object]:
    """All that is known of a stream."""
    counters, frame, heartbeat_age = status.counters, status.newest, status.heartbeat_age
    return {
        "name": status.name,
        "live": status.live,
        "state": status.state.name,
        "reason": status.reason,
        "path": str(status.path),
        "writer": {
            "pid": status.pid,
            "alive": status.alive,
            "heartbeat_age_sec": None if heartbeat_age is None else round(heartbeat_age, 3),
        },
        "width": status.width,
        "height": status.height,
        "format": status.format,
        "frame": None if frame is None else {"number": frame.frame_number, "age_sec": round(status.frame_age or 0, 4)},
        "captured": counters.captured,
        "published": counters.published,
        "dropped": counters.dropped,
        "buffers": counters.buffers,
        "buffer_bytes": status.frame_bytes,
        "readers": None if status.readers is None else [_reader(status, reader) for reader in status.readers],
        "told": status.told.keys,
    }


def _reader(status: Reading, reader: ReaderFigures) -> dict[str, object]:
    held = status.held_seconds(reader)
    return {
        "pid": reader.pid,
        "name": reader.name,
        "frames_read": reader.frames_read,
        "missed": reader.missed,
        "lag_frames": status.lag(reader),
        "held": reader.held,
        "held_sec": None if held is None else round(held, 3),
        "attached_sec": round(status.attached_seconds(reader), 3),
    }

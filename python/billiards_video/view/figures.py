"""A reading of the stream as JSON, for the page and for the status route."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from billiards_video.ipc import State
from billiards_video.view.situation import situation

if TYPE_CHECKING:
    from billiards_video.metrics.reading import Reading, Segment
    from billiards_video.view.viewers import Viewers

_LONGEST_AGE_SECONDS = 5.0
_PERIODS = 10


def for_page(reading: Reading, viewers: Viewers, name: str) -> dict[str, object]:
    """All that the page shows beside the picture. Times are milliseconds of the machine's monotonic clock."""
    told, status, segment = situation(reading), reading.status, reading.segment
    return {
        "type": "figures",
        "name": name,
        "now_ms": reading.at_ns / 1e6,
        "mood": told.mood,
        "title": told.title,
        "reason": told.reason,
        "remedy": told.remedy,
        "since_ms": None if told.since_ns is None else told.since_ns / 1e6,
        "source": status.text("source"),
        "fps": status.number("fps"),
        "nominal_fps": status.number("nominal_fps"),
        "uptime_sec": status.number("uptime_sec"),
        "settings": status.settings(),
        "viewers": viewers.active.total(),
        "stream": None if segment is None else _stream(segment, reading),
    }


def _stream(segment: Segment, reading: Reading) -> dict[str, object]:
    counters = segment.counters
    return {
        "state": segment.state.name,
        "pid": segment.writer_pid,
        "width": segment.width,
        "height": segment.height,
        "format": segment.frame_format,
        "captured": counters.captured,
        "published": counters.published,
        "dropped": counters.dropped,
        "dropped_by_reason": reading.status.counts("dropped_by_reason"),
        "reconnects": reading.status.number("reconnects"),
        "stalls": reading.status.number("stalls"),
        "buffers": counters.buffers,
        "readers": None
        if segment.readers is None
        else [
            {
                "name": reader.name,
                "pid": reader.pid,
                "read": reader.frames_read,
                "missed": reader.missed,
                "lag": segment.lag(reader),
                "held": reader.held,
                "held_ms": None if reader.held_since_ns is None else (reading.at_ns - reader.held_since_ns) / 1e6,
            }
            for reader in segment.readers
        ],
    }


def for_clients(reading: Reading, viewers: Viewers) -> dict[str, object]:
    """The answer of the status route, in the keys that its clients know."""
    told, status, segment = situation(reading), reading.status, reading.segment
    counters = None if segment is None else segment.counters
    return {
        "camera": {
            "status": segment.state.name.lower() if segment is not None and segment.writer_alive else "not running",
            "connected": reading.publishing and segment is not None and segment.state == State.LIVE,
            "info": {
                "source": status.text("source"),
                "width": segment and segment.width,
                "height": segment and segment.height,
                "format": segment and segment.frame_format,
                "nominal_fps": status.number("nominal_fps"),
                "reason": told.reason,
                "remedy": told.remedy,
            },
            "health": {
                "frames_captured": counters.captured if counters else 0,
                "frames_dropped": counters.dropped if counters else 0,
                "fps": status.number("fps") or 0.0,
                "error_count": int(status.number("errors") or 0),
                "last_error": status.text("last_error"),
                "uptime": status.number("uptime_sec") or 0.0,
            },
        },
        "streaming": {
            "active_streams": viewers.active.total(),
            "total_frames_served": viewers.pictures.total(),
            "avg_fps": round(viewers.fps, 2),
            "uptime": round(viewers.uptime, 3),
            "last_frame_time": viewers.last_sent,
        },
        "timestamp": datetime.now(UTC).isoformat(),
    }


def unready(reading: Reading) -> str:
    """Why frames are not fresh; "" where they are."""
    told, age = situation(reading), reading.frame_age
    if told.mood != "live":
        return f"{told.title}. {told.reason}".strip()
    nominal = reading.status.number("nominal_fps")
    longest = _LONGEST_AGE_SECONDS if not nominal else max(1.0, _PERIODS / nominal)
    if age is None or age > longest:
        return f"the newest frame is {age or 0:.1f} s old; {longest:.1f} s are allowed"
    return ""

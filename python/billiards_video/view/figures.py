"""A reading of the stream as JSON, for the page and for the status route."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from billiards_video.view.situation import situation

if TYPE_CHECKING:
    from billiards_video.metrics.probe import Look
    from billiards_video.metrics.reading import Reading
    from billiards_video.view.viewers import Viewers

_LONGEST_AGE_SECONDS = 5.0
_PERIODS = 10


def for_page(look: Look, viewers: Viewers, name: str) -> dict[str, object]:
    """All that the page shows beside the picture. Times are milliseconds of the machine's monotonic clock."""
    told, status, reading = situation(look), look.told, look.reading
    return {
        "type": "figures",
        "name": name,
        "now_ms": look.at_ns / 1e6,
        "mood": told.mood,
        "title": told.title,
        "reason": told.reason,
        "remedy": told.remedy,
        "since_ms": None if told.since_ns is None else told.since_ns / 1e6,
        "source": status.text("source"),
        "fps": status.number("fps"),
        "nominal_fps": status.number("nominal_fps"),
        "uptime_sec": status.number("uptime_sec") if look.publishing else None,
        "settings": status.settings(),
        "viewers": viewers.active.total(),
        "stream": None if reading is None else _stream(reading),
    }


def _stream(reading: Reading) -> dict[str, object]:
    counters = reading.counters
    return {
        "state": reading.state.name,
        "pid": reading.pid,
        "width": reading.width,
        "height": reading.height,
        "format": reading.format,
        "captured": counters.captured,
        "published": counters.published,
        "dropped": counters.dropped,
        "skipped": reading.told.number("frames_skipped"),
        "reconnects": reading.told.number("reconnects"),
        "stalls": reading.told.number("stalls"),
        "buffers": counters.buffers,
        "readers": None
        if reading.readers is None
        else [
            {
                "name": reader.name,
                "pid": reader.pid,
                "read": reader.frames_read,
                "missed": reader.missed,
                "lag": reading.lag(reader),
                "held": reader.held,
                "held_ms": None if (held := reading.held_seconds(reader)) is None else held * 1e3,
            }
            for reader in reading.readers
        ],
    }


def for_clients(look: Look, viewers: Viewers) -> dict[str, object]:
    """The answer of the status route, in the keys that its clients know."""
    told, status, reading = situation(look), look.told, look.reading
    counters = None if reading is None else reading.counters
    return {
        "camera": {
            "status": reading.state.name.lower() if reading is not None and reading.alive else "not running",
            "connected": reading is not None and reading.live,
            "info": {
                "source": status.text("source"),
                "width": reading and reading.width,
                "height": reading and reading.height,
                "format": reading and reading.format,
                "nominal_fps": status.number("nominal_fps"),
                "reason": told.reason,
                "remedy": told.remedy,
            },
            "health": {
                "frames_captured": counters.captured if counters else 0,
                "frames_dropped": counters.dropped if counters else 0,
                "fps": (look.publishing and status.number("fps")) or 0.0,
                "error_count": int(status.number("errors") or 0),
                "last_error": status.text("last_error"),
                "uptime": (look.publishing and status.number("uptime_sec")) or 0.0,
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


def unready(look: Look) -> str:
    """Why frames are not fresh; "" where they are."""
    told, reading = situation(look), look.reading
    if told.mood != "live":
        return f"{told.title}. {told.reason}".strip()
    age = None if reading is None else reading.frame_age
    nominal = look.told.number("nominal_fps")
    longest = _LONGEST_AGE_SECONDS if not nominal else max(1.0, _PERIODS / nominal)
    if age is None or age > longest:
        return f"the newest frame is {age or 0:.1f} s old; {longest:.1f} s are allowed"
    return ""

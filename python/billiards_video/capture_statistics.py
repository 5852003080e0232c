"""What the capture process counts, and how it tells it: the lines in the log and the status that readers can show."""

from __future__ import annotations

import time

_NS = 1_000_000_000


class Rate:
    """Events a second, between one look at a counter and the next."""

    def __init__(self) -> None:
        self._at_ns = time.monotonic_ns()
        self._count = 0

    def since_last(self, count: int) -> float:
        """The rate at which the counter rose to `count` since it was last given."""
        now_ns = time.monotonic_ns()
        rate = (count - self._count) * _NS / max(1, now_ns - self._at_ns)
        self._at_ns, self._count = now_ns, count
        return rate


class Statistics:
    """Counters, written by the thread that captures and read by the main thread; each is one plain number."""

    def __init__(self) -> None:
        self._started_ns = time.monotonic_ns()
        self.captured = 0
        """Frames taken from the source; the number of the next one."""
        self.written = 0
        """Frames published."""
        self.dropped = 0
        """Frames not converted because readers held every buffer."""
        self.unusable = 0
        """Frames that the source could not convert."""
        self.reconnects = 0
        """How often the source was opened again."""
        self.loop_count = 0
        """How often a file started over."""
        self.last_frame_ns = 0
        """When the last frame was taken (`CLOCK_MONOTONIC`, ns); 0 before the first."""

    @property
    def uptime(self) -> float:
        """Seconds since the start."""
        return (time.monotonic_ns() - self._started_ns) / _NS

    def line(self, fps: float, skipped: int, readers: int) -> str:
        """The counters as one line for the log."""
        return (
            f"uptime={self.uptime:.1f}s, frames_captured={self.captured}, frames_written={self.written}, fps={fps:.1f},"
            f" frames_dropped={self.dropped}, frames_skipped={skipped + self.unusable}, loops={self.loop_count},"
            f" reconnects={self.reconnects}, readers={readers}"
        )

    def as_json(self, fps: float, skipped: int) -> dict[str, object]:
        """The counters for the status file."""
        return {
            "uptime_sec": round(self.uptime, 3),
            "fps": round(fps, 2),
            "frames_captured": self.captured,
            "frames_written": self.written,
            "frames_dropped": self.dropped,
            "frames_skipped": skipped + self.unusable,
            "loops": self.loop_count,
            "reconnects": self.reconnects,
        }

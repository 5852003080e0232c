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
    """What there was since the start, whichever thread and source it came from.

    Each figure is written by one thread at a time and is one plain number or dictionary, so that others may read it.
    """

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
        self.skipped = 0
        """Frames that the source passed over before it was last opened; those since then it counts itself."""
        self.reconnects: dict[str, int] = {}
        """How often the source was opened again, by what had happened to it."""
        self.stalls: dict[str, int] = {}
        """How often it was found to be stalled, by reason."""
        self.errors = 0
        """How often it failed, the attempts to open it included."""
        self.last_error: str | None = None
        self.last_error_ns: int | None = None
        """When it last failed (`CLOCK_MONOTONIC`, ns)."""
        self.loop_count = 0
        """How often a file started over."""
        self.last_frame_ns = 0
        """When the last frame was taken (`CLOCK_MONOTONIC`, ns); 0 before the first."""

    @property
    def uptime(self) -> float:
        """Seconds since the start."""
        return (time.monotonic_ns() - self._started_ns) / _NS

    def failed(self, error: str) -> None:
        """Takes note of an error of the source."""
        self.errors += 1
        self.last_error, self.last_error_ns = error, time.monotonic_ns()

    def reconnected(self, reason: str) -> None:
        """Takes note that the source is open again."""
        self.reconnects[reason] = self.reconnects.get(reason, 0) + 1

    def stalled(self, reason: str) -> None:
        """Takes note that the source is there, and not well."""
        self.stalls[reason] = self.stalls.get(reason, 0) + 1

    def line(self, fps: float, skipped: int, readers: int) -> str:
        """The figures as one line for the log; `skipped` is what the source has counted since it was opened."""
        return (
            f"uptime={self.uptime:.1f}s, frames_captured={self.captured}, frames_written={self.written}, fps={fps:.1f},"
            f" frames_dropped={self.dropped}, frames_skipped={self.skipped + skipped + self.unusable},"
            f" loops={self.loop_count}, reconnects={sum(self.reconnects.values())}, readers={readers}"
        )

    def as_json(self, fps: float, skipped: int) -> dict[str, object]:
        """The figures for the status; `skipped` as in `line`."""
        skipped += self.skipped
        reconnects, stalls = self.reconnects.copy(), self.stalls.copy()
        return {
            "uptime_sec": round(self.uptime, 3),
            "fps": round(fps, 2),
            "frames_captured": self.captured,
            "frames_written": self.written,
            "frames_dropped": self.dropped,
            "frames_skipped": skipped + self.unusable,
            "dropped_by_reason": {"no_buffer": self.dropped, "unusable": self.unusable, "skipped": skipped},
            "loops": self.loop_count,
            "reconnects": sum(reconnects.values()),
            "reconnects_by_reason": reconnects,
            "stalls": sum(stalls.values()),
            "stalls_by_reason": stalls,
            "errors": self.errors,
            "last_error": self.last_error,
            "last_error_ns": self.last_error_ns,
        }

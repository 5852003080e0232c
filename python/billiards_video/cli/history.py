"""What a stream and its readers did over the last looks, for the lines of `top`."""

from __future__ import annotations

import os
from collections import deque
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from billiards_video.cli.pulse import NAME, intervals, rate

if TYPE_CHECKING:
    from billiards_video.cli.pulse import Pulse
    from billiards_video.ipc import ReaderFigures
    from billiards_video.metrics.reading import Reading

LOOKS = 120
_RATE_SECONDS = 2.0
_NS = 1e9


class Moment(NamedTuple):
    """The figures of one look. Times are seconds; None where there is nothing to say."""

    fps: float | None
    intervals: list[float]
    """Of the last frames, one by one."""
    middle: float | None
    longest: float | None
    age: float | None
    """Of the newest frame, since its capture."""
    latency: float | None
    """From publication until this process had it: the median of the last frames."""


class ReaderHistory:
    """One reader's lag, look by look, and its rate."""

    def __init__(self) -> None:
        self.lags: deque[float] = deque(maxlen=LOOKS)
        self._read: deque[tuple[int, int]] = deque(maxlen=LOOKS)

    def note(self, taken_ns: int, reader: ReaderFigures, lag: int | None) -> None:
        """Takes a look in."""
        self.lags.append(lag or 0)
        self._read.append((taken_ns, reader.frames_read))

    @property
    def fps(self) -> float | None:
        """Frames that it reads a second, over the last seconds."""
        if not self._read:
            return None
        now_ns, now = self._read[-1]
        recent = [look for look in self._read if look[0] >= now_ns - _RATE_SECONDS * _NS]
        then_ns, then = recent[0]
        return (now - then) * _NS / (now_ns - then_ns) if now_ns > then_ns else None


class History:
    """All that `top` remembers."""

    def __init__(self) -> None:
        self.fps: deque[float] = deque(maxlen=LOOKS)
        self.ages: deque[float] = deque(maxlen=LOOKS)
        self.drops: deque[float] = deque(maxlen=LOOKS)
        self._dropped: int | None = None
        self._readers: dict[tuple[int, int], ReaderHistory] = {}

    def look(self, pulse: Pulse, status: Reading) -> Moment:
        """Takes a look in, and gives its figures."""
        beats = pulse.beats(_RATE_SECONDS)
        last = pulse.last
        gaps = intervals(beats)
        delays = [(beat.seen_ns - beat.published_ns) / _NS for beat in beats]
        age = None if last is None else max(0.0, (status.at_ns - last.captured_ns) / _NS)
        moment = Moment(
            fps=rate(beats),
            intervals=gaps,
            middle=median(gaps) if gaps else None,
            longest=max(gaps, default=None),
            age=age,
            latency=median(delays) if delays else None,
        )
        self.fps.append(moment.fps or 0.0)
        self.ages.append(age or 0.0)
        dropped = status.counters.dropped
        self.drops.append(0 if self._dropped is None else max(0, dropped - self._dropped))
        self._dropped = dropped
        self._note_readers(status)
        return moment

    def _note_readers(self, status: Reading) -> None:
        readers = {(reader.line, reader.attached_ns): reader for reader in status.readers or ()}
        self._readers = {key: self._readers.get(key) or ReaderHistory() for key in readers}
        for key, reader in readers.items():
            self._readers[key].note(status.at_ns, reader, status.lag(reader))

    def of(self, reader: ReaderFigures) -> ReaderHistory:
        """A reader's part, of those at the last look."""
        return self._readers[reader.line, reader.attached_ns]


def others(status: Reading) -> list[ReaderFigures]:
    """The readers without this process itself, in the order in which they came."""
    readers = [each for each in status.readers or () if each.pid != os.getpid() or each.name != NAME]
    return sorted(readers, key=lambda reader: reader.attached_ns)

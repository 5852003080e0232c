"""A stream as Prometheus metrics. Their names and units are in docs/metrics.md."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from billiards_video.ipc import State
from billiards_video.metrics.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Metric

    from billiards_video.metrics.reading import Reading
    from billiards_video.metrics.status_text import StatusText

_UNKNOWN = "unknown"
"""The reason where the writer counts without reasons."""


class StreamCollector(Collector):
    """Reads the stream of a name at each scrape; between scrapes it does nothing.

    What the stream does not tell is left out of the answer, and not zero. It takes no place among the stream's readers.

    Raises:
        ValueError: The name cannot be used.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._probe = Probe(name)
        self._one_scrape = threading.Lock()

    def describe(self) -> list[Metric]:
        """Nothing beforehand: registering a collector is no reason to read the stream."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Reads the stream, and gives what it tells."""
        with self._one_scrape:
            look = self._probe.look()
        families = _Families(self._name)
        families.gauge("up", "Whether a live process owns the stream.", float(look.publishing))
        if look.reading is not None:
            _tell_segment(families, look.reading)
            _tell_frames(families, look.reading)
            _tell_readers(families, look.reading)
            _tell_status(families, look.reading.told)
        yield from families.made


class _Families:
    """The metrics of one scrape. A value of None makes no metric."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.made: list[Metric] = []

    def gauge(self, name: str, text: str, value: float | None) -> None:
        """One value that goes up and down."""
        if value is not None:
            self.gauges(name, text, (), [((), value)])

    def counter(self, name: str, text: str, value: float | None) -> None:
        """One value that rises."""
        if value is not None:
            self.counters(name, text, (), [((), value)])

    def gauges(
        self, name: str, text: str, labels: tuple[str, ...], values: list[tuple[tuple[str, ...], float]]
    ) -> None:
        """A value for each combination of labels."""
        family = GaugeMetricFamily(f"billiards_video_{name}", text, labels=("stream", *labels))
        for labelled, value in values:
            family.add_metric((self._name, *labelled), value)
        self.made.append(family)

    def counters(
        self, name: str, text: str, labels: tuple[str, ...], values: list[tuple[tuple[str, ...], float]]
    ) -> None:
        """A rising value for each combination of labels."""
        family = CounterMetricFamily(f"billiards_video_{name}", text, labels=("stream", *labels))
        for labelled, value in values:
            family.add_metric((self._name, *labelled), value)
        self.made.append(family)

    def stages(self, status: StatusText) -> None:
        """The histogram of each stage."""
        family = HistogramMetricFamily(
            "billiards_video_stage_seconds",
            "Time that a frame took in a stage of the capture process.",
            labels=("stream", "stage"),
        )
        for stage, times in status.stages().items():
            buckets = [(repr(bound), float(count)) for bound, count in times.buckets]
            family.add_metric((self._name, stage), [*buckets, ("+Inf", float(times.frames))], times.sum_s)
        if family.samples:
            self.made.append(family)


def _tell_segment(families: _Families, reading: Reading) -> None:
    families.gauges(
        "state",
        "1 for the state that the stream is in; 0 for the others.",
        ("state",),
        [((state.name.lower(),), float(state == reading.state)) for state in State],
    )
    families.gauges("state_reason", "1, with the reason of the state.", ("reason",), [((reading.reason,), 1.0)])
    families.gauge("frame_width_pixels", "Pixels in a row of a frame.", reading.width)
    families.gauge("frame_height_pixels", "Rows of a frame.", reading.height)
    families.gauge("buffers", "Buffers in shared memory.", reading.counters.buffers)


def _tell_frames(families: _Families, reading: Reading) -> None:
    counters = reading.counters
    families.counter("frames_captured", "Frames that the source gave.", counters.captured)
    families.counter("frames_written", "Frames published.", counters.published)
    reasons = reading.told.counts("dropped_by_reason")
    families.counters(
        "frames_dropped",
        "Frames given up.",
        ("reason",),
        [((_UNKNOWN,), counters.dropped)] if reasons is None else _by_reason(reasons),
    )
    families.gauge("frame_age_seconds", "Time since the newest frame was captured.", reading.frame_age)
    families.gauge("heartbeat_age_seconds", "Time since the writer last said that it is there.", reading.heartbeat_age)


def _tell_readers(families: _Families, reading: Reading) -> None:
    if reading.readers is None:
        return
    families.gauge("readers", "Readers that can hold buffers.", len(reading.readers))
    labels = ("reader", "pid", "line")
    readers = [((one.name, str(one.pid), str(one.line)), one) for one in reading.readers]
    families.gauges(
        "reader_lag_frames",
        "Published frames newer than the last one read.",
        labels,
        [(key, reading.lag(one) or 0) for key, one in readers],
    )
    families.counters("reader_frames_read", "Frames read.", labels, [(key, one.frames_read) for key, one in readers])
    families.counters(
        "reader_frames_missed", "Frames published but not read.", labels, [(key, one.missed) for key, one in readers]
    )
    families.gauges("reader_held_buffers", "Buffers held now.", labels, [(key, one.held) for key, one in readers])
    families.gauges(
        "reader_held_seconds",
        "Time for which a buffer has been held without a break; 0 where none is.",
        labels,
        [(key, reading.held_seconds(one) or 0.0) for key, one in readers],
    )


def _tell_status(families: _Families, status: StatusText) -> None:
    families.gauge("frames_per_second", "Frames captured a second.", status.number("fps"))
    families.gauge(
        "nominal_frames_per_second", "Frames a second that the source announces.", status.number("nominal_fps")
    )
    families.gauge("uptime_seconds", "Time since the capture process started.", status.number("uptime_sec"))
    families.counter("source_loops", "How often a file started over.", status.number("loops"))
    families.counter("errors", "Errors of the source.", status.number("errors"))
    for key, text in (
        ("reconnects", "How often the source was opened again."),
        ("stalls", "How often frames stopped coming as they should."),
    ):
        reasons, count = status.counts(f"{key}_by_reason"), status.number(key)
        if reasons is not None:
            families.counters(key, text, ("reason",), _by_reason(reasons))
        elif count is not None:
            families.counters(key, text, ("reason",), [((_UNKNOWN,), count)])
    families.stages(status)


def _by_reason(counts: dict[str, float]) -> list[tuple[tuple[str, ...], float]]:
    return [((reason,), count) for reason, count in counts.items()]

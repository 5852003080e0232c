"""The server itself as Prometheus metrics: who looks, what was sent, and what encoding costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Metric

    from billiards_video.view.viewers import Viewers

_BUCKETS = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25)


class ViewCollector(Collector):
    """The viewers of a stream, and the encoding for them."""

    def __init__(self, name: str, viewers: Viewers) -> None:
        self._name = name
        self._viewers = viewers
        self._encode_seconds = Histogram(
            "billiards_video_view_encode_seconds",
            "Time that encoding a frame for its viewers took.",
            labelnames=("stream",),
            registry=None,
            buckets=_BUCKETS,
        )
        self.encoded = self._encode_seconds.labels(name).observe
        """Takes note of an encoding that took so many seconds. From any thread."""

    def describe(self) -> list[Metric]:
        """Nothing beforehand."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Gives the figures as they are now."""
        viewers = GaugeMetricFamily("billiards_video_view_viewers", "Viewers of the stream.", labels=("stream", "kind"))
        for kind, count in self._viewers.active.items():
            viewers.add_metric((self._name, kind), count)
        yield viewers
        pictures = CounterMetricFamily(
            "billiards_video_view_pictures_sent", "Pictures sent to viewers.", labels=("stream", "kind")
        )
        for kind, count in self._viewers.pictures.items():
            pictures.add_metric((self._name, kind), count)
        yield pictures
        sent = CounterMetricFamily("billiards_video_view_sent_bytes", "Bytes of the pictures sent.", labels=("stream",))
        sent.add_metric((self._name,), self._viewers.bytes_sent)
        yield sent
        for family in self._encode_seconds.collect():
            # When it was made is of no use: the process's start says the same.
            family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            yield family

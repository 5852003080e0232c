"""What Prometheus is told, and that the documentation and the dashboard speak of the same metrics."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from billiards_video import SharedMemoryFrameReader, SharedMemoryFrameWriter, State
from billiards_video.metrics.stream_collector import StreamCollector
from view_server import Stream, ViewServer

DOCS = Path(__file__).parent.parent / "docs"
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \|([^|]*)\| ([^|]+) \|$", re.MULTILINE)
STATUS: dict[str, object] = {
    "source": "a camera",
    "fps": 29.5,
    "nominal_fps": 30,
    "uptime_sec": 12.5,
    "loops": 3,
    "errors": 4,
    "reconnects": 2,
    "reconnects_by_reason": {"the source is gone": 2},
    "stalls": 1,
    "stalls_by_reason": {"no frames arrive": 1},
    "dropped_by_reason": {"no_buffer": 5, "unusable": 6, "skipped": 7},
    "stages": {"grab": {"count": 10, "sum_s": 0.3, "buckets": [[0.01, 1], [0.05, 9]]}},
}
PICTURE = np.zeros((48, 64, 3), np.uint8)

Values = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(name: str) -> dict[str, Metric]:
    """The metrics of a stream, through Prometheus's own text form and back, by their names."""
    registry = CollectorRegistry()
    registry.register(StreamCollector(name))
    return parsed(generate_latest(registry).decode())


def parsed(text: str) -> dict[str, Metric]:
    """The metrics of an exposition, by the name that counters have in queries."""
    families = text_string_to_metric_families(text)
    return {f"{one.name}_total" if one.type == "counter" else one.name: one for one in families}


def value(metrics: dict[str, Metric], name: str, **labels: str) -> float:
    """The one sample of a metric with these labels, whatever others it has."""
    (found,) = [
        sample.value
        for sample in metrics[f"billiards_video_{name}"].samples
        if labels.items() <= sample.labels.items() and not sample.name.endswith(("_sum", "_bucket"))
    ]
    return float(found)


def test_documentation_names_what_there_is(segment_name: str) -> None:
    """Each metric stands in docs/metrics.md with its type and its labels, and no other does."""
    text = (DOCS / "metrics.md").read_text(encoding="utf-8")
    documented = {name: (kind, set(re.findall(r"\w+", labels))) for name, kind, labels, _ in ROW.findall(text)}
    with SharedMemoryFrameWriter(segment_name, 64, 48) as writer, SharedMemoryFrameReader(segment_name) as reader:
        writer.set_status(json.dumps(STATUS))
        writer.write_frame(PICTURE)
        with reader.lease(), ViewServer(segment_name) as server, Stream(server) as stream:
            stream.begin()
            stream.part()
            metrics = parsed(server.get("/metrics").text)
    told = {
        name: (one.type, {label for sample in one.samples for label in sample.labels} - {"stream", "le"})
        for name, one in metrics.items()
    }
    assert told == documented
    assert {sample.labels["stream"] for one in metrics.values() for sample in one.samples} == {segment_name}


def test_dashboard_shows_what_is_documented() -> None:
    """Every metric of the dashboard is documented, and every documented one is on it."""
    dashboard = json.loads((DOCS / "grafana-dashboard.json").read_text(encoding="utf-8"))
    documented = {name for name, *_ in ROW.findall((DOCS / "metrics.md").read_text(encoding="utf-8"))}
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    shown = {name.removesuffix("_bucket") for query in queries for name in re.findall(r"billiards_video_\w+", query)}
    assert shown == documented
    assert all('stream=~"$stream"' in query for query in queries)
    places = [tuple(panel["gridPos"].values()) for panel in dashboard["panels"]]
    assert len(set(places)) == len(places)


def test_values(segment_name: str) -> None:
    """Counters, status and readers are told as they are."""
    with SharedMemoryFrameWriter(segment_name, 64, 48) as writer:
        writer.set_status(json.dumps(STATUS))
        with SharedMemoryFrameReader(segment_name, reader_name="analysis") as reader:
            for _ in range(5):
                writer.write_frame(PICTURE)
            writer.count_captured(6)
            frame = reader.lease()
            for _ in range(3):
                writer.write_frame(PICTURE)
            metrics = scrape(segment_name)
            del frame
            who = {"reader": "analysis", "pid": str(os.getpid())}
            assert value(metrics, "up") == 1
            assert value(metrics, "frames_captured_total") == 6
            assert value(metrics, "frames_written_total") == 8
            assert value(metrics, "frames_dropped_total", reason="unusable") == 6
            assert value(metrics, "reconnects_total", reason="the source is gone") == 2
            assert value(metrics, "stalls_total", reason="no frames arrive") == 1
            assert value(metrics, "errors_total") == 4
            assert value(metrics, "frames_per_second") == 29.5
            assert 0 <= value(metrics, "frame_age_seconds") < 20
            assert value(metrics, "reader_lag_frames", **who) == 3
            assert value(metrics, "reader_frames_read_total", **who) == 1
            assert value(metrics, "reader_frames_missed_total", **who) == reader.readers()[0].missed
            assert value(metrics, "reader_held_buffers", **who) == 1
            assert value(metrics, "reader_held_seconds", **who) > 0
        assert writer.readers() == []


def test_stages(segment_name: str) -> None:
    """A stage is a histogram: cumulative buckets, to infinity, their count and their sum."""
    with SharedMemoryFrameWriter(segment_name, 64, 48) as writer:
        writer.set_status(json.dumps(STATUS))
        samples = scrape(segment_name)["billiards_video_stage_seconds"].samples
    assert {one.labels["stage"] for one in samples} == {"grab"}
    assert [(one.labels["le"], one.value) for one in samples if "le" in one.labels] == [
        ("0.01", 1),
        ("0.05", 9),
        ("+Inf", 10),
    ]
    assert [one.value for one in samples if "le" not in one.labels] == [10, 0.3]


def test_states(segment_name: str) -> None:
    """One state at a time, and its reason."""
    with SharedMemoryFrameWriter(segment_name, 64, 48) as writer:
        for state, reason in ((State.LIVE, ""), (State.STALLED, "no frames arrive")):
            writer.set_state(state, reason)
            metrics = scrape(segment_name)
            assert value(metrics, "state_reason", reason=reason) == 1
            for other in State:
                assert value(metrics, "state", state=other.name.lower()) == (other == state)


def test_no_stream(segment_name: str) -> None:
    """Without a stream there is one metric, which says so; when it comes, the same collector tells it."""
    registry = CollectorRegistry()
    registry.register(StreamCollector(segment_name))
    assert set(parsed(generate_latest(registry).decode())) == {"billiards_video_up"}
    for written in (1, 2):
        with SharedMemoryFrameWriter(segment_name, 64, 48) as writer:
            for _ in range(written):
                writer.write_frame(PICTURE)
            metrics = parsed(generate_latest(registry).decode())
            assert value(metrics, "up") == 1
            assert value(metrics, "frames_written_total") == written
        assert value(parsed(generate_latest(registry).decode()), "up") == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[]",
        "[" * 5000,
        '{"fps": NaN, "uptime_sec": -1, "loops": "many", "errors": true, "nominal_fps": 1e999}',
        '{"dropped_by_reason": 3, "stalls_by_reason": [], "reconnects_by_reason": {"x": "y"}}',
        '{"stages": {"grab": 1, "publish": {"count": 1, "sum_s": 1, "buckets": [[1, 5], [2, 4]]}}}',
        '{"stages": {"grab": {"buckets": [1]}}}',
        '{"stages": {"grab": {"count": 1, "sum_s": 1, "buckets": [["+Inf", 1]]}}}',
    ],
)
def test_status_of_any_kind(segment_name: str, text: str) -> None:
    """A writer may publish any text as its status: what is no figure is left out, and the rest is told."""
    with SharedMemoryFrameWriter(segment_name, 64, 48) as writer:
        writer.set_status(text)
        metrics = scrape(segment_name)
    assert value(metrics, "up") == 1
    assert value(metrics, "frames_dropped_total", reason="unknown") == 0
    for name in ("frames_per_second", "uptime_seconds", "source_loops_total", "errors_total", "stage_seconds"):
        assert f"billiards_video_{name}" not in metrics


def test_a_name_in_need_of_quotes(segment_name: str) -> None:
    """A reader may call itself anything; the text stays readable."""
    with (
        SharedMemoryFrameWriter(segment_name, 64, 48),
        SharedMemoryFrameReader(segment_name, reader_name='a "b"\\c'),
    ):
        metrics = scrape(segment_name)
    assert value(metrics, "reader_frames_read_total", reader='a "b"\\c') == 0


def test_numbers_that_are_too_large_are_left_out(segment_name: str) -> None:
    """What a writer tells is another process's word: a number beyond every float is as if it were not told."""
    huge = 10**400
    stages = {
        "grab": {"count": huge, "sum_s": 0.3, "buckets": [[0.01, 1]]},
        "retrieve": {"count": 10, "sum_s": 0.3, "buckets": [[0.01, 1]]},
    }
    with SharedMemoryFrameWriter(segment_name, 64, 48) as writer:
        writer.set_status(
            json.dumps({"fps": huge, "dropped_by_reason": {"no_buffer": 5, "skipped": huge}} | {"stages": stages})
        )
        metrics = scrape(segment_name)
    assert "billiards_video_frames_per_second" not in metrics
    assert value(metrics, "frames_dropped_total") == 5
    assert {one.labels["stage"] for one in metrics["billiards_video_stage_seconds"].samples} == {"retrieve"}

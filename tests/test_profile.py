"""`billiards-video run --profile`: where a frame's time went, in the terminal and as a page."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest

from billiards_video.cli.profile import profile_of, rows
from billiards_video.cli.profile_page import as_page
from billiards_video.cli.profile_text import as_text, bar
from billiards_video.stage_times import Bin, StageTimes
from capture_process import CaptureProcess, write_config
from cli_command import COMMAND, run

_MILLISECOND = 1_000_000


def times(**stages: Sequence[float]) -> StageTimes:
    """Stages of these durations, in milliseconds."""
    recorded = StageTimes()
    for name, durations in stages.items():
        for duration in durations:
            getattr(recorded, name).record(round(duration * _MILLISECOND))
    return recorded


@pytest.mark.parametrize("named", [True, False])
def test_a_capture_is_profiled(tmp_path: Path, segment_name: str, named: bool) -> None:  # noqa: FBT001 - a parameter
    """At the end there are each stage's p50 and p99 and a histogram, after the log, and the page is where it says."""
    preprocessing = {"video": {"shared_memory_name": segment_name, "preprocessing": {"flip": "both"}}}
    config = write_config(tmp_path, segment_name, {"device_id": "synthetic:160x120@100"}, **preprocessing)
    page = tmp_path / ("where.html" if named else f"profile-{segment_name}.html")
    option = "--profile=where.html" if named else "--profile"
    with CaptureProcess("run", config, option, command=COMMAND, cwd=tmp_path) as process:
        process.wait_for("Frame 30")
        assert process.stop()[0] == 0
    log, _, profile = process.output.partition("Where a frame's time went: ")
    assert "Stopped: stopped" in log
    assert re.match(r"\d+ frames in ", profile)
    for stage in ("grab", "retrieve", "preprocess", "publish"):
        assert re.search(rf"^  {stage} +[\d.]+ [mu]?s +[\d.]+ [mu]?s +[\d.]+ [mu]?s +[\d.]+%$", profile, re.MULTILINE)
        assert re.search(rf"^  {stage}: .*\n( +[\d.]+ [mu]?s - +[\d.]+ [mu]?s .*%\n)+", profile, re.MULTILINE)
    assert f"To look at: {page}" in profile
    assert page.read_text(encoding="utf-8").count("<svg") == 4
    assert max(len(line) for line in profile.splitlines() if "To look at" not in line) <= 80


def test_without_it_nothing_is_written(tmp_path: Path, segment_name: str) -> None:
    """A run that was not asked for a profile leaves none, and says nothing of it."""
    config = write_config(tmp_path, segment_name, {"device_id": "synthetic:160x120@30"})
    with CaptureProcess("run", config, command=COMMAND, cwd=tmp_path) as process:
        process.wait_for("Frame 0")
        assert process.stop()[0] == 0
    assert "time went" not in process.output
    assert list(tmp_path.iterdir()) == [config]


def test_the_configuration_is_not_taken_for_the_page(tmp_path: Path, segment_name: str) -> None:
    """`--profile config.json` is refused, and does not write over the configuration."""
    config = write_config(tmp_path, segment_name, {"device_id": "synthetic:160x120@30"})
    before = config.read_text(encoding="utf-8")
    ended = run("run", "--profile", config)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "is no name of a page" in ended.stderr
    assert config.read_text(encoding="utf-8") == before


def test_a_capture_without_a_frame(tmp_path: Path, segment_name: str) -> None:
    """Where there was no frame, the profile says so, no page is written, and the exit code is the capture's."""
    config = write_config(tmp_path, segment_name, {"device_id": 213, "auto_reconnect": False})
    with CaptureProcess("run", config, "--profile", command=COMMAND, cwd=tmp_path) as process:
        assert process.wait() == 1
    assert "there was no frame" in process.output
    assert list(tmp_path.iterdir()) == [config]


def test_the_figures_are_those_of_the_durations() -> None:
    """p50, p99, the longest and the share of all time are right, within the histogram's few per cent."""
    profile = profile_of(times(grab=[10] * 98 + [50, 200], publish=[0.1] * 100), lasted=2.5)
    grab, publish = profile.stages
    assert (grab.name, publish.name, grab.frames) == ("grab", "publish", 100)
    assert grab.p50 == pytest.approx(0.010, rel=0.05)
    assert grab.p99 == pytest.approx(0.050, rel=0.05)
    assert grab.longest == pytest.approx(0.200, rel=0.07)
    assert grab.mean == pytest.approx(0.0123)
    text = as_text(profile)
    assert re.search(r"^  grab +(9\.9|10\.[0-4]) ms +\S+ ms +\S+ ms +49\.2%$", text, re.MULTILINE)
    assert re.search(r"^  the rest +50\.4%$", text, re.MULTILINE)


def test_rows_have_round_bounds_and_lose_nothing() -> None:
    """A histogram has at most as many rows as there is room for, one after the other, and every duration is in it."""
    recorded = times(grab=[0.002 * 1.1**step for step in range(150)])
    bins = list(recorded.grab.bins())
    for most in (8, 12, 48):
        joined = rows(bins, most)
        assert len(joined) <= most
        assert sum(row.frames for row in joined) == 150
        assert all(row.low < row.high for row in joined)
        assert [row.high for row in joined[:-1]] == [row.low for row in joined[1:]]
    assert rows([Bin(0.0009999, 0.0010001, 3)], 5)[0][::2] in ((0.0009, 3), (0.00091, 3), (0.001, 3))


def test_bars() -> None:
    """A bar is as long as its share, and what is not nothing is to be seen."""
    assert [bar(share, 4) for share in (0, 0.0001, 0.5, 1)] == ["", "▏", "██", "████"]


def test_the_page_stands_alone() -> None:
    """The page is whole HTML and whole SVG, loads nothing, and has a bar with its words for each row."""
    page = as_page(profile_of(times(grab=[30, 31, 35, 40], publish=[0.05, 0.06]), lasted=1))
    assert not re.search(r"https?://|<script|<link|src=|@import", page)
    opened: list[str] = []

    class Balance(HTMLParser):
        def handle_starttag(self, tag: str, _attributes: list[tuple[str, str | None]]) -> None:
            if tag != "meta":
                opened.append(tag)

        def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            """Nothing stays open."""

        def handle_endtag(self, tag: str) -> None:
            assert opened.pop() == tag

    Balance().feed(page)
    assert opened == []
    pictures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(pictures) == 2
    for picture in pictures:
        drawn = ET.fromstring(picture)  # noqa: S314 - it was made here
        bars = drawn.findall("rect")
        assert bars
        for each in bars:
            assert 0 <= float(each.attrib["x"]) <= 720
            assert float(each.attrib["width"]) > 0
            title = each.find("title")
            assert title is not None
            assert re.fullmatch(r".+ to .+: [\d,]+", title.text or "")

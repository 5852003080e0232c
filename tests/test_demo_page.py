"""The page of the demonstration: where it is, and that it goes with the demonstration, whatever becomes of that."""

import os
import re
import select
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

import pytest

from cli_command import Terminal
from demonstration import demonstration
from view_server import eventually

pytest.importorskip("uvicorn", reason="the page needs the extra 'view'")


@contextmanager
def showing(name: str, *arguments: str) -> Iterator[tuple[Popen[str], str]]:
    """A running demonstration, and what it says of its page."""
    with demonstration(name, *arguments) as process:
        assert process.stdout is not None
        said = next(line for line in process.stdout if "live picture" in line)
        yield process, said.strip()


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in listed.split()]


def address(said: str) -> str:
    """The page's address, out of what the demonstration says."""
    found = re.fullmatch(r"The live picture: (http://127\.0\.0\.1:\d+/)", said)
    assert found, said
    return found[1]


def test_the_page_shows_the_picture(segment_name: str) -> None:
    """Its address is printed; the page and a picture are there, until the demonstration ends."""
    with showing(segment_name) as (demo, said):
        page = address(said)
        with urllib.request.urlopen(page, timeout=20) as response:
            assert response.headers.get_content_type() == "text/html"
        with urllib.request.urlopen(f"{page}snapshot.jpg", timeout=20) as response:
            assert response.read(2) == b"\xff\xd8"
        demo.send_signal(signal.SIGINT)
        assert demo.communicate(timeout=20)[1] == ""
        assert demo.returncode == 0
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(page, timeout=5)


def test_it_goes_with_a_killed_demonstration(segment_name: str) -> None:
    """After `kill -9` of the demonstration nothing that it had started is left."""
    with showing(segment_name) as (demo, said):
        address(said)
        handles = [os.pidfd_open(child) for child in children(demo.pid)]
        assert len(handles) == 2
        demo.kill()
        for handle in handles:
            assert select.select([handle], [], [], 20)[0]
            os.close(handle)


def test_figures_go_on_without_it(segment_name: str) -> None:
    """Where the page cannot be had, the demonstration says why, and does without."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with showing(segment_name, "--port", port) as (demo, said):
            assert said.startswith("No live picture: ")
            assert port in said
            assert demo.stdout is not None
            assert any("torn=0" in line for line in demo.stdout)
            demo.send_signal(signal.SIGINT)
            assert demo.communicate(timeout=20)[1] == ""
            assert demo.returncode == 0


@pytest.mark.parametrize("wanted", [True, False], ids=["opened", "no-browser"])
def test_it_opens_in_the_browser(tmp_path: Path, segment_name: str, wanted: bool) -> None:  # noqa: FBT001 - a parameter
    """At a terminal of a machine with a display, the page opens by itself, unless that is not wanted."""
    opened, browser = tmp_path / "opened", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >{opened}.new && mv {opened}.new {opened}\n', encoding="utf-8")
    browser.chmod(0o755)
    with Terminal(
        *("--name", segment_name, "--picture", "320x240@60", *([] if wanted else ["--no-browser"])),
        command=[sys.executable, "-m", "billiards_video.demo"],
        variables={"DISPLAY": ":0", "BROWSER": str(browser)},
    ) as demo:
        demo.wait_for("The live picture: http")
        demo.wait_for("torn")
        assert not wanted or eventually(opened.exists, 20)  # Ctrl-C reaches the browser, too
        demo.press("\x03")
        assert demo.end() == 0
    if wanted:
        assert opened.read_text(encoding="utf-8").strip() in demo.text
    else:
        assert not opened.exists()

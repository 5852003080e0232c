"""The page, in a real browser: Chromium, driven by Playwright, against a real server and a real stream."""

import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from billiards_video import State
from view_camera import FPS, Camera
from view_server import ViewServer, eventually

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium")
LIVE = "body[data-mood=live]"
SHOTS = os.environ.get("BILLIARDS_VIDEO_SHOTS")
"""A folder to leave screenshots in, for people to look at."""


def not_tested(why: str) -> NoReturn:
    """Says what was left out, and skips."""
    sys.stderr.write(f"NOT TESTED ({why}): the page of the view in a browser\n")
    pytest.skip(f"NOT TESTED: {why}")


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """A Chromium without a window."""
    if CHROMIUM is None:
        not_tested("chromium is not installed (apt-get install chromium)")
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - it need not be there
    except ImportError:
        not_tested("playwright is not installed (pip install playwright)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(browser: "Browser") -> Iterator[ViewServer]:
    """A server of a stream that each test brings itself."""
    assert browser.is_connected()
    with ViewServer(f"test-{os.getpid()}-{secrets.token_hex(4)}") as server:
        yield server


@pytest.fixture
def page(browser: "Browser", server: ViewServer) -> Iterator["Page"]:
    """The page, opened; at the end, nothing that it did may have failed, or have come from elsewhere."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(20_000)
    errors: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(server.url)
    yield page
    shoot(page, "last")
    context.close()
    assert errors == []
    assert [url for url in asked if not url.startswith((server.url, "blob:"))] == []


def shoot(page: "Page", name: str) -> None:
    """Leaves a screenshot, where somebody wants one."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png")


def is_still(camera: Camera, figure: Callable[[], float]) -> bool:
    """Whether a figure stays as it is over ten frames of the camera."""
    before = figure()
    camera.wait_for(10)
    return figure() == before


def brightness(page: "Page") -> float:
    """How bright the middle of the picture on screen is."""
    value = page.evaluate(
        "() => { const c = document.getElementById('frame');"
        " return c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data[0]; }"
    )
    assert isinstance(value, int)
    return value


def wait_for_text(page: "Page", selector: str, pattern: str) -> None:
    """Waits until an element's text matches."""
    page.wait_for_function(
        "([selector, pattern]) => new RegExp(pattern).test(document.querySelector(selector).textContent)",
        arg=[selector, pattern],
    )


def test_live(server: ViewServer, page: "Page") -> None:
    """The picture moves; state, rate, age, latency, readers, settings and size are told."""
    settings = [{"name": "exposure", "asked": 5, "accepted": 4, "measured": None, "note": "in steps of 2"}]
    status: dict[str, object] = {"source": "a camera", "fps": 49.5, "nominal_fps": FPS, "settings": settings}
    with Camera(server.name, status=status) as camera:
        page.wait_for_selector(LIVE)
        seen = brightness(page)
        page.wait_for_function(
            "seen => document.getElementById('frame').getContext('2d').getImageData(80, 60, 1, 1).data[0] !== seen",
            arg=seen,
        )
        wait_for_text(page, "#state-title", "^Live$")
        wait_for_text(page, "#source", "^a camera$")
        wait_for_text(page, "#fps", r"^49\.5$")
        wait_for_text(page, "#fps-beside", r"^\d+\.\d shown$")
        wait_for_text(page, "#age", r"^\d+(\.\d)? m?s$")
        wait_for_text(page, "#resolution", "^160 . 120$")
        for part in ("#latency", "#l-publish", "#l-encode", "#l-show"):
            wait_for_text(page, part, r"^\d+(\.\d)? ms$")
        wait_for_text(page, "#readers", f"^view{server.pid}")
        wait_for_text(page, "#settings", "^exposurein steps of 254.$")
        wait_for_text(page, "#stream", f"Capture process{os.getpid()}")
        assert page.title() == f"Live · {server.name}"
        assert not page.is_visible("#message")
        drawn = page.evaluate(
            "() => { const c = document.getElementById('plot');"
            " const pixels = c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer;"
            " return new Set(new Uint32Array(pixels)).size; }"
        )
        assert drawn > 10
        camera.wait_for(1)


def test_no_stream_and_back(server: ViewServer, page: "Page") -> None:
    """Without a frame the page says why and since when, and comes back by itself, whatever it was that went away."""
    wait_for_text(page, "#message-title", "No stream|Stopped")
    wait_for_text(page, "#message", "billiards-video run")
    wait_for_text(page, "#message-since", r"^Since \d\d:\d\d:\d\d \(")
    with Camera(server.name):
        page.wait_for_selector(LIVE)
        assert not page.is_visible("#message")
    page.wait_for_selector("body[data-mood=broken]")
    assert page.is_visible("#message")
    with Camera(server.name):
        page.wait_for_selector(LIVE)


def test_a_stall(server: ViewServer, page: "Page") -> None:
    """State and reason are told in words, to a screen reader as well, while the last picture stays, dimmed."""
    with Camera(server.name, status={"last_error": "select timed out"}) as camera:
        page.wait_for_selector(LIVE)
        camera.writer.set_state(State.STALLED, "the picture is frozen")
        wait_for_text(page, "#message-title", "^Stalled$")
        wait_for_text(page, "#announcement", "The picture is frozen. Select timed out.")
        assert page.locator("#announcement").get_attribute("role") == "status"
        assert "stale" in (page.get_attribute("#picture", "class") or "")
        camera.writer.set_state(State.LIVE)
        page.wait_for_selector(LIVE)
        wait_for_text(page, "#announcement", "^Live$")


def test_keyboard(server: ViewServer, page: "Page") -> None:
    """Space pauses and goes on; every control is reached with the tab key and has a name."""
    with Camera(server.name) as camera:
        page.wait_for_selector(LIVE)
        page.keyboard.press("Space")
        wait_for_text(page, "#message-title", "^Paused$")
        assert eventually(lambda: is_still(camera, lambda: brightness(page)))
        page.keyboard.press("Space")
        page.wait_for_selector("#message", state="hidden")
        names = []
        for _ in range(8):
            page.keyboard.press("Tab")
            names.append(
                page.evaluate(
                    "() => { const e = document.activeElement;"
                    " return e.closest('label')?.firstChild.textContent.trim() || e.textContent.trim()"
                    " || e.getAttribute('aria-label') || ''; }"
                )
            )
    assert names[:4] == ["Skip to the figures", "Pause", "Save", "Full screen"]
    assert names[-3:] == ["Size", "Quality", "At most"]


def test_keys_after_a_click(server: ViewServer, page: "Page") -> None:
    """A button that was clicked keeps the focus: letters go on being keys of the page, and space presses it once."""
    with Camera(server.name):
        page.wait_for_selector(LIVE)
        page.click("#pause")
        wait_for_text(page, "#message-title", "^Paused$")
        with page.expect_download():
            page.keyboard.press("s")
        page.keyboard.press("Space")
        page.wait_for_selector("#message", state="hidden")


def test_size_that_was_chosen(server: ViewServer, page: "Page") -> None:
    """A smaller picture is sent smaller."""
    with Camera(server.name, noise=(640, 360)):
        page.wait_for_selector(LIVE)
        page.select_option("select[name=width]", "320")
        page.wait_for_function("() => document.getElementById('frame').width === 320")
        wait_for_text(page, "#resolution-beside", "^shown as 320 . 180$")
        wait_for_text(page, "#resolution", "^640 . 360$")
        shown = page.evaluate("() => { const c = document.getElementById('frame'); return [c.width, c.height]; }")
        assert shown == [320, 180]


def test_a_hidden_page_costs_nothing(server: ViewServer, page: "Page") -> None:
    """In the background it wants no pictures."""
    with Camera(server.name) as camera:
        page.wait_for_selector(LIVE)
        page.evaluate(
            "() => { Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
            " document.dispatchEvent(new Event('visibilitychange')); }"
        )
        assert eventually(lambda: is_still(camera, lambda: server.metric("billiards_video_view_encode_seconds_count")))


def test_phone(browser: "Browser", server: ViewServer) -> None:
    """On a narrow screen nothing is cut off, and what is touched is large enough."""
    context = browser.new_context(
        viewport={"width": 360, "height": 740},
        device_scale_factor=2,
        is_mobile=True,
        has_touch=True,
        color_scheme="dark",
    )
    with context, Camera(server.name, status={"source": "a camera with a long name " * 4}):
        page = context.new_page()
        page.goto(server.url)
        page.wait_for_selector(LIVE)
        wait_for_text(page, "#source", "long name")
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        sizes = page.evaluate("[...document.querySelectorAll('.actions > *, select')].map(e => e.clientHeight)")
        assert min(sizes) >= 40
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 20, 18)"
        shoot(page, "phone")


@pytest.mark.parametrize("width", [390, 1280])
def test_no_word_is_broken_and_no_figure_cut(browser: "Browser", server: ViewServer, width: int) -> None:
    """The tiles have room for their figures, and the settings break between the parts of a name, not within."""
    names = ("white_balance_temperature", "exposure_dynamic_framerate", "resolution")
    settings = [{"name": name, "asked": "1920x1080", "accepted": "1920x1080", "measured": "29.97"} for name in names]
    context = browser.new_context(viewport={"width": width, "height": 900})
    with context, Camera(server.name, noise=(1920, 1080), status={"fps": 29.97, "settings": settings}):
        page = context.new_page()
        page.goto(server.url)
        page.wait_for_selector(LIVE)
        page.select_option("select[name=width]", "640")
        wait_for_text(page, "#resolution-beside", "^shown as 640 . 360$")
        shoot(page, f"figures-{width}")
        tiles = page.evaluate(
            "[...document.querySelectorAll('.headline > div')].map(e => [e.scrollWidth, e.clientWidth])"
        )
        assert [wide for wide, room in tiles if wide > room] == []
        broken = page.evaluate(
            "() => [...document.querySelectorAll('#settings td')].flatMap(cell => [...cell.childNodes])"
            ".filter(node => node.nodeType === Node.TEXT_NODE).filter(node => { const range = document.createRange();"
            " range.selectNodeContents(node); return range.getClientRects().length > 1; }).map(node => node.data)"
        )
        assert broken == []
        assert page.text_content("#settings td") == "white_balance_temperature"


def test_the_whole_picture_on_a_low_screen(browser: "Browser", server: ViewServer) -> None:
    """Where there is less height than the picture would take, as on a phone on its side, it is smaller, and not cut."""
    context = browser.new_context(viewport={"width": 740, "height": 360})
    with context, Camera(server.name):
        page = context.new_page()
        page.goto(server.url)
        page.wait_for_selector(LIVE)
        frame, picture = (
            page.evaluate("id => document.getElementById(id).getBoundingClientRect().height", name)
            for name in ("frame", "picture")
        )
        assert 0 < frame <= picture < 360
        shoot(page, "low")


def test_the_server_goes_and_comes_back(browser: "Browser", segment_name: str) -> None:
    """The page says that its server is gone, and goes on with the next one at the same address."""
    context = browser.new_context()
    with context, Camera(segment_name):
        page = context.new_page()
        with ViewServer(segment_name) as server:
            page.goto(server.url)
            page.wait_for_selector(LIVE)
            assert server.end()[0] == 0
        wait_for_text(page, "#message-title", "server is gone")
        with ViewServer(segment_name, port=server.port):
            page.wait_for_selector(LIVE)


def test_token(browser: "Browser", segment_name: str) -> None:
    """The printed address works, and is not what the page's address bar shows."""
    context = browser.new_context()
    with context, Camera(segment_name), ViewServer(segment_name, token="open & #sesame+") as server:  # noqa: S106
        page = context.new_page()
        page.goto(server.url)
        page.wait_for_selector(LIVE)
        assert page.url == f"http://127.0.0.1:{server.port}/"

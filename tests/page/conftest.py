"""A real browser, and what a person does with the page."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import address, free_port, start
from tests.page.provider import KEY

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""
SOON = 60_000  # ms
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
)

Visit = Callable[..., Page]

expect.set_options(timeout=SOON)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("no chromium on this machine: 'apt-get install chromium' brings it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@dataclass
class Served:
    """A page of its own, which a test may end."""

    url: str
    port: int
    process: subprocess.Popen[bytes]


RunPage = Callable[..., Served]


@pytest.fixture
def run_page(tmp_path: Path) -> Iterator[RunPage]:
    """Start the page on an empty house, or once more on the same one; what still runs is ended at the end."""
    running: list[subprocess.Popen[bytes]] = []

    def run(port: int = 0, **environment: str) -> Served:
        port = port or free_port()
        log = tmp_path / f"page-{len(running)}.log"
        house = {"SEEDANCE_DATA_DIR": str(tmp_path / "house"), "GRADIO_TEMP_DIR": str(tmp_path / "gradio")}
        process = start(("app.py",), log, house | {"GRADIO_SERVER_PORT": str(port)} | environment)
        running.append(process)
        return Served(address(process, log), port, process)

    yield run
    for process in running:
        process.terminate()
        process.wait(30)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Open an address as a new visitor; the test fails when the page asks anything outside for anything."""
    asked: list[str] = []
    with ExitStack() as stack:

        def open_page(url: str, width: int = 1280, **options: object) -> Page:
            context = browser.new_context(viewport={"width": width, "height": 900}, **options)  # type: ignore[arg-type]
            context.set_default_timeout(SOON)
            stack.callback(context.close)
            tab = context.new_page()
            tab.on("request", lambda request: asked.append(request.url))
            return arrive(tab, url)

        yield open_page
    outside = [url for url in asked if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))]
    assert outside == []


def arrive(tab: Page, url: str) -> Page:
    """Open the page and wait until it knows its visitor."""
    tab.goto(url)
    known(tab)
    expect(tab.locator("#tools .sd-count")).to_be_visible()
    return tab


def known(page: Page) -> None:
    """Wait until the page has found out what this browser made before: then its list stands."""
    expect(page.locator("#history :is(.sd-history, .sd-empty)")).to_be_visible()
    expect(page.locator("#history [aria-busy]")).to_have_count(0)


def add(page: Page, photos: list[Path], before: int = 0) -> None:
    """Add images, and wait until the server has looked at them: then they are numbered."""
    page.locator("#references input[type=file]").set_input_files(photos)
    numbers = page.locator("#references .grid-container .caption-label")
    expect(numbers).to_have_count(before + len(photos))


def fill(page: Page, photos: list[Path], prompt: str, duration: int, seed: int, takes: int = 1) -> None:
    if photos:
        add(page, photos)
    page.locator("#prompt textarea").fill(prompt)
    numbers = page.locator("input[type=number]")
    for n, value in enumerate((duration, takes, seed)):
        numbers.nth(n).fill(str(value))
    page.locator("#prompt textarea").click()  # leave the number, so that it counts


def give_key(page: Page, key: str = KEY) -> None:
    """Give an own key, and wait for the page to count on it."""
    page.get_by_role("button", name="More settings").click()
    page.locator("#own-key input").fill(key)
    page.locator("#own-key input").blur()
    expect(page.locator("#generate")).to_contain_text("$")


def finished(page: Page, seed: int) -> None:
    """Wait until the video of that seed is shown."""
    expect(page.locator("#caption-1 code").first).to_have_text(str(seed))
    expect(page.locator("#generate")).to_be_enabled()


def generate(page: Page, seed: int) -> None:
    page.locator("#generate").click()
    finished(page, seed)


def download(page: Page, target: Path) -> None:
    with page.expect_download() as waiting:
        page.locator("#video").get_by_label("Download").click()
    waiting.value.save_as(target)

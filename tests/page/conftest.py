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

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""
SOON = 60_000  # ms
_ARGUMENTS = (
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
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_ARGUMENTS))
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
            stack.callback(context.close)
            tab = context.new_page()
            tab.on("request", lambda request: asked.append(request.url))
            return arrive(tab, url)

        yield open_page
    outside = [url for url in asked if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))]
    assert outside == []


def arrive(tab: Page, url: str) -> Page:
    tab.goto(url)
    expect(tab.locator("#generate")).to_be_enabled(timeout=SOON)
    expect(tab.locator("#tools .sd-count")).to_be_visible(timeout=SOON)
    return tab


def fill(page: Page, photos: list[Path], prompt: str, duration: int, seed: int, takes: int = 1) -> None:
    page.locator("#references input[type=file]").set_input_files(photos)
    expect(page.locator("#references .grid-container img")).to_have_count(len(photos), timeout=SOON)
    page.locator("#prompt textarea").fill(prompt)
    numbers = page.locator("input[type=number]")
    for n, value in enumerate((duration, seed, takes)):
        numbers.nth(n).fill(str(value))
    page.locator("#prompt textarea").click()  # leave the number, so that it counts


def finished(page: Page) -> None:
    expect(page.locator("#caption-1 .sd-badge")).to_be_visible(timeout=SOON)


def generate(page: Page) -> None:
    page.locator("#generate").click()
    finished(page)


def download(page: Page, target: Path) -> None:
    with page.expect_download() as waiting:
        page.locator("#video").get_by_label("Download").click()
    waiting.value.save_as(target)

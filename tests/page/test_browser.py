"""The whole job in a real browser, as a person does it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
)
_SOON = 60_000  # ms


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("no chromium on this machine: 'apt-get install chromium' brings it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab that fails the test when the page asks anything outside for anything."""
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    yield tab
    tab.close()
    outside = [url for url in asked if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))]
    assert outside == []


def fill(page: Page, photos: list[Path], prompt: str, duration: int, seed: int) -> None:
    page.get_by_role("button", name="Generate", exact=True).wait_for()
    page.locator("#references input[type=file]").set_input_files(photos)
    expect(page.locator("#references .grid-container img")).to_have_count(len(photos))
    page.get_by_label("Prompt", exact=True).fill(prompt)
    page.get_by_label("number input for Duration").fill(str(duration))
    page.get_by_label("number input for Seed").fill(str(seed))
    page.get_by_label("Prompt", exact=True).click()  # leave the number, so that it counts


def generate(page: Page) -> None:
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page.locator("#caption .sd-badge")).to_be_visible(timeout=_SOON)


def download(page: Page, target: Path) -> None:
    with page.expect_download() as waiting:
        page.locator("#video").get_by_label("Download").click()
    waiting.value.save_as(target)


def test_images_and_a_prompt_become_a_video(
    page: Page, page_url: str, photos: list[Path], tmp_path: Path
) -> None:
    """A person drops photographs, writes a prompt, presses Generate, plays the video and downloads it."""
    page.goto(page_url)
    fill(page, photos, "From [Image 1] to [Image 3], slow push in", duration=8, seed=11)
    expect(page.get_by_label("Fixed camera")).not_to_be_checked()
    page.get_by_role("button", name="Generate", exact=True).click()

    status = page.locator("#status")
    expect(status).to_contain_text("Rendering", timeout=_SOON)
    expect(status.locator("[aria-current=step]")).to_have_text("Rendering")
    expect(status.locator(".sd-stage")).to_contain_text("%")
    expect(page.get_by_role("button", name="Generate", exact=True)).to_be_disabled()
    expect(status.locator(".sd-stage")).to_have_text("Done", timeout=_SOON)
    expect(status.locator(".sd-elapsed")).to_contain_text("s")
    expect(page.get_by_role("button", name="Generate", exact=True)).to_be_enabled()

    expect(page.locator("#caption")).to_contain_text("Preview, not the AI model")
    expect(page.locator("#caption")).to_contain_text("seed 11")
    page.wait_for_function("document.querySelector('#video video').currentTime > 0.3")

    download(page, tmp_path / "video.mp4")
    with av.open(str(tmp_path / "video.mp4")) as video:
        stream = video.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.average_rate, stream.width, stream.height) == (24, 1120, 832)
        assert sum(1 for _ in video.decode(video=0)) == 8 * 24


def test_without_a_key_the_page_says_that_it_previews(page: Page, page_url: str) -> None:
    """With no key a visible line says that this is no AI model, and how to set a key."""
    page.goto(page_url)
    notice = page.get_by_role("note")
    expect(notice).to_be_visible()
    expect(notice).to_contain_text("not made by the Seedance AI model")
    expect(notice).to_contain_text("WAVESPEED_API_KEY")


def test_an_example_loads_with_one_click(page: Page, page_url: str) -> None:
    """One click on an example fills the form: images, prompt, duration and seed."""
    page.goto(page_url)
    page.get_by_role("button", name="Tea for one").click()
    expect(page.locator("#references .grid-container img")).to_have_count(1)
    expect(page.get_by_label("number input for Duration")).to_have_value("4")
    expect(page.get_by_label("number input for Seed")).to_have_value("3")
    page.get_by_label("number input for Duration").fill("2")
    page.get_by_label("Prompt", exact=True).click()
    generate(page)


def test_bad_input_is_said_in_words(page: Page, page_url: str, photos: list[Path], tmp_path: Path) -> None:
    """A file that is no image is named, with what is allowed; the form stays as it was."""
    page.goto(page_url)
    fake = tmp_path / "letter.png"
    fake.write_text("Dear reader")
    fill(page, [photos[0], fake], "push in", duration=2, seed=1)
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page.locator("#status .sd-note")).to_contain_text("letter.png: not an image of a known kind")
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("push in")
    expect(page.get_by_role("button", name="Generate", exact=True)).to_be_enabled()


def test_with_a_key_the_same_page_speaks_to_a_wavespeed_server(
    page: Page, model_page_url: str, page_url: str, photos: list[Path], tmp_path: Path
) -> None:
    """With a key the page uploads, submits, polls and downloads over the network, to the same end."""
    files = []
    for name, url in (("here", page_url), ("there", model_page_url)):
        page.goto(url)
        fill(page, photos[:1], "push in", duration=2, seed=5)
        generate(page)
        download(page, tmp_path / f"{name}.mp4")
        files.append((tmp_path / f"{name}.mp4").read_bytes())
    assert files[0] == files[1]
    expect(page.get_by_role("note")).to_contain_text("WaveSpeedAI")

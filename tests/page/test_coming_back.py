"""Refresh, another tab, a restart of the server: the page comes back to what was asked for."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from playwright.sync_api import expect

from tests.page.conftest import RunPage, Visit, add, fill, finished, give_key
from tests.page.provider import KEY, Provider

RUNNING = {"status": "processing"}


def test_a_reload_comes_back_to_the_running_video(
    visit: Visit, page_url: str, photos: list[Path], provider: Provider
) -> None:
    """The task goes on without the page; reloaded, and in another tab, it is shown again with its form."""
    prompt = "and the page is loaded again"
    part = provider.part(prompt, results=[RUNNING])
    page = visit(page_url)
    fill(page, photos, prompt, duration=12, seed=3)
    give_key(page)
    page.locator("#generate").click()
    expect(page.locator("#status .sd-stage")).to_contain_text("Rendering")
    page.reload()
    expect(page.locator("#status .sd-stage")).to_contain_text("Rendering")
    other = page.context.new_page()
    other.goto(page_url)
    expect(other.locator("#status .sd-stage")).to_contain_text("Rendering")
    part.go.set()
    for tab in (page, other):
        expect(tab.locator("#prompt textarea")).to_have_value(prompt)
        finished(tab, 3)
        expect(tab.locator("#references .grid-container img")).to_have_count(3)


def test_a_restart_of_the_server_comes_back_to_the_video(
    visit: Visit, run_page: RunPage, photos: list[Path], provider: Provider
) -> None:
    """Stopped in order or killed, and started again: the open page finds the video by itself."""
    paid = {"WAVESPEED_API_KEY": KEY, "WAVESPEED_BASE_URL": provider.url}
    served = run_page(**paid)
    page = visit(served.url)
    for seed, end in ((5, signal.SIGTERM), (6, signal.SIGKILL)):
        prompt = f"and then comes {end.name}"
        part = provider.part(prompt, results=[RUNNING])
        if seed == 5:
            add(page, photos[:1])
        fill(page, [], prompt, duration=12, seed=seed)
        page.locator("#generate").click()
        expect(page.locator("#status .sd-stage")).to_contain_text("Rendering")
        began = time.monotonic()
        served.process.send_signal(end)
        served.process.wait(30)
        assert time.monotonic() - began < 15, "an open page held up the end"
        served = run_page(port=served.port, **paid)
        part.go.set()
        finished(page, seed)
        expect(page.locator("#prompt textarea")).to_have_value(prompt)
        assert len(part.bodies) == 1


def test_stop_says_what_it_means(visit: Visit, page_url: str, photos: list[Path], provider: Provider) -> None:
    """Waiting ends at once, in honest words, and a new video can be asked for."""
    prompt = "nobody waits for it"
    part = provider.part(prompt, results=[RUNNING])
    page = visit(page_url)
    fill(page, photos[:1], prompt, duration=12, seed=4, takes=2)
    give_key(page)
    page.locator("#generate").click()
    expect(page.locator("#status .sd-stage").last).to_contain_text("Rendering")
    page.locator("#stop").click()
    expect(page.locator("#stop")).to_be_hidden()
    expect(page.locator("#status .sd-stage")).to_have_text(
        ["Take 1 · Stopped waiting", "Take 2 · Stopped waiting"]
    )
    expect(page.locator("#status .sd-note").first).to_contain_text("charge it; then it is kept here")
    expect(page.locator("#generate")).to_be_enabled()
    part.go.set()

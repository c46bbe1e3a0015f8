"""Refresh, another tab, a restart of the server: the page comes back to what was asked for."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.page.conftest import RunPage, Visit, fill, finished

PROMPT = "a long push in"


def test_a_reload_comes_back_to_the_running_video(visit: Visit, page_url: str, photos: list[Path]) -> None:
    """The task goes on without the page; reloaded, and in another tab, it is shown again with its form."""
    page = visit(page_url)
    fill(page, photos, PROMPT, duration=12, seed=3)
    page.locator("#generate").click()
    expect(page.locator("#status .sd-stage")).to_contain_text("Rendering")
    page.reload()
    expect(page.locator("#status .sd-stage")).to_contain_text("Rendering")
    other = page.context.new_page()
    other.goto(page_url)
    for tab in (page, other):
        expect(tab.locator("#prompt textarea")).to_have_value(PROMPT)
        finished(tab)
        expect(tab.locator("#references .grid-container img")).to_have_count(3)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_restart_of_the_server_comes_back_to_the_video(
    visit: Visit, run_page: RunPage, photos: list[Path], end: signal.Signals
) -> None:
    """Killed or stopped in order and started again: the open page finds the video by itself."""
    first = run_page()
    page = visit(first.url)
    fill(page, photos, PROMPT, duration=12, seed=3)
    page.locator("#generate").click()
    expect(page.locator("#status .sd-stage")).to_contain_text("Rendering")
    os.kill(first.process.pid, end)
    first.process.wait(30)
    run_page(port=first.port)
    finished(page)
    expect(page.locator("#prompt textarea")).to_have_value(PROMPT)


def test_stop_says_what_it_means(visit: Visit, page_url: str, photos: list[Path]) -> None:
    """Waiting ends at once, in honest words, and a new video can be asked for."""
    page = visit(page_url)
    fill(page, photos, "push in", duration=12, seed=4, takes=4)
    page.locator("#generate").click()
    page.locator("#stop").click()
    expect(page.locator("#stop")).to_be_hidden()
    expect(page.locator("#status")).to_contain_text("Stopped waiting")
    expect(page.locator("#status .sd-note").first).to_contain_text("charge")
    expect(page.locator("#generate")).to_be_enabled()

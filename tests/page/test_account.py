"""Signing in, through a real browser and OpenID's own exchange, with a provider on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page.conftest import SOON, RunPage, arrive, fill, known
from tests.page.hub import Hub
from tests.page.provider import Provider

HERE, ELSEWHERE = "198.51.100.1", "198.51.100.2"
PROMPT = "limits count accounts"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as hub:
        yield hub


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """A visitor behind a Space's proxy. What Gradio's header of Spaces asks outside for is not answered."""
    context = browser.new_context(extra_http_headers={"x-forwarded-for": HERE})
    context.set_default_timeout(SOON)
    context.route(lambda address: not address.startswith("http://127.0.0.1:"), lambda it: it.abort())
    yield context.new_page()
    context.close()


def test_limits_count_who_signed_in(
    run_page: RunPage, tab: Page, hub: Hub, provider: Provider, photo: Path
) -> None:
    """Two accounts behind one address have a share each; one account on two addresses has one."""
    key = {"WAVESPEED_API_KEY": "sk-test", "WAVESPEED_BASE_URL": provider.url}
    limits = {"SEEDANCE_LIMIT_VISITOR": "1", "SEEDANCE_LIMIT_AT_ONCE": "0"}
    url = run_page(**hub.variables(), **key, **limits, GRADIO_SERVER_NAME="127.0.0.1").url
    page = arrive(tab, url)
    anna = sign_in(page, hub, "anna")
    assert made(url, photo, HERE, anna)
    fill(page, [photo], PROMPT, duration=2, seed=1)
    page.locator("#generate").click()
    expect(page.locator("#refusal .sd-stage")).to_have_text("This page's limit is reached")
    page.locator("#sign-in").click()
    expect(page.locator("#sign-in")).to_have_text("Sign in with Hugging Face")
    bert = sign_in(page, hub, "bert")
    assert made(url, photo, HERE, bert)
    assert not made(url, photo, ELSEWHERE, anna)
    assert made(url, photo, HERE)
    assert not made(url, photo, HERE)
    assert made(url, photo, ELSEWHERE, anna + "x")  # not as it was signed: nobody, at an address of its own
    assert len(provider.parts[PROMPT].bodies) == 4


def sign_in(page: Page, hub: Hub, name: str) -> str:
    """Press the button; return the cookie that tells who this is."""
    known(page)
    hub.name = name
    page.locator("#sign-in").click()
    expect(page.locator("#sign-in")).to_have_text(f"Sign out ({name})")
    known(page)
    return next(it["value"] for it in page.context.cookies() if it["name"] == "session")


def made(url: str, photo: Path, address: str, session: str = "") -> bool:
    """Ask for a video as a program does; tell whether it was made or refused for a limit."""
    headers = {"x-forwarded-for": address} | ({"cookie": f"session={session}"} if session else {})
    with httpx.Client(base_url=f"{url}/gradio_api", headers=headers, timeout=60) as http:
        (path,) = http.post("/upload", files={"files": (photo.name, photo.read_bytes())}).json()
        image = {"path": path, "meta": {"_type": "gradio.FileData"}}
        values = [image, PROMPT, 2, False, 1, None, None, None]
        event = http.post("/call/generate_video", json={"data": values}).json()["event_id"]
        told = http.get(f"/call/generate_video/{event}").text
    assert ("event: complete" in told) != ("in 24 hours" in told)
    return "event: complete" in told

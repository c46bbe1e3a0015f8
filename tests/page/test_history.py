"""The list of what this browser made."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.page.conftest import Visit, fill, generate


def make(page: Page, photos: list[Path], prompt: str, seed: int) -> None:
    fill(page, photos, prompt, duration=2, seed=seed)
    generate(page, seed)
    expect(page.locator("#history .sd-prompt").first).to_have_text(prompt)


def test_what_was_made_is_listed_shown_again_and_deleted(
    visit: Visit, page_url: str, photos: list[Path]
) -> None:
    """A card loads its video and request back; deleted, it is gone with its files."""
    page = visit(page_url)
    make(page, photos[:1], "a red fox", seed=1)
    page.locator("#references button[aria-label=Clear]").click()
    expect(page.locator("#references .grid-container img")).to_have_count(0)
    make(page, photos[1:2], "a blue boat", seed=2)
    cards = page.locator("#history article")
    expect(cards).to_have_count(2)

    page.locator("#search input, #search textarea").fill("FOX")
    expect(cards).to_have_count(1)
    cards.get_by_role("button", name="Show").click()
    expect(page.locator("#prompt textarea")).to_have_value("a red fox")
    expect(page.locator("#caption-1 code").first).to_have_text("1")
    address = page.locator("#video video").get_attribute("src")
    assert page.request.get(str(address)).status == 200

    page.on("dialog", lambda dialog: dialog.accept())
    cards.get_by_role("button", name="Delete").click()
    expect(cards).to_have_count(0)
    page.locator("#search input, #search textarea").fill("")
    expect(cards).to_have_count(1)
    expect(page.locator("#history .sd-prompt")).to_have_text("a blue boat")


def test_another_browser_sees_nothing_of_it(visit: Visit, page_url: str, photos: list[Path]) -> None:
    """Videos belong to the browser that asked for them."""
    mine = visit(page_url)
    make(mine, photos[:1], "a secret garden", seed=1)
    other = visit(page_url)
    expect(other.locator("#history .sd-empty")).to_be_visible()
    expect(other.locator("body")).not_to_contain_text("secret garden")


def test_the_request_is_shown_as_code(visit: Visit, page_url: str, photos: list[Path]) -> None:
    """Python, curl and the command line, ready to copy."""
    page = visit(page_url)
    make(page, photos[:1], "it's a fox", seed=9)
    page.get_by_role("button", name="This request as code").click()
    code = page.locator("#recipe .cm-content")
    expect(code.first).to_contain_text("seedance.generate(")
    expect(code.first).to_contain_text("seed=9")
    page.get_by_role("tab", name="Command line").click()
    expect(page.locator("#recipe .cm-content:visible")).to_contain_text("--seed 9")

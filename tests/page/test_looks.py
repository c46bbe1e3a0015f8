"""Languages, sizes, light and dark; what a screen reader is told. Screenshots go to a temporary folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.page.conftest import Visit, fill, generate

# Names that stay as they are in every language.
_NAMES = re.compile(
    r"Seedance|WaveSpeedAI|WAVESPEED_API_KEY|AI|v1|Lite|API|MCP|Python|curl|MB|JPEG|PNG|WebP|AVIF|HEIC"
    r"|[0-9a-f]{32}|photo-\d\.jpg|\bs\b"
)

# Gradio keeps words about its queue in every part of the page, wholly transparent: those nobody sees.
_SEEN = """() => {
  const words = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text; (text = texts.nextNode()); ) {
    const around = text.parentElement;
    const seen = around.checkVisibility({opacityProperty: true, visibilityProperty: true});
    if (seen && !around.closest('[lang=en]')) words.push(text.data);
  }
  return words;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 820, 1440])
def test_nothing_serious_stands_in_the_way(
    visit: Visit, page_url: str, width: int, scheme: str, tmp_path: Path
) -> None:
    """No serious or critical finding of axe, no sideways scrolling, at any size, light and dark."""
    page = visit(page_url, width=width, color_scheme=scheme)
    page.get_by_role("button", name="Tea for one").click()
    expect(page.locator("#references .grid-container img")).to_have_count(1)
    expect(page.locator("button:not([role]):has(button)")).to_have_count(0)  # mended by the page, soon
    page.screenshot(path=tmp_path / f"{width}-{scheme}.png", full_page=True)
    found = Axe().run(page).response["violations"]
    serious = {
        f"{it['id']}: {node['target']}"
        for it in found
        if it["impact"] in ("serious", "critical")
        for node in it["nodes"]
    }
    assert serious == set()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_chinese_page_speaks_chinese(
    visit: Visit, page_url: str, photos: list[Path], tmp_path: Path
) -> None:
    """Before, during and after a video no English is left over; the errors are in Chinese, too."""
    page = visit(page_url, locale="zh-CN")
    expect(page.locator("#generate")).to_contain_text("免费")
    assert english_on(page) == []
    page.locator("#prompt textarea").fill("狐狸 [图3]")
    page.locator("#generate").click()
    expect(page.locator("#refusal .sd-note").first).to_contain_text("没有发送任何内容")
    assert english_on(page) == []
    fill(page, photos[:1], "狐狸，镜头推近", duration=2, seed=1)
    generate(page, 1)
    expect(page.locator("#refusal")).to_be_empty()
    expect(page.locator("#history article")).to_have_count(1)
    expect(page.locator("#recipe")).to_be_visible()
    page.screenshot(path=tmp_path / "chinese.png", full_page=True)
    assert english_on(page) == []


def english_on(page: Page) -> list[str]:
    """What can be read on the page in English words, but for what it marks as English."""
    return re.findall(r"[A-Za-z]{2,}", _NAMES.sub(" ", "\n".join(page.evaluate(_SEEN))))

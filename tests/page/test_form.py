"""The form: what helps to write a prompt and to choose."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.page.conftest import Visit, add, fill, finished, generate


def test_chips_insert_at_the_cursor(visit: Visit, page_url: str) -> None:
    """Names of images and camera moves go where the cursor stands, spaced as a writer would."""
    page = visit(page_url)
    prompt = page.locator("#prompt textarea")
    prompt.fill("The robot")
    page.get_by_role("button", name="[Image 2]", exact=True).click()
    page.get_by_role("button", name="tilt up", exact=True).click()
    expect(prompt).to_have_value("The robot [Image 2], tilt up")
    prompt.evaluate("area => area.setSelectionRange(0, 0)")
    page.get_by_role("button", name="[Image 1]", exact=True).click()
    expect(prompt).to_have_value("[Image 1]The robot [Image 2], tilt up")
    expect(page.locator(".sd-count")).to_have_text("37 / 2000")


def test_a_flag_is_warned_of_while_writing(visit: Visit, page_url: str) -> None:
    """What upstream would read as a parameter is named before anything is sent."""
    page = visit(page_url)
    page.locator("#prompt textarea").fill("a fox --dur 9")
    expect(page.locator(".sd-warning")).to_contain_text("--dur")
    page.locator("#prompt textarea").fill("a fox")
    expect(page.locator(".sd-warning")).to_be_empty()


def test_control_enter_sends(visit: Visit, page_url: str, photos: list[Path]) -> None:
    """The keyboard alone does it."""
    page = visit(page_url)
    fill(page, photos[:1], "push in", duration=2, seed=1)
    page.locator("#prompt textarea").press("Control+Enter")
    finished(page, 1)


def test_images_are_numbered_and_reordered(visit: Visit, page_url: str, photos: list[Path]) -> None:
    """The clicked image moves, and the numbers follow the order."""
    page = visit(page_url)
    add(page, photos)
    pictures = page.locator("#references .grid-container img")
    last = pictures.nth(2).get_attribute("src")
    pictures.nth(2).click()
    page.get_by_role("button", name="Earlier").click()
    expect(pictures.nth(1)).to_have_attribute("src", str(last))
    expect(page.locator("#references .caption-label")).to_have_text(["Image 1", "Image 2", "Image 3"])


def test_takes_stand_side_by_side(visit: Visit, page_url: str, photos: list[Path]) -> None:
    """Several takes of one request differ in their seeds and are shown together."""
    page = visit(page_url)
    fill(page, photos[:1], "push in", duration=2, seed=5, takes=2)
    page.locator("#generate").click()
    expect(page.locator("#status .sd-good")).to_have_count(2)
    captions = [page.locator(f"#caption-{n} code").first for n in (1, 2)]
    expect(captions[0]).to_have_text("5")
    expect(captions[1]).not_to_have_text("5")
    boxes = [page.locator(id).bounding_box() for id in ("#video", "#video-2")]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[1]["x"] >= boxes[0]["x"] + boxes[0]["width"]


def test_the_last_frame_becomes_a_reference(visit: Visit, page_url: str, photos: list[Path]) -> None:
    """A video goes on where another ended."""
    page = visit(page_url)
    fill(page, photos[:1], "push in", duration=2, seed=5)
    generate(page, 5)
    page.get_by_role("button", name="Use last frame").click()
    expect(page.locator("#references .grid-container img")).to_have_count(2)

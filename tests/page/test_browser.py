"""The whole job in a real browser, as a person does it."""

from __future__ import annotations

from pathlib import Path

import av
from playwright.sync_api import expect

from tests.page.conftest import Visit, download, fill, generate


def test_images_and_a_prompt_become_a_video(
    visit: Visit, page_url: str, photos: list[Path], tmp_path: Path
) -> None:
    """A person drops photographs, writes a prompt, presses Generate, plays the video and downloads it."""
    page = visit(page_url)
    fill(page, photos, "From [Image 1] to [Image 3], slow push in", duration=4, seed=11)
    expect(page.get_by_label("Fixed camera")).not_to_be_checked()
    expect(page.locator("#generate")).to_have_text("Make a free preview")
    generate(page, 11)
    expect(page.locator("#status .sd-stage")).to_have_text("Done")
    expect(page.locator("#caption-1")).to_contain_text("Preview, not the AI model")
    page.wait_for_function("document.querySelector('#video video').currentTime > 0.3")

    download(page, tmp_path / "video.mp4")
    with av.open(str(tmp_path / "video.mp4")) as video:
        stream = video.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.average_rate, stream.width, stream.height) == (24, 1120, 832)
        assert sum(1 for _ in video.decode(video=0)) == 4 * 24


def test_without_a_key_the_page_says_that_it_previews(visit: Visit, page_url: str) -> None:
    """With no key a visible line says that this is no AI model, and how to set a key."""
    page = visit(page_url)
    notice = page.get_by_role("note")
    expect(notice).to_be_visible()
    expect(notice).to_contain_text("not made by the Seedance AI model")
    expect(notice).to_contain_text("WAVESPEED_API_KEY")


def test_an_example_loads_with_one_click(visit: Visit, page_url: str) -> None:
    """One click on an example fills the form: images, prompt, duration and seed."""
    page = visit(page_url)
    page.get_by_role("button", name="Tea for one").click()
    expect(page.locator("#references .grid-container img")).to_have_count(1)
    expect(page.get_by_label("number input for Duration")).to_have_value("4")
    expect(page.get_by_label("number input for Seed")).to_have_value("3")
    page.get_by_label("number input for Duration").fill("2")
    page.locator("#prompt textarea").click()
    generate(page, 3)


def test_a_bad_file_is_named_at_once(visit: Visit, page_url: str, photos: list[Path], tmp_path: Path) -> None:
    """A file that is no image is named with the reason the moment it is added; the good ones stay."""
    page = visit(page_url)
    fake = tmp_path / "letter.png"
    fake.write_text("Dear reader")
    page.locator("#references input[type=file]").set_input_files([photos[0], fake, photos[1]])
    expect(page.locator("#left-out")).to_contain_text("letter.png was left out: not an image")
    expect(page.locator("#references .caption-label")).to_have_text(["Image 1", "Image 2"])


def test_five_images_are_too_many(visit: Visit, page_url: str, photos: list[Path]) -> None:
    """The first four stay; what was left out is said."""
    page = visit(page_url)
    page.locator("#references input[type=file]").set_input_files([*photos, *photos[:2]])
    expect(page.locator("#left-out")).to_contain_text("Only the first 4 images are used")
    expect(page.locator("#references .grid-container img")).to_have_count(4)


def test_a_request_that_breaks_a_limit_is_refused_in_words(visit: Visit, page_url: str) -> None:
    """The words say what is missing; the form stays as it was and can be sent again."""
    page = visit(page_url)
    page.locator("#prompt textarea").fill("push in")
    page.locator("#generate").click()
    expect(page.locator("#refusal .sd-note")).to_contain_text("1 to 4 reference images")
    expect(page.locator("#prompt textarea")).to_have_value("push in")
    expect(page.locator("#generate")).to_be_enabled()


def test_with_a_key_the_same_page_speaks_to_a_wavespeed_server(
    visit: Visit, model_page_url: str, page_url: str, photos: list[Path], tmp_path: Path
) -> None:
    """With a key the page uploads, submits, polls and downloads over the network, to the same end."""
    files = []
    for name, url in (("here", page_url), ("there", model_page_url)):
        page = visit(url)
        fill(page, photos[:1], "push in", duration=2, seed=5)
        generate(page, 5)
        download(page, tmp_path / f"{name}.mp4")
        files.append((tmp_path / f"{name}.mp4").read_bytes())
    assert files[0] == files[1]
    expect(page.get_by_role("note")).to_contain_text("WaveSpeedAI")

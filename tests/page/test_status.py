"""What the page says while a video is in the making, and when it has gone wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from seedance.models import Event, State
from seedance.page import english
from seedance.page.language import CHINESE, ENGLISH
from seedance.page.status import status
from tests.page.conftest import Visit, fill, finished, give_key
from tests.page.provider import KEY, Provider, refusal

QUEUED, RUNNING = {"status": "created"}, {"status": "processing", "progress": 0.4}
ENDED = [key for key in english.FAULTS if key[0].isupper() and key not in ("InvalidRequest", "MissingKey")]


def test_each_stage_is_shown_until_the_video_plays(
    visit: Visit, page_url: str, photos: list[Path], provider: Provider
) -> None:
    """Queued, rendering with its share, done; the account that pays, the flags and the video's facts."""
    prompt = "each stage, one by one"
    part = provider.part(prompt, results=[QUEUED, RUNNING], end={"has_nsfw_contents": [True]})
    page = visit(page_url)
    fill(page, photos[:1], prompt, duration=5, seed=11, takes=2)
    give_key(page)
    expect(page.locator("#generate")).to_have_text("Generate · $0.36")
    expect(page.locator("#balance")).to_have_text("Balance $12.34")
    fill(page, [], prompt, duration=5, seed=11, takes=1)
    page.locator("#generate").click()

    stage = page.locator("#status .sd-stage")
    expect(stage).to_have_text("Rendering 40%")
    expect(page.locator("#status [aria-current=step]")).to_have_text("Rendering")
    expect(page.locator("#status .sd-elapsed")).to_have_text(re.compile(r"^[1-9]\d* s$"))
    expect(page.locator("#generate")).to_be_disabled()
    expect(page.locator("#stop")).to_be_visible()
    part.go.set()
    expect(stage).to_have_text("Done")
    finished(page, 11)
    expect(page.locator("#stop")).to_be_hidden()
    expect(page.locator("#caption-1")).to_contain_text("Seedance v1 Lite")
    expect(page.locator("#caption-1")).to_contain_text("Flagged as sensitive by the provider")
    expect(page.locator("#caption-1")).to_contain_text("made in 41.5 s")
    page.wait_for_function("document.querySelector('#video video').currentTime > 0.3")
    assert KEY not in page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")


def test_a_rate_limit_is_counted_down_and_then_passed(
    visit: Visit, page_url: str, photos: list[Path], provider: Provider
) -> None:
    """The page says that nothing was charged and in how many seconds it goes on; then it does."""
    prompt = "too many at once"
    provider.part(prompt, submits=[refusal(429, "2 predictions per 1 minute", **{"Retry-After": "8"})])
    page = visit(page_url)
    fill(page, photos[:1], prompt, duration=5, seed=12)
    give_key(page)
    page.locator("#generate").click()
    expect(page.locator("#status .sd-stage")).to_have_text("Too many requests for now")
    expect(page.locator("#status .sd-note").first).to_contain_text("nothing was charged")
    left = page.locator("#status [data-left]")
    expect(left).to_have_text(re.compile("^[0-6]$"))
    finished(page, 12)


def test_too_little_credit_is_said_in_words(
    visit: Visit, page_url: str, photos: list[Path], provider: Provider
) -> None:
    """What happened, that nothing was charged, what to do; and the provider's own words for who asks."""
    prompt = "more than there is"
    provider.part(prompt, submits=[refusal(400, "Insufficient credits. Please top up your credits.")])
    page = visit(page_url, locale="zh-CN")
    fill(page, photos[:1], prompt, duration=5, seed=13)
    page.get_by_role("button", name="更多设置").click()
    page.locator("#own-key input").fill(KEY)
    page.locator("#generate").click()
    expect(page.locator("#status .sd-stage")).to_have_text("账户余额不足")
    expect(page.locator("#status .sd-note").first).to_have_text("没有创建任务，也没有收费。 请充值后再试。")
    page.locator("#status summary").click()
    expect(page.locator("#status details p")).to_contain_text("Please top up your credits.")
    expect(page.locator("#generate")).to_be_enabled()


def test_a_lost_answer_leaves_two_choices(
    visit: Visit, page_url: str, photos: list[Path], provider: Provider
) -> None:
    """Look again, or send again after a warning that this may be charged twice; never by itself."""
    prompt = "lost on the way"
    part = provider.part(prompt, submits=[None, None])
    page = visit(page_url)
    fill(page, photos[:1], prompt, duration=5, seed=14)
    give_key(page)
    page.locator("#generate").click()
    stage = page.locator("#status .sd-stage")
    expect(stage).to_have_text("Nobody knows whether the request arrived")
    expect(page.locator("#status .sd-note").first).to_contain_text("It may have been charged.")

    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.get_by_role("button", name="Send again", exact=True).click()
    assert "charged a second time" in asked[0]
    assert len(part.bodies) == 1

    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Send again", exact=True).click()
    expect(stage).not_to_have_text("Nobody knows whether the request arrived")
    expect(stage).to_have_text("Nobody knows whether the request arrived")
    assert [body["seed"] for body in part.bodies] == [14, 14]

    part.listed = True
    page.get_by_role("button", name="Look again", exact=True).click()
    finished(page, 14)
    assert len(part.bodies) == 2


def event(state: State, **fields: Any) -> Event:
    return Event("v1", state, "wavespeed", 1, **fields)


@pytest.mark.parametrize("fault", ENDED)
def test_every_bad_end_says_what_it_costs(fault: str) -> None:
    """In both languages: what happened, whether anything was charged, and the program's words in English."""
    ended = event(State.FAILED, fault=fault, message="the <own> words", task_id="t1")
    for language in (ENGLISH, CHINESE):
        shown = status(language, [ended])
        assert (
            re.search("<strong>.*(charged|refunded|收费|退款|sent).*</strong>", shown)
            or fault == "LimitReached"
        )
        assert '<p lang="en">the &lt;own&gt; words</p>' in shown
        assert "sd-bar" not in shown


def test_a_preview_that_failed_cost_nothing() -> None:
    """No word of refunds where there was no money."""
    failed = Event("v1", State.FAILED, "local", 1, fault="TaskFailed", message="no", task_id="t1")
    assert "Nothing was charged." in status(ENGLISH, [failed])
    assert "refund" not in status(ENGLISH, [failed])


def test_of_several_takes_each_has_its_own_choices() -> None:
    """The button names the video that it is for; a video that is done has none."""
    lost = event(State.UNKNOWN, fault="OutcomeUnknown", message="lost")
    shown = status(ENGLISH, [event(State.DONE), lost])
    assert shown.count('data-act="send"') == shown.count('data-video="v1"') == 1
    assert "Take 2 · Nobody knows" in shown

"""What the page shows of videos in the making and of finished ones, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from seedance.models import Event, State
from seedance.page.language import Meaning, remark, say

_STEPS: Final = ("submitting", "queued", "running", "downloading", "done")
_SHARES: Final = {"new": 0.02, "submitting": 0.08, "queued": 0.12, "downloading": 0.96, "done": 1.0}
_TONES: Final = {State.FAILED: "bad", State.UNKNOWN: "bad", State.DONE: "good"}

TICK: Final = """element.setAttribute('role', 'status');
element.setAttribute('aria-atomic', 'false');
const tick = () => {
  const now = performance.now() / 1000;
  for (const line of element.querySelectorAll('[data-elapsed]')) {
    line.since ??= now - Number(line.dataset.elapsed);
    line.textContent = `${Math.round(now - line.since)} ${line.dataset.unit}`;
  }
  for (const left of element.querySelectorAll('[data-left]')) {
    left.until ??= now + Number(left.dataset.left);
    left.textContent = Math.max(0, Math.ceil(left.until - now));
  }
  // Gradio 6.31 names empty boxes without a role, and puts a button into a button.
  for (const box of document.querySelectorAll('div.empty[aria-label]:not([role])')) box.role = 'img';
  for (const outer of document.querySelectorAll('button:not([role]):has(button)')) {
    outer.role = 'group';
    outer.tabIndex = -1;
  }
};
setInterval(tick, 500);
element.addEventListener('click', event => {
  const button = event.target.closest('button[data-act]');
  if (!button || (button.dataset.sure && !confirm(button.dataset.sure))) return;
  trigger('click', {act: button.dataset.act, video: button.closest('[data-video]').dataset.video});
});"""
"""Lets time go on between two words of the server, which is not read aloud; tells which choice was made."""


def idle(language: str) -> str:
    """Return the status before anything was asked for."""
    return _panel(language, "idle", f'<span class="sd-stage">{escape(say(language, "idle"))}</span>')


def refusal(language: str, meaning: Meaning) -> str:
    """Return the status of a request that was refused before anything was sent."""
    return _panel(
        language, "bad", f'<span class="sd-stage">{escape(meaning.what)}</span>', _note(language, meaning)
    )


def status(language: str, events: Sequence[Event]) -> str:
    """Return how the takes of a request stand: for each a line, a bar and the steps."""
    return "".join(_one(language, event, n if len(events) > 1 else 0) for n, event in enumerate(events, 1))


def caption(language: str, event: Event, take: int = 0) -> str:
    """Return what stands under a finished video: which take, who made it, and how to make it again."""
    kind = "preview" if event.engine == "local" else "model"
    facts = [escape(say(language, "take", n=take))] if take else []
    facts.append(f"{say(language, 'caption_seed')} <code>{event.seed}</code>")
    if event.inference_ms:
        facts.append(say(language, "caption_made", seconds=event.inference_ms / 1000))
    if event.task_id:
        facts.append(f"{say(language, 'caption_task')} <code>{escape(event.task_id)}</code>")
    badge = f'<span class="sd-badge sd-{kind}">{escape(say(language, f"{kind}_badge"))}</span>'
    if event.nsfw:
        badge += f'<span class="sd-badge sd-flagged">{escape(say(language, "flagged"))}</span>'
    story = f'<p class="sd-story" lang="en">{escape(event.storyboard)}</p>' if event.storyboard else ""
    return f'<div class="sd-caption">{badge}<span>{" · ".join(facts)}</span>{story}</div>'


def stage(language: str, event: Event) -> str:
    """Return where a video stands, in words."""
    if event.stage == "running" and event.progress is not None:
        return f"{say(language, 'running')} {event.progress:.0%}"
    return say(language, "running_model" if event.stage == "running" else event.stage)


def _one(language: str, event: Event, take: int) -> str:
    meaning = remark(language, event)
    words = escape(meaning.what or stage(language, event))
    if take:
        words = f"{escape(say(language, 'take', n=take))} · {words}"
    unit = escape(say(language, "second"))
    ticking = "" if event.state.ended else f' data-elapsed="{event.elapsed:.1f}" data-unit="{unit}"'
    line = (
        f'<span class="sd-stage">{words}</span>'
        f'<span class="sd-elapsed" aria-live="off"{ticking}>{event.elapsed:.0f} {unit}</span>'
    )
    tone, unknown = _TONES.get(event.state, "live"), event.state is State.UNKNOWN
    if event.again is None or event.state.ended:
        more = _progress(language, event) + _note(language, meaning)
        return _panel(language, tone, line, more + (_choices(language, event.id) if unknown else ""))
    return _panel(language, tone, line, _note(language, meaning, max(0.0, event.again - event.elapsed)))


def _progress(language: str, event: Event) -> str:
    """Return the bar and the steps; nothing for what has ended badly."""
    if event.stage not in _SHARES and event.stage != "running":
        return ""
    share = _SHARES.get(event.stage, 0.0)
    if event.stage == "running":  # the engine's own progress fills the middle of the bar
        share = 0.15 + 0.8 * (0.3 if event.progress is None else event.progress)
    now = _STEPS.index(event.stage) if event.stage in _STEPS else -1
    items = []
    for n, step in enumerate(_STEPS):
        kind = "past" if n < now or event.state is State.DONE else "now" if n == now else "next"
        current = ' aria-current="step"' if kind == "now" else ""
        items.append(f'<li class="sd-{kind}"{current}>{escape(say(language, f"step_{step}"))}</li>')
    bar = f'<div class="sd-bar"><div style="width:{100 * share:.1f}%"></div></div>'
    return f'{bar}<ol class="sd-steps">{"".join(items)}</ol>'


def _note(language: str, meaning: Meaning, left: float | None = None) -> str:
    """Return what it costs and what to do, or in how many seconds it is done by itself."""
    parts = [f"<strong>{escape(meaning.money)}</strong>" if meaning.money else "", escape(meaning.advice)]
    if left is not None:
        count = f'<span class="sd-left" aria-live="off" data-left="{left:.1f}">{left:.0f}</span>'
        parts.append(escape(say(language, "left")).format(left=count))
    words = " ".join(filter(None, parts))
    note = f'<p class="sd-note">{words}</p>' if words else ""
    if meaning.own_words:
        summary = f"<summary>{escape(say(language, 'details'))}</summary>"
        note += f'<details class="sd-note">{summary}<p lang="en">{escape(meaning.own_words)}</p></details>'
    return note


def _choices(language: str, id: str) -> str:
    """Return what can be done where nobody knows whether a request arrived."""
    look, send = escape(say(language, "look_again")), escape(say(language, "send_again"))
    sure = escape(say(language, "send_again_sure"))
    return (
        f'<p class="sd-choices" data-video="{id}"><button type="button" data-act="look">{look}</button>'
        f'<button type="button" data-act="send" data-sure="{sure}">{send}</button></p>'
    )


def _panel(language: str, tone: str, line: str, more: str = "") -> str:
    return f'<div class="sd-status sd-{tone}" lang="{language}"><div class="sd-line">{line}</div>{more}</div>'

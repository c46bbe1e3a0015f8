"""What the page shows of videos in the making and of finished ones, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from seedance.models import Event, State
from seedance.page.language import remark, say

_STEPS: Final = ("submitting", "queued", "running", "downloading", "done")
_SHARES: Final = {"new": 0.02, "submitting": 0.08, "queued": 0.12, "downloading": 0.96, "done": 1.0}
_TONES: Final = {State.FAILED: "bad", State.UNKNOWN: "bad", State.DONE: "good"}

TICK: Final = """const tick = () => {
  for (const line of element.querySelectorAll('[data-elapsed]')) {
    line.since ??= performance.now() - 1000 * Number(line.dataset.elapsed);
    line.textContent = Math.round((performance.now() - line.since) / 1000) + ' s';
  }
  // Gradio 6.31 names empty boxes without a role, and puts a button into a button.
  for (const box of document.querySelectorAll('div.empty[aria-label]:not([role])')) box.role = 'img';
  for (const outer of document.querySelectorAll('button:not([role]):has(button)')) {
    outer.role = 'group';
    outer.tabIndex = -1;
  }
};
setInterval(tick, 500);"""
"""Lets the elapsed time of what is in the making go on between two words of the server."""


def idle(language: str) -> str:
    """Return the status before anything was asked for."""
    return _panel("idle", f'<span class="sd-stage">{escape(say(language, "idle"))}</span>', "", ("", ""))


def refusal(language: str, message: tuple[str, str]) -> str:
    """Return the status of a request that was refused before anything was sent."""
    line = f'<span class="sd-stage">{escape(say(language, "failed"))}</span>'
    return _panel("bad", line, "", message, said=language)


def status(language: str, events: Sequence[Event]) -> str:
    """Return how the takes of a request stand: for each a line, a bar and the steps."""
    return "".join(_one(language, event, n if len(events) > 1 else 0) for n, event in enumerate(events, 1))


def caption(language: str, event: Event) -> str:
    """Return what stands under a finished video: who made it, and how to make it again."""
    kind = "preview" if event.engine == "local" else "model"
    facts = [f"{say(language, 'caption_seed')} <code>{event.seed}</code>"]
    if event.inference_ms:
        facts.append(say(language, "caption_made", seconds=event.inference_ms / 1000))
    if event.task_id:
        facts.append(f"{say(language, 'caption_task')} <code>{escape(event.task_id)}</code>")
    badge = f'<span class="sd-badge sd-{kind}">{escape(say(language, f"{kind}_badge"))}</span>'
    story = f'<p class="sd-story" lang="en">{escape(event.storyboard)}</p>' if event.storyboard else ""
    return f'<div class="sd-caption">{badge}<span>{" · ".join(facts)}</span>{story}</div>'


def stage(language: str, event: Event) -> str:
    """Return where a video stands, in words."""
    if event.stage == "running" and event.progress is not None:
        return f"{say(language, 'running')} {event.progress:.0%}"
    return say(language, "running_model" if event.stage == "running" else event.stage)


def _one(language: str, event: Event, take: int) -> str:
    words = escape(stage(language, event))
    if take:
        words = f"{escape(say(language, 'take', n=take))} · {words}"
    ticking = "" if event.state.ended else f' data-elapsed="{event.elapsed:.1f}"'
    line = (
        f'<span class="sd-stage">{words}</span><span class="sd-elapsed"{ticking}>{event.elapsed:.0f} s</span>'
    )
    tone = _TONES.get(event.state, "live")
    return _panel(tone, line, _progress(language, event), remark(language, event), said=language)


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


def _panel(tone: str, line: str, progress: str, message: tuple[str, str], said: str = "") -> str:
    meaning, own_words = map(escape, message)
    note = f'<p class="sd-note">{meaning}</p>' if meaning else ""
    if own_words:
        summary = f"<summary>{say(said, 'details')}</summary>"
        note += f'<details class="sd-note">{summary}<p lang="en">{own_words}</p></details>'
    return (
        f'<div class="sd-status sd-{tone}" role="status" aria-live="polite">'
        f'<div class="sd-line">{line}</div>{progress}{note}</div>'
    )

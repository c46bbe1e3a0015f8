"""What the page says."""

from __future__ import annotations

from html import escape
from typing import Final

from seedance.models import Event, State

TITLE: Final = "Seedance reference-to-video"
TAGLINE: Final = "Give 1 to 4 reference images, say what happens, get a video."

PREVIEW_NOTICE: Final = (
    "<strong>Preview engine.</strong> Videos made here are storyboards in motion, rendered on this machine "
    "for free. They are not made by the Seedance AI model. To use the model, set "
    "<code>WAVESPEED_API_KEY</code> and restart."
)
MODEL_NOTICE: Final = (
    "<strong>Seedance v1 Lite</strong> on WaveSpeedAI. Each video is charged to the account behind this page."
)

PROMPT_HINT: Final = "The robot in [Image 1] walks up to the lighthouse in [Image 2], slow push in"


STEPS: Final = (
    ("submitting", "Sent"),
    ("queued", "Queued"),
    ("running", "Rendering"),
    ("downloading", "Saving"),
    ("done", "Done"),
)
STAGES: Final = {
    "new": "Preparing the images",
    "submitting": "Sending the request",
    "queued": "Queued",
    "running": "Rendering",
    "downloading": "Saving the video",
    "done": "Done",
    "failed": "No video was made",
    "unknown": "The outcome is unknown",
    "stopped": "Stopped waiting",
}
IDLE: Final = "Ready when you are."


def masthead(preview: bool) -> str:
    """Return the page's title and which engine stands behind it."""
    kind, notice = ("preview", PREVIEW_NOTICE) if preview else ("model", MODEL_NOTICE)
    return (
        f'<header class="sd-masthead"><h1>{TITLE}</h1><p>{TAGLINE}</p></header>'
        f'<p class="sd-notice sd-{kind}" role="note">{notice}</p>'
    )


def idle() -> str:
    """Return the status before anything was asked for."""
    return _panel("idle", escape(IDLE), "", "", 0.0, "")


def status(event: Event) -> str:
    """Return a video's status as HTML: one line, a bar and the steps."""
    line = escape(STAGES[event.stage])
    if event.stage == "running" and event.progress is not None:
        line += f" {event.progress:.0%}"
    elapsed = f"{event.elapsed:.0f} s"
    tone = "bad" if event.state in (State.FAILED, State.UNKNOWN) else "live"
    if event.state is State.DONE:
        tone = "good"
    return _panel(tone, line, elapsed, _steps(event), _share(event), escape(event.message))


def refusal(message: str) -> str:
    """Return the status of a request that was refused before anything was sent."""
    return _panel("bad", escape(STAGES["failed"]), "", "", 0.0, escape(message))


def caption(event: Event) -> str:
    """Return what stands under a finished video: who made it, and how to make it again."""
    if event.engine == "local":
        made_by = '<span class="sd-badge sd-preview">Preview, not the AI model</span>'
    else:
        made_by = '<span class="sd-badge sd-model">Seedance v1 Lite</span>'
    facts = [f"seed <code>{event.seed}</code>"]
    if event.inference_ms:
        facts.append(f"made in {event.inference_ms / 1000:.1f} s")
    if event.task_id:
        facts.append(f"task <code>{escape(event.task_id)}</code>")
    return f'<div class="sd-caption">{made_by}<span>{" · ".join(facts)}</span></div>'


def _share(event: Event) -> float:
    """Return how far the bar reaches, 0 to 1. The engine's own progress fills the middle part."""
    marks = {"new": 0.02, "submitting": 0.08, "queued": 0.12, "downloading": 0.96, "done": 1.0}
    if event.stage == "running":
        return 0.15 + 0.8 * (event.progress if event.progress is not None else 0.3)
    return marks.get(event.stage, 0.0)


def _steps(event: Event) -> str:
    if event.stage not in dict(STEPS) and event.stage != "new":
        return ""
    names = [name for name, _ in STEPS]
    now = names.index(event.stage) if event.stage in names else -1
    items = []
    for n, (_, word) in enumerate(STEPS):
        reached = n < now or event.state is State.DONE
        kind = "past" if reached else "now" if n == now else "next"
        current = ' aria-current="step"' if kind == "now" else ""
        items.append(f'<li class="sd-{kind}"{current}>{escape(word)}</li>')
    return f'<ol class="sd-steps">{"".join(items)}</ol>'


def _panel(tone: str, line: str, elapsed: str, steps: str, share: float, message: str) -> str:
    bar = f'<div class="sd-bar"><div style="width:{100 * share:.1f}%"></div></div>' if steps else ""
    note = f'<p class="sd-note">{message}</p>' if message else ""
    return (
        f'<div class="sd-status sd-{tone}" role="status" aria-live="polite">'
        f'<div class="sd-line"><span class="sd-stage">{line}</span>'
        f'<span class="sd-elapsed">{elapsed}</span></div>'
        f"{bar}{steps}{note}</div>"
    )

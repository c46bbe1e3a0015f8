"""The videos of one browser, newest first, as cards."""

from __future__ import annotations

import base64
import functools
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Final

from PIL import Image

from seedance.models import State
from seedance.page.language import say
from seedance.record import Record

_THUMBNAIL: Final = (240, 240)
_TONES: Final = {State.FAILED: "bad", State.UNKNOWN: "bad", State.DONE: "good"}

ON_CLICK: Final = """element.addEventListener('click', event => {
  const button = event.target.closest('button[data-act]');
  if (!button) return;
  if (button.dataset.sure && !confirm(button.dataset.sure)) return;
  trigger('click', {act: button.dataset.act, video: button.closest('[data-video]').dataset.video});
});
const local = () => { for (const time of element.querySelectorAll('time:not([data-local])')) {
  time.dataset.local = '1';
  const style = {dateStyle: 'medium', timeStyle: 'short'};
  time.textContent = new Date(time.dateTime).toLocaleString(undefined, style);
} };
new MutationObserver(local).observe(element, {childList: true, subtree: true});
local();"""
"""Tells the page which card's button was clicked, and shows times as the visitor's clock has them."""


def unknown(language: str) -> str:
    """Return the list before it is known what this browser made."""
    return f'<p class="sd-empty" aria-busy="true">{escape(say(language, "history_unknown"))}</p>'


def cards(language: str, records: Sequence[Record], images: Path, *, searched: bool = False) -> str:
    """Return the list; `images` is the folder of reference images, for the thumbnails."""
    if not records:
        words = say(language, "history_none" if searched else "history_empty")
        return f'<p class="sd-empty">{escape(words)}</p>'
    return f'<div class="sd-history">{"".join(_card(language, record, images) for record in records)}</div>'


def _card(language: str, record: Record, images: Path) -> str:
    first = images / f"{record.images[0]['sha256']}.jpg"
    moment = datetime.fromtimestamp(record.created_at, UTC)
    sure, word = escape(say(language, "delete_sure")), escape(say(language, "delete"))
    delete = f'<button type="button" data-act="delete" data-sure="{sure}">{word}</button>'
    if record.finished_at is None:  # what may still be charged is not forgotten
        delete = ""
    return (
        f'<article data-video="{record.id}"><img src="{_thumbnail(first)}" alt="">'
        f'<div><p class="sd-prompt">{escape(record.prompt)}</p>'
        f'<p class="sd-facts"><span class="sd-{_TONES.get(record.state, "live")}">'
        f"{escape(say(language, record.state.value))}</span> · "
        f"{escape(say(language, 'caption_seed'))} {record.seed} · "
        f'<time datetime="{moment:%Y-%m-%dT%H:%M:%SZ}">{moment:%Y-%m-%d %H:%M} UTC</time></p>'
        f'<p><button type="button" data-act="show">{escape(say(language, "show"))}</button>{delete}</p>'
        "</div></article>"
    )


@functools.lru_cache(maxsize=256)
def _thumbnail(path: Path) -> str:
    """Return a small copy of an image as a data URI: the page needs no further request for it."""
    try:
        with Image.open(path) as image:
            image.draft("RGB", _THUMBNAIL)
            image.thumbnail(_THUMBNAIL)
            buffer = io.BytesIO()
            image.save(buffer, "WEBP", quality=70)
    except OSError:
        return "data:,"
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()

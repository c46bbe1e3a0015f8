"""The parts of the page that do not change: the title, and the help beside the prompt. As HTML."""

from __future__ import annotations

from html import escape
from typing import Final

from seedance.models import MAX_IMAGES, MAX_PROMPT
from seedance.page.language import CHINESE, say

TOOLS: Final = """const box = () => document.querySelector('#prompt textarea');
const write = (area, text) => {
  const set = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set;
  set.call(area, text);
  area.dispatchEvent(new Event('input', {bubbles: true}));
};
element.addEventListener('click', event => {
  const chip = event.target.closest('button[data-insert]'), area = box();
  if (!chip || !area) return;
  const [from, to, word] = [area.selectionStart, area.selectionEnd, chip.dataset.insert];
  const before = area.value.slice(0, from), after = area.value.slice(to);
  const listed = 'move' in chip.dataset && !/[,，、]$/.test(before);
  const gap = before && !/\\s$/.test(before) ? (listed ? ', ' : ' ') : '';
  write(area, before + gap + word + after);
  area.focus();
  area.selectionStart = area.selectionEnd = (before + gap + word).length;
});
const tell = () => {
  const area = box(), [count, warning] = ['.sd-count', '.sd-warning'].map(it => element.querySelector(it));
  if (!area || !count || count.told === area.value) return;
  count.told = area.value;
  count.textContent = area.value.length + ' / ' + count.dataset.most;
  const flag = /(?:^|\\s)(--[a-z_]+)/i.exec(area.value);
  warning.textContent = flag ? warning.dataset.words.replace('{flag}', flag[1]) : '';
};
setInterval(tell, 300);
document.addEventListener('keydown', event => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && event.target === box()) {
    event.preventDefault();
    setTimeout(() => document.querySelector('#generate').click(), 120);
  }
});"""
"""Inserts words where the cursor is, counts, warns of flags, and sends by Ctrl+Enter or Cmd+Enter."""


def masthead(language: str, *, preview: bool) -> str:
    """Return the page's title and which engine stands behind it."""
    kind = "preview" if preview else "model"
    return (
        f'<header class="sd-masthead"><h1>{escape(say(language, "title"))}</h1>'
        f"<p>{escape(say(language, 'tagline'))}</p></header>"
        f'<p class="sd-notice sd-{kind}" role="note">{say(language, f"{kind}_notice")}</p>'
    )


def tools(language: str) -> str:
    """Return buttons that insert image names and camera moves, the counter and the place for a warning."""
    tag = "图{}" if language == CHINESE else "Image {}"
    names = [f"[{tag.format(n)}]" for n in range(1, MAX_IMAGES + 1)]
    chips = [_chip(name, "") for name in names]
    chips += [_chip(move, " data-move") for move in say(language, "moves").split("|")]
    return (
        f'<div class="sd-tools" role="group" aria-label="{escape(say(language, "insert"))}">{"".join(chips)}'
        f'<span class="sd-count" data-most="{MAX_PROMPT}">0 / {MAX_PROMPT}</span></div>'
        f'<p class="sd-warning" role="alert" data-words="{escape(say(language, "flags"))}"></p>'
    )


def _chip(word: str, kind: str) -> str:
    return f'<button type="button"{kind} data-insert="{escape(word)}">{escape(word)}</button>'

"""The page's languages: its parts follow the browser by themselves, what handlers say follows its header."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import gradio as gr

from seedance.errors import InvalidImage, InvalidRequest, LimitReached, SeedanceError
from seedance.models import Event, State
from seedance.page import chinese, english

ENGLISH: Final = "en"
CHINESE: Final = "zh-CN"
_TEXTS: Final = {ENGLISH: english.TEXTS, CHINESE: chinese.TEXTS}

LANGUAGES: Final = (ENGLISH, CHINESE)


def translation(**parts: Callable[[str], str]) -> gr.I18n:
    """Return Gradio's own translation, by which the layout follows the browser: all texts, and these."""
    made = {name: {key: part(name) for key, part in parts.items()} for name in LANGUAGES}
    return gr.I18n(**{name: _TEXTS[name] | made[name] for name in LANGUAGES})


def language(request: gr.Request) -> str:
    """Return the language that Gradio shows this browser its own parts in."""
    first = request.headers.get("accept-language", "").partition(",")[0].partition(";")[0].strip()
    return CHINESE if first.lower() == "zh-cn" else ENGLISH


def say(language: str, key: str, **values: object) -> str:
    """Return a text, its gaps filled."""
    text = _TEXTS[language][key]
    return text.format(**values) if values else text


def explain(language: str, error: SeedanceError) -> tuple[str, str]:
    """Return what an error means for a person, and its own words where those are in another language."""
    if language == ENGLISH:
        return str(error), ""
    key = type(error).__name__
    if isinstance(error, InvalidRequest) and not isinstance(error, InvalidImage):
        key = error.field if error.field in chinese.FAULTS else key
    name, limit = getattr(error, "name", ""), error.limit if isinstance(error, LimitReached) else ""
    return chinese.FAULTS.get(key, chinese.FAULTS["other"]).format(name=name, limit=limit), str(error)


def remark(language: str, event: Event) -> tuple[str, str]:
    """Return what an event's message means for a person, and its own words as `explain` does."""
    if language == ENGLISH or not event.message:
        return event.message, ""
    key = event.fault or "waiting"
    if event.state is State.STOPPED:
        key = "stopped" if event.task_id else "stopped_early"
    return chinese.FAULTS.get(key, chinese.FAULTS["waiting"]).format(name="", limit=""), event.message

"""The page's languages: its parts follow the browser by themselves, what handlers say follows its header."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import gradio as gr

from seedance.errors import InvalidImage, InvalidRequest, LimitReached, SeedanceError
from seedance.models import Event, State
from seedance.page import chinese, english

ENGLISH: Final = "en"
CHINESE: Final = "zh-CN"
_TEXTS: Final = {ENGLISH: english.TEXTS, CHINESE: chinese.TEXTS}
_FAULTS: Final = {ENGLISH: english.FAULTS, CHINESE: chinese.FAULTS}

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


def reason(language: str, error: InvalidImage) -> str:
    """Return why an image cannot be used; where nobody has put that into Chinese, what is allowed."""
    if language == ENGLISH:
        return error.reason
    for pattern, words in _REASONS:
        if found := pattern.fullmatch(error.reason):
            return words.format(**found.groupdict())
    return _FAULTS[language]["InvalidImage"][2]


def _pattern(text: str) -> re.Pattern[str]:
    """Return what finds a text with its gaps filled."""
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(text)))


_REASONS: Final = [(_pattern(text), words) for text, words in chinese.REASONS.items()]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an error or a remark means for a person."""

    what: str = ""
    """What happened, in a few words."""
    money: str = ""
    """Whether anything was charged."""
    advice: str = ""
    """What to do."""
    own_words: str = ""
    """The program's own, in English, where they tell more."""


def explain(language: str, error: SeedanceError) -> Meaning:
    """Return what an error means, raised before anything was sent."""
    key, words = type(error).__name__, str(error)
    if isinstance(error, InvalidRequest) and error.field in _FAULTS[language] and key == "InvalidRequest":
        key = error.field
    name, limit = getattr(error, "name", ""), error.limit if isinstance(error, LimitReached) else ""
    meaning = _meaning(language, key, words, name=name, limit=limit)
    if language == ENGLISH and isinstance(error, InvalidRequest | LimitReached):  # they say what is allowed
        return replace(meaning, advice=words, own_words="")
    if isinstance(error, InvalidImage):
        return replace(meaning, advice=reason(language, error))
    return meaning


def remark(language: str, event: Event) -> Meaning:
    """Return what there is to say of a video that waits, was stopped, or has ended badly."""
    if event.state is State.STOPPED:
        return _meaning(language, "stopped" if event.task_id else "stopped_early", "")
    if event.state.ended and event.message:
        meaning = _meaning(language, event.fault or "other", event.message)
        return replace(meaning, money=say(language, "free")) if event.engine == "local" else meaning
    if event.message and event.again is not None and event.fault:
        return replace(_meaning(language, event.fault, event.message), advice="")
    if event.message and language == ENGLISH:
        return Meaning(advice=event.message)
    return _meaning(language, "waiting", event.message) if event.message else Meaning()


def _meaning(language: str, key: str, own_words: str, **values: object) -> Meaning:
    what, money, advice = _FAULTS[language].get(key, _FAULTS[language]["other"])
    what = what.format(**values) if values else what
    return Meaning(what, say(language, money) if money else "", advice, own_words)

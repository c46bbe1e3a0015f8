"""Prompt hygiene and the [Image n] tags that tie a prompt to its reference images."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from seedance.errors import InvalidRequest

# Upstream's text commands, https://docs.byteplus.com: read inside a prompt they would override the request.
_FLAGS: Final = re.compile(
    r"(?<!\S)--(?:rs|resolution|rt|ratio|dur|duration|frames|fps|framespersecond|wm|watermark|seed"
    r"|cf|camerafixed|camera_fixed)(?=\s|=|$)",
    re.IGNORECASE,
)
_TAG: Final = re.compile(r"\[\s*(?:image|图)\s*(\d{1,9})\s*\]", re.IGNORECASE)
# Invisible direction overrides make a prompt read otherwise than it is sent. Joiners stay, for emoji.
_BIDI: Final = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def clean(prompt: str, images: int) -> str:
    """Return the prompt fit to send along with that number of reference images.

    Control characters, lone surrogates and invisible direction overrides go, spaces at the ends too.

    Raises:
        InvalidRequest: it holds a `--flag` that upstream reads as a parameter, or mentions an
            `[Image n]` that was not given.
    """
    if not isinstance(prompt, str):
        raise InvalidRequest("prompt", "prompt: a text is needed.")
    text = "".join(_visible(c) for c in unicodedata.normalize("NFC", prompt) if c not in _BIDI).strip()
    if flag := _FLAGS.search(text):
        raise InvalidRequest(
            "prompt",
            f"prompt: the model reads “{flag.group()}” as a parameter, not as words. Take it out and use the "
            "settings instead.",
        )
    for n in mentions(text):
        if not 1 <= n <= images:
            given = "1 image is" if images == 1 else f"{images} images are"
            raise InvalidRequest("prompt", f"prompt: it mentions [Image {n}], but {given} given.")
    return text


def mentions(prompt: str) -> tuple[int, ...]:
    """Return the numbers n of the `[Image n]` tags (or upstream's `[图n]`), each once, in order."""
    return tuple(dict.fromkeys(int(n) for n in _TAG.findall(prompt)))


def _visible(character: str) -> str:
    if character == "\n":
        return character
    return " " if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") else character

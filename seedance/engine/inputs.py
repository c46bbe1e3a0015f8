"""What a submit asks for, read from its JSON. Decisions only; no I/O."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from starlette.exceptions import HTTPException

from seedance import models
from seedance.engine.catalog import MAX_URLS, Kind, is_strict, kind_of
from seedance.errors import InvalidRequest

MODERATED: Final = "seedance:moderate"
"""The word in a prompt that makes its task fail with the code of content moderation."""
_ONE: Final = ("image", "last_image")
_MANY: Final = ("reference_images", "images")
_FLAGS: Final = ("enable_sync_mode", "enable_base64_output")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A submit that can be accepted."""

    kind: Kind
    input: dict[str, Any]
    """The request as it came, with its defaults. A seed of -1 stays one: no answer tells what was drawn."""
    urls: tuple[str, ...]
    """Addresses of the images to use, in order."""
    sync: bool
    webhooks: tuple[str, ...]
    """Where its end is to be told: the query's goes before the body's."""


def read_input(model: str, body: dict[str, Any], webhook: str | None = None) -> Wanted:
    """Read the request to a model. `webhook` is the one of the query.

    Raises:
        HTTPException: 400, with the provider's message, naming the first bad field.
    """
    kind = kind_of(model)
    if kind is None:
        raise HTTPException(400, "model not found")
    for flag in _FLAGS:
        if not isinstance(body.get(flag, False), bool):
            raise HTTPException(400, f'field "{flag}" must be true or false')
    hooks = [] if webhook is None else [webhook]
    if "webhook_url" in body:
        hooks.append(_url("webhook_url", body["webhook_url"]))
    input, urls = _strict(body) if is_strict(model) else _tolerant(body)
    return Wanted(kind, {**body, **input}, tuple(urls), body.get("enable_sync_mode", False), tuple(hooks))


def fails_on_purpose(input: dict[str, Any], share: float) -> bool:
    """Tell whether a request is among the share, 0 to 1, that fails: for a chosen seed always the same."""
    if input["seed"] == models.RANDOM_SEED:
        return random.random() < share
    told = json.dumps(input, sort_keys=True).encode()
    return int.from_bytes(hashlib.sha256(told).digest()[:8]) < share * 2**64


def _strict(body: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Check by the same limits as the client's."""
    prompt, seed = body.get("prompt"), body.get("seed")
    if not isinstance(prompt, str) or not prompt.strip():
        raise HTTPException(400, 'field "prompt" is required and must not be empty')
    urls = _list("reference_images", body.get("reference_images"))
    try:
        wanted = models.Request(
            prompt,
            tuple(Path(url) for url in urls),
            body.get("duration", models.DEFAULT_DURATION),
            body.get("camera_fixed", False),
            models.RANDOM_SEED if seed is None else seed,
        )
    except InvalidRequest as error:
        field = "reference_images" if error.field == "images" else error.field
        raise HTTPException(400, f'field "{field}": {str(error).partition(": ")[2]}') from error
    seed = models.RANDOM_SEED if seed in (None, models.RANDOM_SEED) else wanted.seed
    values = {"duration": wanted.duration, "camera_fixed": wanted.camera_fixed, "seed": seed}
    return {"prompt": prompt, "reference_images": urls, **values}, urls


def _tolerant(body: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Read the request of another model: its text and images are checked, the rest is taken as it can be."""
    given = [name for name in ("prompt", "image", *_MANY) if name in body]
    prompt = body.get("prompt", "")
    if not isinstance(prompt, str) or (not prompt.strip() and ("prompt" in body or not given)):
        raise HTTPException(400, 'field "prompt" is required and must not be empty')
    if len(prompt) > models.MAX_PROMPT:
        limit = f"{len(prompt)} characters; at most {models.MAX_PROMPT} are allowed."
        raise HTTPException(400, f'field "prompt": {limit}')
    urls = [url for name in _MANY if name in body for url in _many(name, body[name])]
    for name in _ONE:
        if name in body:
            urls.insert(len(urls) if name == "last_image" else 0, _url(name, body[name]))
    seed = _whole(body.get("seed"), models.RANDOM_SEED, models.RANDOM_SEED, models.MAX_SEED)
    duration = _whole(body.get("duration"), models.DEFAULT_DURATION, models.MIN_DURATION, models.MAX_DURATION)
    camera_fixed = body.get("camera_fixed") is True
    used = [*urls[: models.MAX_IMAGES - 1], urls[-1]] if len(urls) > models.MAX_IMAGES else urls
    return {"prompt": prompt, "duration": duration, "camera_fixed": camera_fixed, "seed": seed}, used


def _list(name: str, value: object) -> list[str]:
    if not isinstance(value, list) or not value:
        raise HTTPException(400, f'field "{name}" is required and must not be empty')
    return [_url(name, url, "must be a list of URLs") for url in value]


def _many(name: str, value: object) -> list[str]:
    """Read the images of another model, which may be more than are used."""
    urls = _list(name, value)
    if len(urls) > MAX_URLS:
        raise HTTPException(400, f'field "{name}": {len(urls)} given; at most {MAX_URLS} are allowed.')
    return urls


def _url(name: str, value: object, rule: str = "must be a URL") -> str:
    if not isinstance(value, str):
        raise HTTPException(400, f'field "{name}" {rule}')
    return value


def _whole(value: object, default: int, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return default
    return round(min(max(value, low), high))

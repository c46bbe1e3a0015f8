"""Which model ids the engine takes, what it makes of them, and what that costs: nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from seedance.engine.contract import account_of, answer, read_fields, read_json
from seedance.models import (
    DEFAULT_DURATION,
    DEFAULT_MODEL,
    MAX_DURATION,
    MAX_IMAGES,
    MAX_PROMPT,
    MAX_SEED,
    MIN_DURATION,
    RANDOM_SEED,
)

Kind = Literal["video", "image"]
MAX_URLS: Final = 10
"""Images that another model's request may name. The first four are used."""
SEGMENT: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}"
"""One part of a model id, as a pattern."""
MODEL_ID: Final = rf"{SEGMENT}(/{SEGMENT}){{1,4}}"
BALANCE: Final = 100.0  # USD of play money: it never shrinks
CURRENCY: Final = "USD"
_ID: Final = re.compile(MODEL_ID)
_STRICT: Final = re.compile(r"bytedance/seedance[^/]*/reference-to-video")
_ABOUT_VIDEO: Final = re.compile(r"video|seedance|(?<![a-z0-9])[a-z]{1,3}2v(?![a-z0-9])", re.IGNORECASE)

_URL: Final = {"type": "string", "format": "uri", "description": "A public URL, or one of your uploads"}
_PROMPT: Final = {"type": "string", "pattern": r"\S", "maxLength": MAX_PROMPT}
_FLAGS: Final = {
    "enable_sync_mode": {
        "type": "boolean",
        "default": False,
        "description": "Answer when the task has ended. If that takes too long: status processing, code 5004",
    },
    "enable_base64_output": {
        "type": "boolean",
        "default": False,
        "description": "Give outputs as data URIs, not as URLs",
    },
    "webhook_url": {**_URL, "description": "Where the ended task is told; as the query parameter `webhook`"},
}

REFERENCE_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["prompt", "reference_images"],
    "properties": {
        "prompt": _PROMPT,
        "reference_images": {"type": "array", "items": _URL, "minItems": 1, "maxItems": MAX_IMAGES},
        "duration": {
            "type": "integer",
            "minimum": MIN_DURATION,
            "maximum": MAX_DURATION,
            "default": DEFAULT_DURATION,
        },
        "camera_fixed": {"type": "boolean", "default": False},
        "seed": {
            "type": ["integer", "null"],
            "minimum": RANDOM_SEED,
            "maximum": MAX_SEED,
            "default": RANDOM_SEED,
        },
        **_FLAGS,
    },
}
_URLS: Final = {"type": "array", "items": _URL, "minItems": 1, "maxItems": MAX_URLS}
ANY_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "anyOf": [{"required": [name]} for name in ("prompt", "image", "images", "reference_images")],
    "properties": {
        "prompt": _PROMPT,
        "image": _URL,
        "images": _URLS,
        "reference_images": _URLS,
        "last_image": _URL,
        "duration": {"description": "Seconds; what is no whole number from 2 to 12 is taken as the nearest"},
        "camera_fixed": {"description": "true keeps the camera still"},
        "seed": {"description": "A whole number repeats a result"},
        **_FLAGS,
    },
}


@dataclass(frozen=True, slots=True)
class Offer:
    """One model of the list. Every other well-formed id is taken as well."""

    id: str
    type: str
    schema: dict[str, Any]


OFFERS: Final = (
    Offer(DEFAULT_MODEL, "reference-to-video", REFERENCE_SCHEMA),
    Offer("bytedance/seedance-v1-lite/image-to-video", "image-to-video", ANY_SCHEMA),
    Offer("bytedance/seedance-v1-lite/text-to-video", "text-to-video", ANY_SCHEMA),
    Offer("wavespeed-ai/z-image/turbo", "text-to-image", ANY_SCHEMA),
)


def kind_of(model: str) -> Kind | None:
    """Return what a model id asks for, or None where it is no model id."""
    if not _ID.fullmatch(model):
        return None
    return "video" if _ABOUT_VIDEO.search(model) else "image"


def is_strict(model: str) -> bool:
    """Tell whether a model's request is checked field by field: Seedance's reference-to-video is."""
    return _STRICT.fullmatch(model) is not None


class PriceBody(BaseModel):
    """What is to be priced."""

    model_config = ConfigDict(extra="ignore", strict=True)

    model_id: str
    inputs: dict[str, Any] = {}


async def models(request: Request) -> Response:
    """List the models."""
    account_of(request)
    return answer(
        [
            {
                "model_id": offer.id,
                "name": offer.id,
                "type": offer.type,
                "base_price": 0.0,
                "formula": "0",
                "api_schema": offer.schema,
            }
            for offer in OFFERS
        ]
    )


async def balance(request: Request) -> Response:
    """Tell the account's balance."""
    account_of(request)
    return answer({"balance": BALANCE})


async def price(request: Request) -> Response:
    """Tell what a request costs."""
    told = await _priced(request)
    return answer({**told, "price": 0.0, "discounted_price": 0.0, "discount_rate": 0.0})


async def pricing(request: Request) -> Response:
    """Tell what a request costs: the older way."""
    return answer({**await _priced(request), "unit_price": 0.0})


async def _priced(request: Request) -> dict[str, Any]:
    account_of(request)
    wanted = read_fields(PriceBody, await read_json(request))
    if kind_of(wanted.model_id) is None:
        raise HTTPException(400, "model not found")
    return {"model_id": wanted.model_id, "currency": CURRENCY}

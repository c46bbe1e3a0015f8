"""What all calls of the engine share: its rules, the caller's key, JSON in, the envelope out, refusals."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, SecretStr, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from seedance.engine.media import Media
from seedance.engine.queue import Queue
from seedance.engine.records import Records

_LOG: Final = logging.getLogger(__name__)
MAX_BODY: Final = 1_000_000  # bytes of JSON
_DEPTH: Final = 32  # levels of objects and lists in it

Model = TypeVar("Model", bound=BaseModel)


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]
"""A whole number of JSON: there 5.0 is 5."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How a server treats its callers. By default as the provider does, without its limits."""

    local: bool = False
    """Whether only programs on this machine can reach it: then webhooks may lead to this machine, too."""
    sync_wait: float = 90.0
    """Seconds that a submit in sync mode is held at most."""
    rate_limit: int = 0
    """Submissions that a key has in a minute; 0: no limit."""
    latency: float = 0.0
    """Seconds that each answer of the API comes late."""
    fail: float = 0.0
    """The share of tasks, 0 to 1, that fail on purpose."""
    faults: bool = False
    """Whether callers may ask for faults by a header."""
    metrics_token: SecretStr | None = None
    """What whoever reads `/metrics` must send, None where everybody may."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the calls work on; kept as `app.state.parts`."""

    records: Records
    queue: Queue
    media: Media
    keys: Sequence[str] = ()
    """The keys that are let in; with none, any non-empty one is."""
    rules: Rules = Rules()


def parts_of(request: Request) -> Parts:
    """Return what the server that got this request works on."""
    parts: Parts = request.app.state.parts
    return parts


def account_of(request: Request) -> str:
    """Return the fingerprint of the caller's key: one key's tasks and uploads are invisible to another.

    Raises:
        HTTPException: 401, the key is missing or wrong.
    """
    keys = parts_of(request).keys
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    key = key.strip()
    matches = [hmac.compare_digest(key.encode(), known.encode()) for known in keys]
    if scheme.lower() != "bearer" or not key or not (any(matches) or not keys):
        raise HTTPException(
            401,
            "Unauthorized: send a valid key as 'Authorization: Bearer <key>'",
            {"WWW-Authenticate": "Bearer"},
        )
    return hashlib.sha256(key.encode()).hexdigest()[:32]


async def read_json(request: Request, *, may_be_empty: bool = False) -> dict[str, Any]:
    """Return the JSON object that a request carries; where it may be empty, nothing counts as no fields.

    Raises:
        HTTPException: 400, it is none; 413, it is larger than `MAX_BODY`.
    """
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BODY:
            raise HTTPException(413, f"the request body is larger than {MAX_BODY} bytes")
    if may_be_empty and not data:
        return {}
    try:
        body = json.loads(data.decode(), parse_constant=_number, parse_float=_number)
        if b"\\ud" in data.lower():
            json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        raise HTTPException(400, "the request body is not valid JSON") from None
    if not isinstance(body, dict):
        raise HTTPException(400, "the request body must be a JSON object")
    if not _is_flat(body, _DEPTH):
        raise HTTPException(400, f"the request body is nested deeper than {_DEPTH} levels")
    return body


def read_fields(model: type[Model], body: dict[str, Any]) -> Model:
    """Read the fields of a call.

    Raises:
        HTTPException: 400, naming the first bad field.
    """
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        field = first["loc"][0] if first["loc"] else "body"
        if first["type"] == "missing":
            raise HTTPException(400, f'field "{field}" is required and must not be empty') from None
        raise HTTPException(400, f'field "{field}": {first["msg"].removeprefix("Value error, ")}') from None


def answer(data: Any) -> Response:
    """Return data in the provider's envelope."""
    return JSONResponse({"code": 200, "message": "success", "data": data})


def address(request: Request, path: str = "") -> str:
    """Return the full URL of a path on this server, as the caller reaches it."""
    return str(request.base_url).rstrip("/") + path


def moment(seconds: float) -> str:
    """Return a time since the epoch as RFC 3339."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


async def refuse(_: Request, error: Exception) -> Response:
    """Give a refusal the provider's body: `code` and `message`."""
    if not isinstance(error, HTTPException):
        raise error
    body = {"code": error.status_code, "message": error.detail}
    return JSONResponse(body, error.status_code, error.headers)


async def forget(_: Request, __: Exception) -> Response:
    """Answer a caller who has hung up before the request was read: nobody hears it."""
    return JSONResponse({"code": 400, "message": "the request was not sent to its end"}, 400)


async def fail(request: Request, error: Exception) -> Response:
    """Log a fault of the engine and say no more than that there was one."""
    _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return JSONResponse({"code": 500, "message": "Internal server error"}, 500)


REFUSALS: Final = {HTTPException: refuse, ClientDisconnect: forget, Exception: fail}


def _number(text: str) -> float:
    """Read a number that JSON can also write: no NaN, no infinity."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number of JSON")
    return number


def _is_flat(value: object, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(_is_flat(item, levels - 1) for item in inner)

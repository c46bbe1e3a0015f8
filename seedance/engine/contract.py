"""What all calls of the engine share: the caller's key, the envelope, addresses, refusals."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException as StarletteHTTPException

from seedance.engine.media import Media
from seedance.engine.queue import Queue
from seedance.engine.records import Records

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the calls work on; kept as `app.state.parts`."""

    records: Records
    queue: Queue
    media: Media
    keys: Sequence[str] = ()
    """The keys that are let in; with none, any non-empty one is."""


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


def _account(request: Request, authorization: Annotated[str, Header()] = "") -> str:
    """Return the fingerprint of the caller's key: one key's tasks are invisible to another."""
    keys = _parts(request).keys
    scheme, _, key = authorization.partition(" ")
    matches = [hmac.compare_digest(key.encode(), known.encode()) for known in keys]
    if scheme.lower() != "bearer" or not key.strip() or not (any(matches) or not keys):
        raise HTTPException(401, "Unauthorized: send a valid key as 'Authorization: Bearer <key>'")
    return hashlib.sha256(key.encode()).hexdigest()[:32]


FromParts = Annotated[Parts, Depends(_parts)]
Account = Annotated[str, Depends(_account)]


def answer(data: dict[str, Any]) -> Response:
    """Return data in the provider's envelope."""
    return JSONResponse({"code": 200, "message": "success", "data": data})


def address(request: Request, path: str) -> str:
    """Return the full URL of a path on this server, as the caller reaches it."""
    return str(request.base_url).rstrip("/") + path


def moment(seconds: float) -> str:
    """Return a time since the epoch as RFC 3339."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def refuse_as_the_provider(app: FastAPI) -> None:
    """Give every refusal the provider's body: `code` and `message`."""

    @app.exception_handler(StarletteHTTPException)
    async def refuse(_: Request, error: StarletteHTTPException) -> Response:
        return JSONResponse({"code": error.status_code, "message": error.detail}, error.status_code)

    @app.exception_handler(RequestValidationError)
    async def refuse_body(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"][1:]) or "body"
        return JSONResponse({"code": 400, "message": f'field "{field}": {first["msg"]}'}, 400)

    @app.exception_handler(Exception)
    async def fail(request: Request, error: Exception) -> Response:
        _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return JSONResponse({"code": 500, "message": "Internal server error"}, 500)

"""Faults that a caller asks for, to test its own client, and those that the server was started with.

`FAULTS` is the table of them: the code, the documents and /openapi.json say what it says.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict, deque
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER: Final = "X-Seedance-Fault"
SLOW: Final = 10.0  # seconds
_MINUTE: Final = 60.0
_API: Final = "/api/v3/"
_PAGE: Final = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong. With neither an answer nor a change of one, the connection is closed."""

    text: str
    handled: bool = False
    """Whether the call does its work first: a task exists although the caller does not hear of it."""
    answer: Callable[[], Response] | None = None
    """What is sent in place of the call's own answer."""
    change: Callable[[bytes], bytes] | None = None
    """What becomes of the body of the call's own answer."""


def _refusal(status: int, message: str, **headers: str) -> Callable[[], Response]:
    return lambda: JSONResponse({"code": status, "message": message}, status, headers)


def _gateway() -> Response:
    return HTMLResponse(_PAGE, 502)


def _data(change: Callable[[dict[str, Any]], Any]) -> Callable[[bytes], bytes]:
    """Return a change to the envelope of an answer; what has none stays as it is."""

    def changed(body: bytes) -> bytes:
        try:
            envelope = json.loads(body)
        except ValueError:
            return body
        if not isinstance(envelope, dict) or not isinstance(envelope.get("data"), dict):
            return body
        return json.dumps(change(envelope)).encode()

    return changed


def _without(*names: str) -> Callable[[dict[str, Any]], Any]:
    return lambda told: told | {"data": {k: v for k, v in told["data"].items() if k not in names}}


_BUSY: Final = "The service is temporarily unavailable"
_CREDIT: Final = "Insufficient credits. Please top up your account to continue."
FAULTS: Final[dict[str, Fault]] = {
    "drop-before-accept": Fault("the connection is closed; nothing was done"),
    "drop-after-accept": Fault("the call is done, then the connection is closed without an answer", True),
    "status-500": Fault("HTTP 500; nothing was done", answer=_refusal(500, "Internal server error")),
    "status-502": Fault("HTTP 502 with a gateway's HTML page; nothing was done", answer=_gateway),
    "status-503": Fault("HTTP 503; nothing was done", answer=_refusal(503, _BUSY)),
    "status-504": Fault("HTTP 504; nothing was done", answer=_refusal(504, "Gateway timeout")),
    "status-500-after-accept": Fault(
        "the call is done, then HTTP 500", True, _refusal(500, "Internal server error")
    ),
    "status-504-after-accept": Fault(
        "the call is done, then HTTP 504", True, _refusal(504, "Gateway timeout")
    ),
    "status-401": Fault("HTTP 401", answer=_refusal(401, "Unauthorized")),
    "status-403": Fault("HTTP 403, a suspended account", answer=_refusal(403, "Account suspended")),
    "status-429": Fault(
        "HTTP 429 without Retry-After; nothing was done",
        answer=_refusal(429, "Rate limit exceeded: 2 predictions per 1 minute"),
    ),
    "status-429-retry-after": Fault(
        "HTTP 429 with `Retry-After: 1`; nothing was done",
        answer=_refusal(429, "Rate limit exceeded: 2 predictions per 1 minute", **{"Retry-After": "1"}),
    ),
    "no-credit": Fault("HTTP 400, too little credit", answer=_refusal(400, _CREDIT)),
    "model-not-found": Fault("HTTP 400, an unknown model", answer=_refusal(400, "model not found")),
    "null-data": Fault(
        "the call is done; `data` is null", True, change=_data(lambda told: told | {"data": None})
    ),
    "no-envelope": Fault("the call is done; the bare `data`", True, change=_data(lambda told: told["data"])),
    "no-id": Fault("the call is done; `data` has no `id`", True, change=_data(_without("id"))),
    "few-fields": Fault(
        "the call is done; `data` has no outputs, urls, timings and error",
        True,
        change=_data(_without("outputs", "urls", "timings", "error", "has_nsfw_contents", "created_at")),
    ),
    "unknown-status": Fault(
        "the call is done; `status` is a word that nobody knows",
        True,
        change=_data(lambda told: told | {"data": told["data"] | {"status": "warming-up"}}),
    ),
    "html": Fault("the call is done; HTTP 200 with an HTML page", True, lambda: HTMLResponse(_PAGE)),
    "cut-off": Fault("the call is done; half of its JSON", True, change=lambda body: body[: len(body) // 2]),
    "slow": Fault(f"the call is done; its answer comes {SLOW:g} s late", True, change=lambda body: body),
}


@dataclass(slots=True)
class Faults:
    """The application behind the faults that callers ask for and the latency that all have. Pure ASGI."""

    app: ASGIApp
    allowed: bool
    latency: float = 0.0
    slow: float = SLOW

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or break its answer as it asks."""
        if scope["type"] != "http" or not scope["path"].startswith(_API):
            return await self.app(scope, receive, send)
        if self.latency:
            await asyncio.sleep(self.latency)
        name = Headers(scope=scope).get(HEADER, "") if self.allowed else ""
        if not name:
            return await self.app(scope, receive, send)
        fault = FAULTS.get(name)
        if fault is None:
            told = _refusal(400, f"{HEADER}: {name} is none of {', '.join(FAULTS)}")
            return await told()(scope, receive, send)
        return await self._break(name, fault, scope, receive, send)

    async def _break(self, name: str, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        kept = _Kept()
        if fault.handled:
            await self.app(scope, receive, kept.send)
        if name == "slow":
            await asyncio.sleep(self.slow)
        if fault.answer is not None:
            await fault.answer()(scope, receive, send)
        elif fault.change is not None:
            await kept.send_changed(fault.change, send)
        else:
            await _drop(receive, send)


@dataclass(slots=True)
class _Kept:
    """An answer that is held back."""

    start: MutableMapping[str, Any] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)

    async def send(self, message: Message) -> None:
        """Take a piece of it."""
        if message["type"] == "http.response.start":
            self.start = message
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    async def send_changed(self, change: Callable[[bytes], bytes], send: Send) -> None:
        """Send it on, its body changed."""
        body = change(bytes(self.body))
        headers = [pair for pair in self.start["headers"] if pair[0].lower() != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        await send({**self.start, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def _drop(receive: Receive, send: Send) -> None:
    """Close the connection: ASGI has no word for that, so the server's own transport is asked for.

    Where there is none (the engine is called within one process), the answer breaks off after its headers.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
        raise ConnectionAbortedError("the connection was dropped, as the caller asked")
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


@dataclass(slots=True)
class RateLimit:
    """So many submissions a minute for each account; 0: any number."""

    allowed: int
    clock: Callable[[], float] = time.monotonic
    _taken: defaultdict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def take(self, account: str) -> bool:
        """Count one submission; False where the minute has had its number."""
        if not self.allowed:
            return True
        taken, now = self._taken[account], self.clock()
        while taken and taken[0] <= now - _MINUTE:
            taken.popleft()
        if len(taken) >= self.allowed:
            return False
        taken.append(now)
        return True

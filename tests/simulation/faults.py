"""Everything that can go wrong with a call to the provider, by the kind of call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import httpx

Kind = Literal["submit", "read", "list", "ticket", "put", "download"]
NO_CREDIT: Final = "Insufficient credits. Please top up your account to continue."


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one call. Without `error` an answer comes: this status, this body, these headers."""

    error: type[httpx.TransportError] | None = None
    patience: Literal["", "connect", "read", "write"] = ""
    """The caller's own time limit that passes before the error."""
    said: str = ""
    """The error's text, or the reason in the answer's `message`."""
    status: int = 200
    body: str = "plain"
    headers: tuple[tuple[str, str], ...] = ()
    accepted: bool = False
    """A submit all the same creates a task and charges it."""
    late: float = 0.0
    """… this many seconds after the call."""


def _refused(status: int, said: str = "no", **headers: str) -> Fault:
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Fault(status=status, body="refused", said=said, headers=named)


def _both(name: str, fault: Fault) -> dict[str, Fault]:
    """Return the fault of a submit that arrived and of one that did not."""
    arrived = Fault(
        fault.error, fault.patience, fault.said, fault.status, fault.body, fault.headers, accepted=True
    )
    return {name: fault, f"{name}, accepted": arrived}


NEVER_ARRIVED: Final = {
    "no address": Fault(httpx.ConnectError, said="[Errno -2] Name or service not known"),
    "connection refused": Fault(httpx.ConnectError, said="All connection attempts failed"),
    "connect timeout": Fault(httpx.ConnectTimeout, "connect"),
    "pool timeout": Fault(httpx.PoolTimeout, "connect"),
    "TLS": Fault(httpx.ConnectError, said="[SSL: CERTIFICATE_VERIFY_FAILED]"),
}
RATE_LIMITED: Final = {
    "429": _refused(429, "You have exceeded 2 predictions per 1 minute"),
    "429, seconds": _refused(429, "slow down", Retry_After="17"),
    "429, date": _refused(429, "slow down", Retry_After="date"),
    "429, milliseconds": _refused(429, "slow down", retry_after_ms="2500"),
    "429, nonsense": _refused(429, "slow down", Retry_After="soon"),
}
REFUSED: Final = {
    "401": _refused(401, "invalid api key {key}"),
    "no credit": _refused(400, NO_CREDIT),
    "bad field": _refused(400, 'field "prompt" is required and must not be empty'),
    "model not found": _refused(404, "model not found"),
}
_BROKEN: Final = {
    "read timeout": Fault(httpx.ReadTimeout, "read"),
    "dropped": Fault(httpx.RemoteProtocolError, said="Server disconnected without sending a response."),
    "reset": Fault(httpx.ReadError, said="[Errno 104] Connection reset by peer"),
    "500": Fault(status=500, body="refused", said="internal error for {key}"),
    "502": Fault(status=502, body="html"),
    "503": Fault(status=503, body="html"),
    "504": Fault(status=504, body="html"),
    "408": Fault(status=408, body="html"),
}
_UNREADABLE: Final = {
    "html": Fault(body="html"),
    "null": Fault(body="null"),
    "empty": Fault(body="empty"),
    "truncated": Fault(body="truncated"),
    "code 500": Fault(body="code 500"),
}
SUBMIT: Final = {
    **NEVER_ARRIVED,
    **RATE_LIMITED,
    **REFUSED,
    "write error": Fault(httpx.WriteError, said="[Errno 32] Broken pipe"),
    "write timeout": Fault(httpx.WriteTimeout, "write"),
    "redirect": Fault(status=302, body="html", headers=(("Location", "https://login.sim/?key={key}"),)),
    **{name: twin for fault in _BROKEN.items() for name, twin in _both(*fault).items()},
    **{f"{name}, accepted": _both(name, fault)[f"{name}, accepted"] for name, fault in _UNREADABLE.items()},
    "no id, accepted": Fault(body="no id", accepted=True),
    "bare, accepted": Fault(body="bare", accepted=True),
    "201, accepted": Fault(status=201, accepted=True),
    "read timeout, accepted late": Fault(httpx.ReadTimeout, "read", accepted=True, late=150.0),
    "dropped, accepted late": Fault(httpx.RemoteProtocolError, accepted=True, late=90.0),
}
READ: Final = {
    **NEVER_ARRIVED,
    **_BROKEN,
    **_UNREADABLE,
    **RATE_LIMITED,
    "404": _refused(404, "Prediction not found"),
    "401": REFUSED["401"],
    "bare": Fault(body="bare"),
    "unknown status": Fault(body="unknown status"),
}
LIST: Final = {
    **NEVER_ARRIVED,
    **_BROKEN,
    **_UNREADABLE,
    "429": RATE_LIMITED["429"],
    "401": REFUSED["401"],
    "no items": Fault(body="no items"),
    "no inputs": Fault(body="no inputs"),
}
TICKET: Final = {
    **NEVER_ARRIVED,
    **_BROKEN,
    **_UNREADABLE,
    "404": _refused(404, "not found"),
    "429": RATE_LIMITED["429, seconds"],
}
PUT: Final = {
    **NEVER_ARRIVED,
    "read timeout": _BROKEN["read timeout"],
    "500": _BROKEN["500"],
    "403": Fault(status=403, body="html"),
    "412": Fault(status=412, body="html"),
}
DOWNLOAD: Final = {
    **NEVER_ARRIVED,
    **_BROKEN,
    "404": Fault(status=404, body="html"),
    "403": Fault(status=403, body="html"),
    "html": Fault(body="html"),
    "dropped midway": Fault(body="dropped midway"),
    "short": Fault(body="short"),
    "cut": Fault(body="cut"),
    "damaged": Fault(body="damaged"),
    "slow": Fault(body="slow"),
    "stalled": Fault(body="stalled"),
    "range ignored": Fault(body="range ignored"),
}
FAULTS: Final[dict[Kind, dict[str, Fault]]] = {
    "submit": SUBMIT,
    "read": READ,
    "list": LIST,
    "ticket": TICKET,
    "put": PUT,
    "download": DOWNLOAD,
}

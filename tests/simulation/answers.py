"""Answers as the provider's bytes, right or spoilt."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

import httpx

from tests.simulation.faults import Fault
from tests.simulation.process import point

_HTML: Final = "<html><body><h1>Gateway</h1>{key}</body></html>"
_PIECES: Final = 4


def build(fault: Fault, data: dict[str, Any] | None, *, key: str, wall: float) -> httpx.Response:
    """Return the answer that holds `data`, as the fault has it; `wall` is the time in seconds since 1970."""
    headers = {name: _header(name, value, key, wall) for name, value in fault.headers}
    return httpx.Response(
        fault.status, headers=headers, content=_body(fault, data, key).encode(), request=None
    )


def _header(name: str, value: str, key: str, wall: float) -> str:
    if value == "date":
        return format_datetime(datetime.fromtimestamp(int(wall) + 20, UTC), usegmt=True)
    return value.replace("{key}", key)


def _body(fault: Fault, data: dict[str, Any] | None, key: str) -> str:
    right = {"code": 200, "message": "success", "data": data}
    match fault.body:
        case "html":
            return _HTML.replace("{key}", key)
        case "empty":
            return ""
        case "null":
            return json.dumps(right | {"data": None})
        case "truncated":
            text = json.dumps(right)
            return text[: len(text) // 2]
        case "code 500":
            return json.dumps({"code": 500, "message": "internal error", "data": None})
        case "refused":
            said = fault.said.replace("{key}", key)
            return json.dumps({"code": fault.status, "message": said, "data": None})
        case "bare":
            return json.dumps(data)
        case "no id":
            return json.dumps(right | {"data": (data or {}) | {"id": ""}})
        case "unknown status":
            return json.dumps(right | {"data": (data or {}) | {"status": "reticulating", "outputs": []}})
        case "no items":
            return json.dumps(right | {"data": (data or {}) | {"items": []}})
        case "no inputs":
            items = [{k: v for k, v in it.items() if k != "input"} for it in (data or {}).get("items", [])]
            return json.dumps(right | {"data": (data or {}) | {"items": items}})
        case _:
            return json.dumps(right)


def video(whole: bytes, request: httpx.Request, spoilt: str, chance: random.Random) -> httpx.Response:
    """Return a video's bytes, from where the caller wants them on, as the fault has them."""
    first, tag = 0, '"damaged"' if spoilt == "damaged" else '"whole"'
    same = request.headers.get("If-Range", tag) == tag
    if (
        same
        and spoilt != "range ignored"
        and (wanted := request.headers.get("Range", "")).startswith("bytes=")
    ):
        first = int(wanted.removeprefix("bytes=").partition("-")[0])
        if first >= len(whole):
            return httpx.Response(416, headers={"Content-Range": f"bytes */{len(whole)}"})
    data = whole[first:]
    headers = {"Content-Length": str(len(data)), "Content-Type": "video/mp4", "Accept-Ranges": "bytes"}
    headers["ETag"] = tag
    if first:
        headers["Content-Range"] = f"bytes {first}-{len(whole) - 1}/{len(whole)}"
    if spoilt == "damaged":
        data = data[:40] + bytes(len(data) - 40)
    if spoilt in ("short", "cut"):
        data = data[: len(data) // 2]
    if spoilt == "cut":
        headers["Content-Length"] = str(len(data))
    stream = _Pieces(data, spoilt, chance)
    return httpx.Response(206 if first else 200, headers=headers, stream=stream)


class _Pieces(httpx.AsyncByteStream):
    """A body that comes in pieces, or stops coming."""

    def __init__(self, data: bytes, spoilt: str, chance: random.Random) -> None:
        self._data, self._spoilt, self._chance = data, spoilt, chance

    async def __aiter__(self) -> AsyncIterator[bytes]:
        step = max(1, len(self._data) // _PIECES)
        for at in range(0, len(self._data), step):
            if at >= 2 * step and self._spoilt == "dropped midway":
                raise httpx.RemoteProtocolError("peer closed connection without sending complete body")
            if at >= step and self._spoilt == "stalled":
                await asyncio.sleep(120)
                raise httpx.ReadTimeout("the next piece did not come")
            await asyncio.sleep(self._chance.uniform(20, 60) if self._spoilt == "slow" else 0.05)
            point("piece")
            yield self._data[at : at + step]

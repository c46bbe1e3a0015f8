"""A finished video comes home: streamed to disk, checked, and there whole or not at all."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import httpx

from seedance import mp4, policy
from seedance.errors import Unavailable
from seedance.files import whole

MAX_VIDEO_BYTES: Final = 500_000_000  # a hundred times what 12 s at 720p take
_CHUNK: Final = 1 << 18


async def fetch(http: httpx.AsyncClient, url: str, path: Path) -> None:
    """Fetch a video without any key: outputs are public, and their host is not the API's.

    Raises:
        Unavailable: it did not come whole; `path` is as it was.
        OSError: it cannot be written.
    """
    with whole(path) as part:
        await _stream(http, url, part)
        if fault := await asyncio.to_thread(mp4.fault, part):
            raise Unavailable(f"The video came damaged: {fault}.")


async def _stream(http: httpx.AsyncClient, url: str, part: Path) -> None:
    timeout = httpx.Timeout(policy.DOWNLOAD_TIMEOUT, connect=policy.CONNECT_TIMEOUT)
    received = 0
    try:
        async with http.stream("GET", url, timeout=timeout, follow_redirects=True) as response:
            if not response.is_success:
                raise Unavailable(f"The video's host answered HTTP {response.status_code}.")
            with await asyncio.to_thread(part.open, "wb") as file:
                async for chunk in response.aiter_bytes(_CHUNK):
                    received += len(chunk)
                    if received > MAX_VIDEO_BYTES:
                        raise Unavailable(f"The video is larger than {MAX_VIDEO_BYTES // 10**6} MB.")
                    await asyncio.to_thread(file.write, chunk)
    except httpx.HTTPError as error:
        raise Unavailable(f"The video could not be fetched ({type(error).__name__}).") from error
    announced = response.headers.get("Content-Length", str(received))
    if "Content-Encoding" not in response.headers and announced != str(received):
        raise Unavailable(f"The video came incomplete: {received} of {announced} bytes.")

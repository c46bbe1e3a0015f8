"""Reference images that a request names by a public address: fetched when its task runs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import httpx

from seedance.files import write_whole
from seedance.outside import Barred, Inside, Outside, announced, read

MAX_IMAGE_BYTES: Final = 30_000_000
SECONDS: Final = 20.0
"""For one image, from the look-up of its host to the last byte."""
_NOT_PUBLIC: Final = "Invalid image URL: private or local network URLs are not allowed"


class CannotFetch(Exception):
    """An image cannot be fetched from its address; the text says why and never holds the address's query."""


class PrivateAddress(Exception):
    """An image's address leads inside, or nowhere; the text is the contract's message for that."""


def check_address(url: str) -> None:
    """Refuse an address that is not on the public web by its spelling alone; nothing is looked up.

    Raises:
        PrivateAddress: it is not.
    """
    try:
        read(url)
    except Inside as error:
        raise PrivateAddress(_NOT_PUBLIC) from error
    except Barred as error:
        raise PrivateAddress(f"Invalid image URL: it {error}") from error


async def fetch_image(
    url: str,
    path: Path,
    *,
    http: httpx.AsyncClient,
    max_bytes: int = MAX_IMAGE_BYTES,
    seconds: float = SECONDS,
) -> None:
    """Fetch an image from a public address to `path`, whole or not at all. Whether it is one is not checked.

    `http` is a client from `outside.connections`.

    Raises:
        CannotFetch: it cannot be fetched.
        OSError: it cannot be written.
    """
    if http.trust_env:
        raise ValueError("a client from outside.connections is wanted: this one may go through a proxy")
    try:
        async with asyncio.timeout(seconds):
            data = await _read(url, Outside(http, patience=seconds), max_bytes)
    except Barred as error:
        raise CannotFetch(f"The image's address {error}.") from error
    except TimeoutError as error:
        raise CannotFetch(f"The image could not be fetched in {seconds:g} s.") from error
    except httpx.HTTPError as error:
        raise CannotFetch(f"The image could not be fetched ({type(error).__name__}).") from error
    await asyncio.to_thread(write_whole, path, data)


async def _read(url: str, outside: Outside, max_bytes: int) -> bytes:
    too_large = CannotFetch(f"The image is larger than {max_bytes / 1e6:g} MB.")
    data = bytearray()
    async with outside.get(url) as response:
        if not response.is_success:
            raise CannotFetch(f"The image's host answered HTTP {response.status_code}.")
        if (announced(response) or 0) > max_bytes:
            raise too_large
        async for chunk in response.aiter_bytes():
            data += chunk
            if len(data) > max_bytes:
                raise too_large
    if not data:
        raise CannotFetch("The image's host sent nothing.")
    return bytes(data)

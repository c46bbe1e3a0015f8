"""A finished video comes home: streamed to disk, checked, and there whole or not at all."""

from __future__ import annotations

import asyncio
import glob
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn, Self

import httpx

from seedance import mp4, policy
from seedance.errors import TooLarge, Unavailable
from seedance.files import put_in_place
from seedance.outside import Barred, Outside, announced

MAX_VIDEO_BYTES: Final = 500_000_000  # a hundred times what 12 s at 720p take
_LONGEST: Final = 3600.0  # seconds that one attempt may take; the next goes on where it ended
_RANGE: Final = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)")


class Download:
    """One video on its way to `path`, in a file beside it until it is whole. Use it as a context manager.

    No key is ever sent: outputs are public, and their host is not the API's. Where it is `guarded`, only
    public addresses and `own_server` are asked, redirects included, and the address that was checked is
    the one that is connected to.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        path: Path,
        *,
        own_server: httpx.URL | None = None,
        guarded: bool = True,
    ) -> None:
        self._outside = Outside(http, policy.DOWNLOAD_TIMEOUT, own_server, guarded)
        self._path = path
        self._same_file: dict[str, str] = {}
        """Asks for the rest only of the file that was begun; a changed one comes whole."""
        self._part = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.part")

    def __enter__(self) -> Self:
        folder = self._path.parent
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"{glob.escape(self._path.name)}.*.part"):  # by a process that was killed
            left.unlink(missing_ok=True)
        return self

    def __exit__(self, *exc: object) -> None:
        self._part.unlink(missing_ok=True)

    async def fetch(self, url: str) -> None:
        """Fetch what is missing of the video and check that it is whole.

        Raises:
            Unavailable: it is not whole yet; call again to go on where it ended.
            TooLarge: it is larger than what is ever saved; to call again changes nothing.
            OSError: it cannot be written.
        """
        have = await asyncio.to_thread(self._size)
        missing = {"Range": f"bytes={have}-", **self._same_file} if have else {}
        try:
            async with asyncio.timeout(_LONGEST), self._outside.get(url, missing) as response:
                await self._store(response, have)
        except Barred as error:
            raise Unavailable(f"The video's address {error}.") from error
        except httpx.HTTPError as error:
            raise Unavailable(f"The video could not be fetched ({type(error).__name__}).") from error
        except TimeoutError as error:
            raise Unavailable(f"The video did not come within {_LONGEST / 60:.0f} minutes.") from error
        if fault := await asyncio.to_thread(mp4.fault, self._part):
            await asyncio.to_thread(self._part.unlink)
            raise Unavailable(f"The video came damaged: {fault}.")

    async def keep(self, place: Callable[[Path, Path], None] = put_in_place) -> None:
        """Put the fetched video in its place, for good. `place` is called with both."""
        await asyncio.to_thread(place, self._part, self._path)

    async def _store(self, response: httpx.Response, have: int) -> None:
        if have and response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            if response.headers.get("Content-Range") == f"bytes */{have}":
                return  # it was whole already, only the connection did not end well
            await self._start_over(f"HTTP {response.status_code}")
        if not response.is_success:
            raise Unavailable(f"The video's host answered HTTP {response.status_code}.")
        whole: int | None = None
        if response.status_code == httpx.codes.PARTIAL_CONTENT:
            held = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if held is None or int(held[1]) != have:
                await self._start_over("another part of it")
            elif held[2] != "*":
                whole = int(held[2])
        else:
            have = 0
        tag = response.headers.get("ETag", "")
        self._same_file = {"If-Range": tag} if tag.startswith('"') else {}  # a weak one proves nothing
        coming = announced(response)
        if whole is None and coming is not None:
            whole = have + coming
        _check_size(whole or 0)
        with self._part.open("ab" if have else "wb") as file:
            async for chunk in response.aiter_bytes():  # as it comes: what a cut leaves is on disk
                have += len(chunk)
                _check_size(have)
                await asyncio.to_thread(file.write, chunk)
        if whole not in (None, have):
            raise Unavailable(f"The video came incomplete: {have} of {whole} bytes.")

    async def _start_over(self, answered: str) -> NoReturn:
        await asyncio.to_thread(self._part.unlink, missing_ok=True)
        raise Unavailable(f"The video's host answered with {answered} when asked for the rest.")

    def _size(self) -> int:
        try:
            return self._part.stat().st_size
        except FileNotFoundError:
            return 0


def _check_size(size: int) -> None:
    if size > MAX_VIDEO_BYTES:
        raise TooLarge(
            f"The video is larger than {MAX_VIDEO_BYTES // 10**6} MB, so it is not saved. "
            "It stays at the provider for 7 days."
        )

"""A finished video comes home: streamed to disk, checked, and there whole or not at all."""

from __future__ import annotations

import asyncio
import glob
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Self

import httpx

from seedance import mp4, policy
from seedance.addresses import resolve_public
from seedance.errors import Unavailable
from seedance.files import put_in_place

MAX_VIDEO_BYTES: Final = 500_000_000  # a hundred times what 12 s at 720p take
_REDIRECTS: Final = 5


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
        self._http = http
        self._path = path
        self._own_server = own_server
        self._guarded = guarded
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
            OSError: it cannot be written.
        """
        have = await asyncio.to_thread(self._size)
        missing = {"Range": f"bytes={have}-", **self._same_file} if have else {}
        try:
            async with self._open(url, missing) as response:
                await self._store(response, have)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable(f"The video could not be fetched ({type(error).__name__}).") from error
        if fault := await asyncio.to_thread(mp4.fault, self._part):
            await asyncio.to_thread(self._part.unlink)
            raise Unavailable(f"The video came damaged: {fault}.")

    async def keep(self) -> None:
        """Put the fetched video in its place, for good."""
        await asyncio.to_thread(put_in_place, self._part, self._path)

    async def _store(self, response: httpx.Response, have: int) -> None:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            await asyncio.to_thread(self._part.unlink)
        if not response.is_success:
            raise Unavailable(f"The video's host answered HTTP {response.status_code}.")
        resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        tag = response.headers.get("ETag", "")
        self._same_file = {"If-Range": tag} if tag.startswith('"') else {}  # a weak one proves nothing
        received = 0
        with await asyncio.to_thread(self._part.open, "ab" if resumed else "wb") as file:
            async for chunk in response.aiter_bytes():  # as it comes: what a cut leaves is on disk
                received += len(chunk)
                if received + have > MAX_VIDEO_BYTES:
                    raise Unavailable(f"The video is larger than {MAX_VIDEO_BYTES // 10**6} MB.")
                await asyncio.to_thread(file.write, chunk)
        announced = response.headers.get("Content-Length", str(received))
        if "Content-Encoding" not in response.headers and announced != str(received):
            raise Unavailable(f"The video came incomplete: {received} of {announced} bytes.")

    @asynccontextmanager
    async def _open(self, url: str, headers: dict[str, str]) -> AsyncIterator[httpx.Response]:
        """Ask for the video, following redirects by hand so that each address is checked."""
        target = httpx.URL(url)
        for _ in range(_REDIRECTS + 1):
            request = await self._request(target, headers)
            response = await self._http.send(request, stream=True)
            try:
                if not response.has_redirect_location:
                    yield response
                    return
                target = target.join(response.headers["Location"])
            finally:
                await response.aclose()
        raise Unavailable(f"The video's host redirects more than {_REDIRECTS} times.")

    async def _request(self, url: httpx.URL, headers: dict[str, str]) -> httpx.Request:
        timeout = httpx.Timeout(policy.DOWNLOAD_TIMEOUT, connect=policy.CONNECT_TIMEOUT, pool=None)
        if not self._guarded or _origin(url) == (self._own_server and _origin(self._own_server)):
            return self._http.build_request("GET", url, headers=headers, timeout=timeout)
        if url.scheme not in ("http", "https"):
            raise Unavailable("The video's address is not a web address.")
        try:
            address = await resolve_public(url.host, url.port or (443 if url.scheme == "https" else 80))
        except OSError as error:
            raise Unavailable("The video's host cannot be resolved.") from error
        if address is None:
            raise Unavailable("The video's address leads inside a private network; it is not followed.")
        pinned = {**headers, "Host": url.netloc.decode("ascii")}
        return self._http.build_request(
            "GET",
            url.copy_with(host=address),
            headers=pinned,
            timeout=timeout,
            extensions={"sni_hostname": url.host},
        )

    def _size(self) -> int:
        try:
            return self._part.stat().st_size
        except FileNotFoundError:
            return 0


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port

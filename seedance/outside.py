"""A GET to an address that somebody else gave: the provider in an answer, a stranger in a request.

Only public addresses are asked. Each hop's host is resolved once, every address it has is checked, and one
that was checked is connected to, under the host's own name. Redirects are followed by hand, so that each is
checked. Nothing of ours goes along: no key, no cookie, no password.
"""

from __future__ import annotations

import asyncio
import logging
import re
import urllib.request
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx

from seedance import policy
from seedance.addresses import leads_inside, resolve_public
from seedance.version import __version__

_REDIRECTS: Final = 5
_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|[0-9a-f:.]+", re.IGNORECASE)
_HEADERS: Final = {
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    # A kept connection is known by its number: it would serve another name at that number, unverified.
    "Connection": "close",
    "User-Agent": f"seedance-studio/{__version__}",
}
# At INFO httpx logs whole addresses, and those of storage carry signatures.
logging.getLogger("httpx").setLevel(logging.WARNING)


class Barred(Exception):
    """An address is not followed. The text says why, as the end of a sentence: "cannot be read"."""


class Inside(Barred):
    """An address leads into a private network."""

    def __init__(self) -> None:
        super().__init__("leads inside a private network; it is not followed")


def connections(most: int = 16) -> httpx.AsyncClient:
    """Return a client for strangers' addresses: direct, that many connections at most, nothing remembered."""
    return httpx.AsyncClient(
        verify=httpx.create_ssl_context(),
        trust_env=False,  # a proxy would look names up itself, after our check
        limits=httpx.Limits(max_connections=most, max_keepalive_connections=0),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )


@dataclass(frozen=True, slots=True)
class Outside:
    """The way to addresses that somebody else gave.

    Where `http` heeds the environment's proxies and one is named for an address, the proxy is asked, by the
    host's name: there may be no other way out, and where it leads is its owner's decision. A host that
    cannot be resolved here is then allowed. Clients from `connections` never use one.
    """

    http: httpx.AsyncClient
    patience: float
    """Seconds between two pieces of an answer, not for the whole."""
    own_server: httpx.URL | None = None
    """A server that may be inside."""
    guarded: bool = True
    """False lets everything be asked, by name."""

    @asynccontextmanager
    async def get(
        self, url: str, headers: Mapping[str, str] | None = None
    ) -> AsyncGenerator[httpx.Response, None]:
        """Open the answer at the end of the redirects. Its body comes as it was sent, never unpacked.

        Raises:
            Barred: the address, or one that it redirects to, is not followed.
            httpx.HTTPError: there was no answer, or it broke off.
        """
        target = _parse(url)
        for _ in range(_REDIRECTS + 1):
            response = await self._send(target, headers or {})
            try:
                if not response.has_redirect_location:
                    response.headers.pop("Content-Encoding", None)  # small pieces can unpack to huge ones
                    yield response
                    return
                target = _parse(response.headers["Location"], base=target)
            finally:
                await response.aclose()
        raise Barred(f"redirects more than {_REDIRECTS} times")

    async def _send(self, url: httpx.URL, headers: Mapping[str, str]) -> httpx.Response:
        if not self.guarded or (self.own_server and _origin(url) == _origin(self.own_server)):
            return await self._ask(url, url, headers)
        _check(url)
        if self.http.trust_env and _has_proxy(url):
            await _resolve(url, by_proxy=True)
            return await self._ask(url, url, headers)
        *others, last = await _resolve(url)
        for address in others:
            try:
                return await self._ask(url, url.copy_with(host=address), headers)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._ask(url, url.copy_with(host=last), headers)

    async def _ask(self, url: httpx.URL, at: httpx.URL, headers: Mapping[str, str]) -> httpx.Response:
        """Ask for `url` at the same address with a number for the host's name."""
        timeout = httpx.Timeout(self.patience, connect=policy.CONNECT_TIMEOUT, pool=None)
        request = httpx.Request(
            "GET",
            at,
            headers={**_HEADERS, **headers, "Host": url.netloc.decode("ascii")},
            extensions={"timeout": timeout.as_dict(), "sni_hostname": _host(url).rstrip(".")},
        )
        try:
            return await self.http.send(request, stream=True, follow_redirects=False)
        except (httpx.InvalidURL, ValueError):  # httpx looks at where a redirect leads, followed or not
            raise Barred("redirects to an address that cannot be read") from None


def read(url: str) -> httpx.URL:
    """Return an address of the public web, as far as its spelling tells: nothing is looked up.

    Raises:
        Barred: it is none.
    """
    target = _parse(url)
    _check(target)
    return target


def announced(response: httpx.Response) -> int | None:
    """Return how many bytes an answer's body is said to have."""
    length = response.headers.get("Content-Length", "")
    return int(length) if re.fullmatch("[0-9]{1,18}", length) else None


def _check(url: httpx.URL) -> None:
    if url.scheme not in _PORTS or not _host(url):
        raise Barred("is not a web address")
    if url.userinfo:
        raise Barred("holds a user's name or password")
    if not _HOST.fullmatch(_host(url)) or not 0 < _port(url) < 2**16:
        raise Barred("cannot be read")
    if leads_inside(_host(url)):
        raise Inside


def _parse(text: str, base: httpx.URL | None = None) -> httpx.URL:
    try:
        return base.join(text) if base else httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        raise Barred("cannot be read") from None  # those errors quote it


async def _resolve(url: httpx.URL, *, by_proxy: bool = False) -> tuple[str, ...]:
    """Look the host up, once: the addresses returned are the ones to connect to."""
    try:
        async with asyncio.timeout(policy.CONNECT_TIMEOUT):
            addresses = await resolve_public(_host(url), _port(url))
    except OSError as error:  # of which TimeoutError is one
        if by_proxy:
            return ()
        raise Barred("cannot be resolved") from error
    if not addresses:
        raise Inside
    return addresses


def _has_proxy(url: httpx.URL) -> bool:
    proxies = urllib.request.getproxies()
    named = url.scheme in proxies or "all" in proxies
    return named and not urllib.request.proxy_bypass(url.netloc.decode("ascii"))


def _host(url: httpx.URL) -> str:
    return url.raw_host.decode("ascii")


def _port(url: httpx.URL) -> int:
    return url.port if url.port is not None else _PORTS[url.scheme]


def _origin(url: httpx.URL) -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host, url.port

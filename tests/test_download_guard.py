"""Downloads against servers that really run on this machine, and what a guarded one lets through."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from seedance.client import WaveSpeed
from seedance.download import Download
from seedance.errors import TooLarge, Unavailable
from tests.providers import BOX, KEY

pytestmark = pytest.mark.anyio

VIDEO = BOX + b"ftyp" + BOX + b"moov" + (200_008).to_bytes(4) + b"mdat" + bytes(range(250)) * 800
HALF = len(VIDEO) // 2


class Host(ThreadingHTTPServer):
    """A video's host: cuts the first answer off, redirects, or resumes, as told."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.asked: list[dict[str, str]] = []
        self.cuts = 0
        self.ranges = "honoured"
        self.redirect = ""


class Handler(BaseHTTPRequestHandler):
    server: Host

    def do_GET(self) -> None:
        host = self.server
        host.asked.append({"path": self.path} | {name.lower(): text for name, text in self.headers.items()})
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        if host.redirect and self.path == "/v.mp4":
            self.send_response(302)
            self.send_header("Location", host.redirect)
            self.end_headers()
            return
        if start and host.ranges == "refused":
            self.send_response(416)
            self.end_headers()
            return
        start = start if host.ranges == "honoured" else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(VIDEO) - 1}/{len(VIDEO)}")
        self.send_header("Content-Length", str(len(VIDEO) - start))
        self.end_headers()
        host.cuts -= 1
        self.wfile.write(VIDEO[start : HALF if host.cuts >= 0 else None])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def host() -> Iterator[Host]:
    server = Host()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@asynccontextmanager
async def client(api: str) -> AsyncIterator[WaveSpeed]:
    """Open a client of the API at that address, which does not wait between its attempts."""

    async def sleep(_: float) -> None:
        pass

    async with WaveSpeed(SecretStr(KEY), base_url=api, sleep=sleep) as client:
        yield client


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def hosts_are_at(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Let the name service give that address for every host."""

    async def getaddrinfo(_: str, port: int, **__: object) -> object:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize(
    "url",
    ["{host}/v.mp4", "http://localhost:{port}/v.mp4", "http://[::1]:{port}/v.mp4", "http://169.254.169.254/"],
)
async def test_a_private_host_is_not_asked(host: Host, tmp_path: Path, url: str) -> None:
    """An address inside is not even connected to; the message says why, and nothing is left on disk."""
    async with client("https://api.example") as stranger:
        with pytest.raises(Unavailable, match="inside a private network"):
            await stranger.download(url.format(host=host.url, port=host.server_port), tmp_path / "v.mp4")
    assert host.asked == []
    assert names(tmp_path) == []


async def test_the_apis_own_server_may_be_inside(host: Host, tmp_path: Path) -> None:
    """An engine on this machine serves its videos itself; the key is not sent to it either."""
    async with client(host.url) as own:
        await own.download(f"{host.url}/v.mp4", tmp_path / "v.mp4")
    assert (tmp_path / "v.mp4").read_bytes() == VIDEO
    assert "authorization" not in host.asked[0]
    assert KEY not in str(host.asked)


async def test_another_port_beside_the_api_is_inside(host: Host, tmp_path: Path) -> None:
    """Trust goes to one server, not to all that its machine runs."""
    async with client("http://127.0.0.1:1") as own:
        with pytest.raises(Unavailable, match="inside a private network"):
            await own.download(f"{host.url}/v.mp4", tmp_path / "v.mp4")
    assert host.asked == []


@pytest.mark.parametrize(
    "target", ["http://localhost:{port}/in", "http://10.0.0.1/in", "//169.254.169.254/in"]
)
async def test_a_redirect_inside_is_not_followed(host: Host, tmp_path: Path, target: str) -> None:
    """A public host cannot send us where it may not go itself."""
    host.redirect = target.format(port=host.server_port)
    async with client(host.url) as own:
        with pytest.raises(Unavailable, match="inside a private network"):
            await own.download(f"{host.url}/v.mp4", tmp_path / "v.mp4")
    assert {request["path"] for request in host.asked} == {"/v.mp4"}


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://cdn.example/v.mp4"])
async def test_only_web_addresses_are_followed(host: Host, tmp_path: Path, target: str) -> None:
    """A redirect to a file or another service ends there."""
    host.redirect = target
    async with client(host.url) as own:
        with pytest.raises(Unavailable, match="not a web address"):
            await own.download(f"{host.url}/v.mp4", tmp_path / "v.mp4")


async def test_the_checked_address_is_the_one_connected_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that changes its mind after the check changes nothing; the host still sees its own name."""
    hosts_are_at(monkeypatch, "8.8.4.4")
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if len(seen) == 1:
            return httpx.Response(302, headers={"Location": "http://other.example:8080/w.mp4"})
        return httpx.Response(200, content=VIDEO)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        with Download(http, tmp_path / "v.mp4") as download:
            await download.fetch("https://cdn.example/v.mp4?sig=1")
            await download.keep()
    first, second = seen
    assert (str(first.url), first.headers["Host"]) == ("https://8.8.4.4/v.mp4?sig=1", "cdn.example")
    assert first.extensions["sni_hostname"] == "cdn.example"
    assert (str(second.url), second.headers["Host"]) == ("http://8.8.4.4:8080/w.mp4", "other.example:8080")
    assert (tmp_path / "v.mp4").read_bytes() == VIDEO


async def test_an_ipv6_address_is_pinned_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands in brackets in the address."""
    hosts_are_at(monkeypatch, "2606:4700::1")
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(200, content=VIDEO)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        with Download(http, tmp_path / "v.mp4") as download:
            await download.fetch("https://cdn.example:444/v.mp4")
    assert seen == ["https://[2606:4700::1]:444/v.mp4"]


def plays(host: Host, ranges: str) -> Callable[[], list[str]]:
    host.cuts, host.ranges = 1, ranges
    return lambda: [request.get("range", "") for request in host.asked]


@pytest.mark.parametrize(
    ("ranges", "asked"),
    [
        ("honoured", ["", f"bytes={HALF}-"]),
        ("ignored", ["", f"bytes={HALF}-"]),
        ("refused", ["", f"bytes={HALF}-", ""]),
    ],
)
async def test_a_cut_download_goes_on(host: Host, tmp_path: Path, ranges: str, asked: list[str]) -> None:
    """It goes on where it ended by one further request, or starts over where the host cannot."""
    requests = plays(host, ranges)
    async with client(host.url) as own:
        await own.download(f"{host.url}/v.mp4", tmp_path / "v.mp4")
    assert requests() == asked
    assert (tmp_path / "v.mp4").read_bytes() == VIDEO
    assert names(tmp_path) == ["v.mp4"]


async def test_a_video_that_is_too_large_is_asked_for_once(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To fetch it again would cost time and change nothing."""
    monkeypatch.setattr("seedance.download.MAX_VIDEO_BYTES", len(VIDEO) - 1)
    async with client(host.url) as own:
        with pytest.raises(TooLarge):
            await own.download(f"{host.url}/v.mp4", tmp_path / "v.mp4")
    assert len(host.asked) == 1
    assert names(tmp_path) == []


async def test_a_redirected_download_goes_on_behind_the_redirect(host: Host, tmp_path: Path) -> None:
    """The rest is asked for at the redirect's end as well."""
    host.redirect = f"{host.url}/w.mp4"
    requests = plays(host, "honoured")
    async with client(host.url) as own:
        await own.download(f"{host.url}/v.mp4", tmp_path / "v.mp4")
    assert requests() == ["", "", f"bytes={HALF}-", f"bytes={HALF}-"]
    assert (tmp_path / "v.mp4").read_bytes() == VIDEO

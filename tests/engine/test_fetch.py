"""Images of strangers' addresses: what is fetched, what is refused, and that nothing inside is reached."""

from __future__ import annotations

import asyncio
import json
import time
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from seedance.engine.fetch import CannotFetch, PrivateAddress, check_address, fetch_image
from seedance.outside import connections
from tests.strangers import PUBLIC, Canary, Internet, Serve, canary, host, says

pytestmark = pytest.mark.anyio


def hostile(section: str) -> list[str]:
    """Return the lines of a section of the list beside this file."""
    text = Path(__file__).with_name("hostile_urls.txt").read_text()
    lines = text.partition(f"\n[{section}]")[2].partition("\n\n")[0].splitlines()[1:]
    return [json.loads(f'"{line}"') for line in lines]


def spelled(port: int) -> list[str]:
    """Return URLs whose spelling gives them away."""
    found = [url.replace("{port}", str(port)) for url in ["", *hostile("urls")]]
    for name in hostile("loopback"):
        found += [f"http://{name}:{port}/a.png", f"https://{name}:{port}/a.png?sig=1", f"http://{name}/"]
    return found + [f"http://{name}/latest/meta-data" for name in hostile("inside")]


def named(port: int) -> list[str]:
    """Return URLs that give nothing away until their host is looked up."""
    return [f"{scheme}://{name}:{port}/a.png" for name in hostile("names") for scheme in ("http", "https")]


@pytest.fixture
def inside() -> Iterator[Canary]:
    with canary() as bird:
        yield bird


@pytest.fixture
async def internet(monkeypatch: pytest.MonkeyPatch) -> Internet:
    """An internet in which whatever name is looked up stands for the canary, unless it is named here."""
    internet = Internet(monkeypatch, otherwise=["127.0.0.1"])
    internet.names |= {
        "cdn.example": [[PUBLIC]],
        "mixed.example": [[PUBLIC, "127.0.0.1"]],
        "mixed6.example": [[PUBLIC, "::1"]],
        "six.example": [["::1"]],
        "mapped.example": [["::ffff:127.0.0.1"]],
        "nat64.example": [["64:ff9b::7f00:1"]],
        "6to4.example": [["2002:7f00:1::"]],
        "metadata.example": [["169.254.169.254"]],
        "cgnat.example": [["100.100.100.200"]],
        "zero.example": [["0.0.0.0"]],
        "scoped.example": [["fe80::1%lo"]],
    }
    return internet


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with connections() as client:
        yield client


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_no_hostile_address_reaches_anything(
    internet: Internet, inside: Canary, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    """However it is spelled, whatever it stands for: refused with our own errors, without a connection."""
    given_away, others = spelled(inside.port), named(inside.port)
    assert len({*given_away, *others}) >= 400
    for url in given_away:
        with pytest.raises(PrivateAddress, match=r"^Invalid image URL: "):
            check_address(url)
    for url in [*given_away, *others]:
        with pytest.raises(CannotFetch):
            await fetch_image(url, tmp_path / "image", http=http, seconds=2)
    assert internet.reached == []
    assert inside.visits() == 0
    assert not (tmp_path / "image").exists()


async def test_the_canary_sings(internet: Internet, inside: Canary) -> None:
    """A connection to it is counted: the test above would see one."""
    async with httpx.AsyncClient(timeout=0.2) as careless:
        for url in (f"http://127.0.0.1:{inside.port}/", f"http://inside.example:{inside.port}/"):
            with pytest.raises(httpx.HTTPError):
                await careless.get(url)
    assert inside.visits() == 2


async def test_names_that_turn_private_reach_nothing(
    internet: Internet, inside: Canary, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    """DNS rebinding: the second answer is never asked for."""
    async with host(says("200 OK", b"image")) as port:
        internet.routes[PUBLIC] = port
        for number in range(20):
            name = f"rebind{number}.example"
            internet.names[name] = [[PUBLIC], ["127.0.0.1"]]
            await fetch_image(f"http://{name}:{inside.port}/", tmp_path / name, http=http)
            assert internet.asked.count(name) == 1
    assert set(internet.reached) == {PUBLIC}
    assert inside.visits() == 0


async def test_redirects_reach_nothing_inside(
    internet: Internet, inside: Canary, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    """A public host sends us to each hostile address in turn; only the public host is ever connected to."""
    whole = ("http://", "https://", "//")  # any other leads to the public host again
    targets = [url for url in spelled(inside.port) + named(inside.port) if url.lower().startswith(whole)]

    async def serve(request: bytes, writer: asyncio.StreamWriter) -> None:
        path = request.split()[1].strip(b"/")
        to = (
            targets[int(path)].encode(errors="surrogatepass").translate(None, b"\r\n\0")
            if path.isdigit()
            else b"/"
        )
        writer.write(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + to + b"\r\n\r\n")

    async with host(serve) as port:
        internet.routes[PUBLIC] = port
        for number in range(len(targets)):
            with pytest.raises(CannotFetch):
                await fetch_image(f"http://cdn.example/{number}", tmp_path / "image", http=http, seconds=5)
    assert len(targets) >= 200
    assert set(internet.reached) == {PUBLIC}
    assert inside.visits() == 0


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://127.0.0.1/", "private or local network URLs are not allowed"),
        ("http://localhost:8000/a.png", "private or local network URLs are not allowed"),
        ("ftp://cdn.example/a.png", "it is not a web address"),
        ("a.png", "it is not a web address"),
        ("http://u:p@cdn.example/", "it holds a user's name or password"),
        ("http://cdn.example:99999/", "it cannot be read"),
    ],
)
def test_a_refusal_says_why(url: str, told: str) -> None:
    """The text is the contract's message."""
    with pytest.raises(PrivateAddress, match=f"^Invalid image URL: {told}$"):
        check_address(url)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://cdn.example/a.png",
            "https://cdn.example:8443/a.png?sig=a%2Fb&x=[1]",
            "HTTPS://CDN.EXAMPLE",
        ),
        *(
            "https://8.8.8.8/a.png",
            "http://[2606:4700::1]/a",
            "https://bücher.example/ä.png",
            "http://xn--e1afmkfd.example/b",
        ),
        *("https://cdn.example/a@b", "https://cdn.example/http://127.0.0.1/", "https://cdn.example/a b.png"),
    ],
)
def test_an_ordinary_address_passes(url: str) -> None:
    """The guard is no wider than what it guards."""
    check_address(url)


async def test_an_image_is_fetched_whole(internet: Internet, http: httpx.AsyncClient, tmp_path: Path) -> None:
    """Whatever type it claims to have, and behind a redirect; nothing is left beside it."""

    async def serve(request: bytes, writer: asyncio.StreamWriter) -> None:
        moved = says("302 Found", b"", "Location: https-is-not-needed/a.png")
        image = says("200 OK", b"image" * 100_000, "Content-Type: text/html")
        await (image if b"a.png" in request else moved)(request, writer)

    async with host(serve) as port:
        internet.routes[PUBLIC] = port
        await fetch_image("http://cdn.example/", tmp_path / "in" / "image", http=http)
    assert [path.read_bytes() for path in (tmp_path / "in").iterdir()] == [b"image" * 100_000]


async def endless(_: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(bytes(65536))
        await writer.drain()


async def dripping(_: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b".")
        await asyncio.sleep(0.02)


async def dripping_headers(_: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        writer.write(b".")
        await asyncio.sleep(0.02)


async def going_on(_: bytes, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await asyncio.sleep(0.001)


async def silent(_: bytes, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def talkative(_: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Header: " + b"x" * 1000 + b"\r\n")
        await writer.drain()


async def round_and_round(_: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n")
    await endless(b"", writer)


async def cut(_: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")


@pytest.mark.parametrize(
    ("serve", "told"),
    [
        (endless, "larger than 1 MB"),
        (says("200 OK", bytes(1_000_001)), "larger than 1 MB"),
        (dripping, "in 0.5 s"),
        (dripping_headers, "in 0.5 s"),
        (going_on, "in 0.5 s"),
        (silent, "in 0.5 s"),
        (talkative, "RemoteProtocolError"),
        (round_and_round, "redirects more than 5 times"),
        (cut, "RemoteProtocolError"),
        (says("200 OK"), "sent nothing"),
        (says("304 Not Modified"), "HTTP 304"),
        (says("404 Not Found", b"image"), "HTTP 404"),
        (says("500 No"), "HTTP 500"),
    ],
)
async def test_a_host_that_misbehaves_is_left(
    internet: Internet, http: httpx.AsyncClient, tmp_path: Path, serve: Serve, told: str
) -> None:
    """In bounded time, with bounded memory, and nothing on disk; the error tells no query."""
    async with host(serve) as port:
        internet.routes[PUBLIC] = port
        start = time.monotonic()
        with pytest.raises(CannotFetch, match=told) as caught:
            await fetch_image(
                "http://cdn.example/?sig=SECRET", tmp_path / "i", http=http, max_bytes=1_000_000, seconds=0.5
            )
        assert time.monotonic() - start < 5
    assert "SECRET" not in str(caught.value)
    assert names(tmp_path) == []


async def test_a_bomb_stays_folded(internet: Internet, http: httpx.AsyncClient, tmp_path: Path) -> None:
    """A body packed though none was asked for is kept as it came; as an image it cannot be opened."""
    packed = zlib.compress(bytes(100_000_000))
    async with host(says("200 OK", packed, "Content-Encoding: deflate")) as port:
        internet.routes[PUBLIC] = port
        await fetch_image("http://cdn.example/", tmp_path / "i", http=http, max_bytes=1_000_000)
    assert (tmp_path / "i").read_bytes() == packed


async def test_only_a_direct_client_is_taken(tmp_path: Path) -> None:
    """One that heeds the environment's proxies would let them look names up."""
    async with httpx.AsyncClient() as careless:
        with pytest.raises(ValueError, match="may go through a proxy"):
            await fetch_image("http://cdn.example/", tmp_path / "i", http=careless)

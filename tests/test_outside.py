"""What a GET to a stranger's address reaches, on a small internet inside this machine."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import trustme

from seedance.outside import Barred, Inside, Outside, connections
from tests.strangers import OTHER, PUBLIC, Canary, Internet, canary, host, says

pytestmark = pytest.mark.anyio


@pytest.fixture
def inside() -> Iterator[Canary]:
    with canary() as bird:
        yield bird


@pytest.fixture
async def internet(monkeypatch: pytest.MonkeyPatch) -> Internet:
    internet = Internet(monkeypatch)
    internet.names["cdn.example"] = [[PUBLIC]]
    return internet


async def get(url: str, **options: object) -> bytes:
    async with connections() as http, Outside(http, 5.0, **options).get(url) as response:  # type: ignore[arg-type]
        return await response.aread()


async def test_the_name_is_looked_up_once_and_the_checked_address_connected_to(
    internet: Internet, inside: Canary
) -> None:
    """A name that changes its mind after the check (DNS rebinding) changes nothing."""
    internet.names["cdn.example"] = [[PUBLIC], ["127.0.0.1"]]
    seen: list[bytes] = []

    async def serve(request: bytes, writer: asyncio.StreamWriter) -> None:
        seen.append(request)
        await says("200 OK", b"ours")(request, writer)

    async with host(serve) as port:
        internet.routes[PUBLIC] = port
        assert await get(f"http://cdn.example:{inside.port}/v?sig=1") == b"ours"
    assert internet.asked == ["cdn.example"]
    assert internet.reached == [PUBLIC]
    assert inside.visits() == 0
    lines = seen[0].lower().split(b"\r\n")
    assert lines[0] == b"get /v?sig=1 http/1.1"
    assert f"host: cdn.example:{inside.port}".encode() in lines
    assert b"connection: close" in lines
    assert b"accept-encoding: identity" in lines


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:{port}/",
        "http://[::1]:{port}/",
        "http://127.1:{port}/",
        "http://localhost:{port}/",
        "http://inside.example:{port}/",
        "//127.0.0.1:{port}/",
        "http://cdn.example@127.0.0.1:{port}/",
        "file:///etc/passwd",
        "http://[::1/",
        "http://a..b:{port}/",
        "//\u212a\uff0f@127.0.0.1:{port}",
    ],
)
@pytest.mark.parametrize("hops", [1, 4])
async def test_no_redirect_leads_inside(internet: Internet, inside: Canary, target: str, hops: int) -> None:
    """A public host, or a chain of them, cannot send us where it may not go itself."""
    internet.names |= {"inside.example": [["127.0.0.1"]], "other.example": [[OTHER]]}

    async def serve(request: bytes, writer: asyncio.StreamWriter) -> None:
        hop = int(request.split()[1].strip(b"/"))
        name = "other.example" if hop % 2 else "cdn.example"
        to = target.format(port=inside.port) if hop == hops else f"http://{name}/{hop + 1}"
        writer.write(f"HTTP/1.1 302 Found\r\nLocation: {to}\r\n\r\n".encode())

    async with host(serve) as port:
        internet.routes |= {PUBLIC: port, OTHER: port}
        with pytest.raises((Barred, httpx.RemoteProtocolError)):
            await get("http://cdn.example/1")
    assert len(internet.reached) == hops
    assert set(internet.reached) <= {PUBLIC, OTHER}
    assert inside.visits() == 0


async def test_a_name_that_turns_private_between_two_redirects_is_refused(
    internet: Internet, inside: Canary
) -> None:
    """Each hop is looked up and checked anew."""
    internet.names["cdn.example"] = [[PUBLIC], ["127.0.0.1"]]
    back = f"http://cdn.example:{inside.port}/"
    async with host(says("302 Found", b"", f"Location: {back}")) as port:
        internet.routes[PUBLIC] = port
        with pytest.raises(Inside):
            await get("http://cdn.example/")
    assert inside.visits() == 0


async def test_redirects_end(internet: Internet) -> None:
    """Five are followed."""
    async with host(says("302 Found", b"", "Location: /again")) as port:
        internet.routes[PUBLIC] = port
        with pytest.raises(Barred, match="redirects more than 5 times"):
            await get("http://cdn.example/")
    assert len(internet.reached) == 6


async def test_the_next_address_is_tried_where_one_does_not_answer(internet: Internet) -> None:
    """A machine without a working IPv6 route still reaches a host that has both."""
    internet.names["cdn.example"] = [[OTHER, PUBLIC]]
    async with host(says("200 OK", b"ours")) as port:
        internet.routes[PUBLIC] = port
        assert await get("http://cdn.example/") == b"ours"
    assert internet.reached == [OTHER, PUBLIC]


async def test_a_host_with_an_address_inside_is_not_asked_at_the_others(internet: Internet) -> None:
    """Whoever mixes a private address among public ones means no good."""
    internet.names["cdn.example"] = [[PUBLIC, "10.0.0.1"]]
    with pytest.raises(Inside):
        await get("http://cdn.example/")
    assert internet.reached == []


async def test_a_certificate_is_checked_for_the_name_not_the_number(
    internet: Internet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pin costs nothing of what TLS promises; a connection never serves a second name."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("cdn.example").configure_cert(tls)
    internet.names["other.example"] = [[PUBLIC]]
    async with host(says("200 OK", b"ours"), tls) as port, connections() as http:
        internet.routes[PUBLIC] = port
        for name in ("cdn.example", "cdn.example."):
            internet.names[name] = [[PUBLIC]]
            async with Outside(http, 5.0).get(f"https://{name}/") as response:
                assert await response.aread() == b"ours"
        with pytest.raises(httpx.ConnectError, match="mismatch"):
            async with Outside(http, 5.0).get("https://other.example/"):
                pass


async def test_a_connection_is_not_kept_by_any_client(internet: Internet) -> None:
    """Two names at one number get a connection each, even from a client that keeps its own."""
    internet.names["other.example"] = [[PUBLIC]]
    async with host(says("200 OK", b"ours")) as port, httpx.AsyncClient() as http:
        internet.routes[PUBLIC] = port
        for name in ("cdn.example", "other.example"):
            async with Outside(http, 5.0).get(f"http://{name}/") as response:
                await response.aread()
    assert internet.reached == [PUBLIC, PUBLIC]


async def test_nothing_of_ours_goes_along(internet: Internet) -> None:
    """No header of the client, no cookie of an earlier answer."""
    seen: list[bytes] = []

    async def serve(request: bytes, writer: asyncio.StreamWriter) -> None:
        seen.append(request.lower())
        await says("200 OK", b"", "Set-Cookie: id=7")(request, writer)

    async with host(serve) as port, httpx.AsyncClient(headers={"Authorization": "Bearer sk"}) as http:
        internet.routes[PUBLIC] = port
        for client in (http, http):
            async with Outside(client, 5.0).get("http://cdn.example/"):
                pass
    assert not any(b"cookie" in request or b"authorization" in request for request in seen)


async def test_strangers_cookies_are_not_kept(internet: Internet) -> None:
    """A client from `connections` remembers nothing."""
    async with host(says("200 OK", b"", "Set-Cookie: id=7")) as port, connections() as http:
        internet.routes[PUBLIC] = port
        async with Outside(http, 5.0).get("http://cdn.example/"):
            pass
        assert not http.cookies


async def test_an_answer_is_not_unpacked(internet: Internet) -> None:
    """A bomb stays folded: no coding was asked for, none is undone."""
    packed = b"\x1f\x8b not really"
    async with host(says("200 OK", packed, "Content-Encoding: gzip")) as port:
        internet.routes[PUBLIC] = port
        assert await get("http://cdn.example/") == packed


async def test_an_own_server_may_be_inside_and_its_neighbour_may_not(internet: Internet) -> None:
    """Trust goes to one server, not to all that its machine runs."""
    async with host(says("200 OK", b"ours")) as port:
        own = httpx.URL(f"http://127.0.0.1:{port}")
        assert await get(f"http://127.0.0.1:{port}/v", own_server=own) == b"ours"
        with pytest.raises(Inside):
            await get(f"http://127.0.0.1:{port + 1}/v", own_server=own)
        with pytest.raises(Inside):
            await get(f"https://127.0.0.1:{port}/v", own_server=own)


@pytest.mark.parametrize("heeded", [True, False])
async def test_a_proxy_is_asked_by_name_and_only_where_the_client_heeds_one(
    internet: Internet, monkeypatch: pytest.MonkeyPatch, heeded: bool
) -> None:
    """Where the environment names a proxy there may be no other way out; strangers' images never take it."""
    seen: list[bytes] = []

    async def serve(request: bytes, writer: asyncio.StreamWriter) -> None:
        seen.append(request.split(b"\r\n")[0])
        await says("200 OK", b"ours")(request, writer)

    async with host(serve) as port:
        internet.routes[PUBLIC] = port
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        async with httpx.AsyncClient() if heeded else connections() as http:
            async with Outside(http, 5.0).get("http://cdn.example/v") as response:
                assert await response.aread() == b"ours"
            with pytest.raises(Inside):
                async with Outside(http, 5.0).get("http://localhost/v"):
                    pass
    assert seen == ([b"GET http://cdn.example/v HTTP/1.1"] if heeded else [b"GET /v HTTP/1.1"])


async def test_behind_a_proxy_a_name_that_is_known_to_lead_inside_is_refused(
    internet: Internet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What we can look up is checked; what we cannot is the proxy's to know."""
    internet.names["inside.example"] = [["10.0.0.1"]]
    async with host(says("200 OK", b"ours")) as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        async with httpx.AsyncClient() as http:
            with pytest.raises(Inside):
                async with Outside(http, 5.0).get("http://inside.example/"):
                    pass
            async with Outside(http, 5.0).get("http://unknown.example/") as response:
                assert await response.aread() == b"ours"

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Any

import pytest

from seedance.addresses import is_public, resolve_public

INSIDE = {
    "unspecified": "0.0.0.0",
    "this network": "0.1.2.3",
    "private 10": "10.0.0.1",
    "private 172": "172.31.255.255",
    "private 192": "192.168.1.1",
    "loopback": "127.0.0.1",
    "all of loopback": "127.255.255.254",
    "link-local": "169.254.0.1",
    "metadata": "169.254.169.254",
    "metadata at Azure": "168.63.129.16",
    "metadata at Oracle": "192.0.0.192",
    "carrier's NAT": "100.64.0.1",
    "carrier's NAT, last": "100.127.255.255",
    "metadata at Alibaba": "100.100.100.200",
    "benchmarks": "198.18.0.1",
    "documentation": "203.0.113.7",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "multicast": "224.0.0.1",
    "multicast, global": "239.1.2.3",
    "6 unspecified": "::",
    "6 loopback": "::1",
    "6 link-local": "fe80::1",
    "6 unique local": "fd00:ec2::254",
    "6 multicast": "ff02::1",
    "6 multicast, global": "ff0e::1",
    "6 documentation": "2001:db8::1",
    "mapped loopback": "::ffff:127.0.0.1",
    "mapped metadata": "::ffff:169.254.169.254",
    "mapped NAT": "::ffff:100.64.0.1",
    "NAT64 of 127.0.0.1": "64:ff9b::7f00:1",
    "NAT64, local": "64:ff9b:1::7f00:1",
    "6to4 of 10.0.0.1": "2002:a00:1::1",
    "Teredo": "2001:0:4136:e378:8000:63bf:3fff:fdd2",
}
OUTSIDE = {
    "dns": "8.8.8.8",
    "beside 10": "11.0.0.1",
    "beside 172": "172.32.0.1",
    "beside NAT": "100.128.0.1",
    "beside Azure's": "168.63.129.17",
    "beside link-local": "169.255.0.1",
    "6 dns": "2001:4860:4860::8888",
    "6 cdn": "2606:4700::6810:84e5",
    "mapped": "::ffff:8.8.8.8",
}


def entries(*addresses: str) -> list[tuple[Any, ...]]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]


async def resolve(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> str | None:
    """Resolve a host whose name stands for these addresses."""
    asked: list[tuple[str, int]] = []

    async def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[Any, ...]]:
        asked.append((host, port))
        return entries(*addresses)

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    found = await resolve_public("cdn.example", 443)
    assert asked == [("cdn.example", 443)]
    return found


@pytest.mark.parametrize("address", INSIDE.values(), ids=INSIDE.keys())
def test_an_address_inside_is_refused(address: str) -> None:
    """Nothing of this machine, its network, its cloud or a translation into them counts as public."""
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", OUTSIDE.values(), ids=OUTSIDE.keys())
def test_an_ordinary_address_is_allowed(address: str) -> None:
    """The guard is no wider than what it guards."""
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.anyio
async def test_a_public_host_gives_the_address_to_connect_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the first one, in the order in which the system prefers them."""
    assert await resolve(monkeypatch, "8.8.4.4", "2001:4860:4860::8888") == "8.8.4.4"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "addresses",
    [["8.8.8.8", "10.0.0.1"], ["10.0.0.1", "8.8.8.8"], ["8.8.8.8", "::1"], ["8.8.8.8", "fe80::1%eth0"], []],
    ids=["last", "first", "loopback", "scoped", "none"],
)
async def test_a_host_with_one_address_inside_is_refused(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    """Whoever mixes a private address among public ones means no good; no address is none to connect to."""
    assert await resolve(monkeypatch, *addresses) is None


@pytest.mark.anyio
@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f.1", "2130706433", "::1"])
async def test_a_number_is_read_as_the_system_reads_it(host: str) -> None:
    """Other spellings of an address lead where they lead, and are judged by that."""
    assert await resolve_public(host, 80) is None


@pytest.mark.anyio
async def test_a_name_that_cannot_be_resolved_is_an_os_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller tells a missing name from a forbidden one."""

    async def getaddrinfo(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    with pytest.raises(OSError, match="not known"):
        await resolve_public("nowhere.example", 443)

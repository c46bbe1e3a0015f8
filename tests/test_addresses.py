from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Any

import pytest

from seedance.addresses import is_public, leads_inside, resolve_public

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
    "metadata at Tencent": "169.254.0.23",
    "metadata at Amazon, 6": "fd00:ec2::254",
    "metadata at Google, 6": "fd20:ce::254",
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
    "6 unique local": "fd12:3456::1",
    "6 site-local": "fec0::1",
    "6 scoped": "2606:4700::1%eth0",
    "compatible loopback": "::127.0.0.1",
    "compatible public": "::8.8.8.8",
    "translated loopback": "::ffff:0:127.0.0.1",
    "ORCHID": "2001:20::1",
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
# https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry, as of 2025.
IANA = """
0.0.0.0/8 0.0.0.0/32 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
192.0.0.0/29 192.0.0.8/32 192.0.0.9/32 192.0.0.10/32 192.0.0.170/32 192.0.0.171/32 192.0.2.0/24
192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.88.99.2/32 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15
198.51.100.0/24 203.0.113.0/24 240.0.0.0/4 255.255.255.255/32
::1/128 ::/128 ::ffff:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001::/32
2001:1::1/128 2001:1::2/128 2001:1::3/128 2001:2::/48 2001:3::/32 2001:4:112::/48 2001:10::/28 2001:20::/28
2001:30::/28 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fe80::/10
"""
MORE = "::/96 fec0::/10 ff00::/8 224.0.0.0/4 168.63.129.16/32 400::/6 4000::/2 8000::/1"
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


async def resolve(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> tuple[str, ...]:
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


@pytest.mark.parametrize("network", (IANA + MORE).split())
def test_no_special_range_is_public(network: str) -> None:
    """Whatever IANA set apart, and what it never gave out, is refused from its first to its last address."""
    found = ipaddress.ip_network(network)
    for address in (found[0], found[found.num_addresses // 2], found[-1]):
        if (mapped := getattr(address, "ipv4_mapped", None)) is None or not is_public(mapped):
            assert not is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST", "localhost.", "a.localhost", "db", "printer.local", "x.home.arpa", ""),
        *("metadata.google.internal", "nas.lan", "api.default.svc", "wiki.corp"),
        *(
            "127.0.0.1",
            "127.0.0.1.",
            "127.1",
            "0x7f.1",
            "0x7f000001",
            "2130706433",
            "0177.0.0.1",
            "017700000001",
        ),
        *("0", "0x0", "10.1", "0xa9.0xfe.0xa9.0xfe", "2852039166", "4294967297", "1.2.3.4.5", "a.b.0x7f"),
        *("::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::127.0.0.1", "64:ff9b::7f00:1", "fe80::1%eth0"),
    ],
)
def test_a_host_inside_is_known_by_its_spelling(host: str) -> None:
    """However an address is written, it is refused before anything is looked up."""
    assert leads_inside(host)


@pytest.mark.parametrize(
    "host",
    [
        "cdn.example",
        "cdn.example.",
        "8.8.8.8",
        "134744072",
        "0x08080808",
        "2606:4700::1",
        "1.2.com",
        "local.ai",
    ],
)
def test_a_host_outside_is_left_to_the_look_up(host: str) -> None:
    """A number is no fault, nor a local word inside a name."""
    assert not leads_inside(host)


@pytest.mark.anyio
async def test_a_public_host_gives_the_addresses_to_connect_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """They stand in the order in which the system prefers them, each once."""
    found = await resolve(monkeypatch, "8.8.4.4", "2001:4860:4860::8888", "8.8.4.4")
    assert found == ("8.8.4.4", "2001:4860:4860::8888")


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
    assert await resolve(monkeypatch, *addresses) == ()


@pytest.mark.anyio
@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f.1", "2130706433", "::1"])
async def test_a_number_is_read_as_the_system_reads_it(host: str) -> None:
    """Other spellings of an address lead where they lead, and are judged by that."""
    assert await resolve_public(host, 80) == ()


@pytest.mark.anyio
async def test_a_name_that_cannot_be_resolved_is_an_os_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller tells a missing name from a forbidden one."""

    async def getaddrinfo(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    with pytest.raises(OSError, match="not known"):
        await resolve_public("nowhere.example", 443)


@pytest.mark.anyio
@pytest.mark.parametrize("host", ["a..example", ".example", "a" * 64 + ".example"])
async def test_a_name_that_is_none_is_an_os_error(host: str) -> None:
    """The codec's own error does not get out."""
    with pytest.raises(OSError, match="not a host's name"):
        await resolve_public(host, 443)

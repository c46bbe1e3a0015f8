"""Which network addresses a URL from outside may lead to: public ones only."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from contextlib import suppress
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# What IANA's registries of special-purpose addresses hold, and more: no web server of the public internet is
# in any of them. Python's own `is_global` differs from version to version, so it is asked only in addition.
_SPECIAL: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # a carrier's NAT; Alibaba's metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's metadata
        "169.254.0.0/16",  # link-local; everybody else's metadata
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocols; Oracle's metadata
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",  # Teredo, benchmarks, ORCHID and other protocols
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address inside
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
"""All that was ever given out: no local, site-local or multicast address, no IPv4 address in another form."""

_OWN: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("127.0.0.0/8", "::1/128"),
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
        *("169.254.0.0/16", "fe80::/10"),
    )
)
"""Loopback, private networks, and what only the next machine can reach."""

_LOCAL_NAMES: Final = frozenset(
    {"localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan", "svc"}
)
"""Last parts of names that lead inside, in every network that has them."""


def is_public(address: Address) -> bool:
    """Tell whether an address lies in the public internet, on any reading of it."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address not in _UNICAST or address.scope_id is not None:
            return False
    special = any(address in network for network in _SPECIAL if network.version == address.version)
    return address.is_global and not special


def is_own(address: Address) -> bool:
    """Tell whether an address is this machine's or a private network's. What is neither is not public yet."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return is_own(address.ipv4_mapped)
    return any(address in network for network in _OWN if network.version == address.version)


def leads_inside(host: str) -> bool:
    """Tell from its spelling alone, without a look-up, that a host is no public one.

    Numbers are read in every form in which the system reads them: `127.1`, `0x7f000001`, `2130706433`.
    """
    name = host.rstrip(".").lower()
    address = _literal(name)
    if address is not None:
        return not is_public(address)
    *before, last = name.split(".")
    return not before or last in _LOCAL_NAMES or last[:1].isdigit() or name.endswith(".home.arpa")


async def resolve_public(host: str, port: int) -> tuple[str, ...]:
    """Return the addresses of the host to connect to, the best first; none unless every one is public.

    Raises:
        OSError: the name cannot be resolved.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a name with a part that is empty or too long
        raise OSError("This is not a host's name") from error
    addresses = [ipaddress.ip_address(str(entry[4][0])) for entry in found]
    return tuple(dict.fromkeys(map(str, addresses))) if all(map(is_public, addresses)) else ()


def _literal(host: str) -> Address | None:
    """Read a host that is an address already."""
    with suppress(ValueError):
        return ipaddress.ip_address(host)
    with suppress(OSError, UnicodeError):
        return ipaddress.IPv4Address(socket.inet_aton(host))
    return None

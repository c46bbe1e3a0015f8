"""Which network addresses a URL from outside may lead to: public ones only."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Ranges that Python calls global although they lead, or can be made to lead, inside: cloud metadata, and the
# translations that carry an IPv4 address (RFC 6052, RFC 8215, RFC 3056, RFC 4380).
_INSIDE: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "100.64.0.0/10",
        "192.0.0.0/24",
        "168.63.129.16/32",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/32",
    )
)


def is_public(address: Address) -> bool:
    """Tell whether an address lies in the public internet, on any reading of it."""
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        return is_public(mapped)
    inside = any(address in network for network in _INSIDE if network.version == address.version)
    return address.is_global and not address.is_multicast and not inside


async def resolve_public(host: str, port: int) -> str | None:
    """Return an address of the host to connect to, or None unless every one it has is public.

    Raises:
        OSError: the name cannot be resolved.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not addresses or not all(map(is_public, addresses)):
        return None
    return str(addresses[0])

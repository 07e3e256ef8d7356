"""Network addresses: what counts as one caller."""

import ipaddress
from functools import lru_cache

_IPV6_PREFIX = 64
"""Bits of an address of IPv6 that name whose network it is: the rest its holder chooses at will."""


@lru_cache(maxsize=1_000)
def network_of(address: str | None) -> str:
    """Return what counts as one address: of IPv6 the network that one client has."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:  # a socket of the file system, or nothing
        return address or ""
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:  # a socket for both writes every caller of IPv4 like this
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _IPV6_PREFIX), strict=False))

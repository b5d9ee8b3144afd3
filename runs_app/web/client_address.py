"""Who is at the other end of a connection, where proxies stand in between.

Anybody may send `X-Forwarded-For`. Each proxy appends the address it was called from: read from the
end, an entry is believed as long as one of our own proxies wrote it.
"""

import re
from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# A socket of the file system has no address.
UNKNOWN: Final = "unknown"
MAPPED_IPV4: Final = IPv6Network("::ffff:0:0/96")
# What one customer of a provider gets at the least: all of it is one client.
IPV6_CLIENT_BITS: Final = 64
WITH_PORT: Final = re.compile(r"\[(?P<v6>[^\[\]]*)\](?::\d{1,5})?|(?P<v4>[\d.]+):\d{1,5}")


def parse_network(text: str) -> Network:
    """An address or a network. Raises ValueError with a sentence."""
    try:
        network = ip_network(text)
    except ValueError:
        raise ValueError(
            "It takes addresses and networks, such as 10.0.0.5 or 10.0.0.0/8 or fd00::/8."
        ) from None
    if isinstance(network, IPv6Network) and network.subnet_of(MAPPED_IPV4):
        plain = _plain(network.network_address)
        return ip_network(f"{plain}/{network.prefixlen - MAPPED_IPV4.prefixlen}")
    return network


def client_address(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> Address | None:
    """The last address on the way here that is none of the trusted proxies, or where all are, the
    first. `peer` is who opened the connection.

    None where even that is no address. An entry that is none ends the search: what a proxy of ours
    could not have written, and all before it, is worth nothing.
    """
    nearest = _address(peer)
    if nearest is None:
        return None
    for entry in reversed(forwarded_for.split(",")):
        if not _is_among(nearest, trusted):
            break
        farther = _address(entry)
        if farther is None:
            break
        nearest = farther
    return nearest


def client_name(address: Address | None) -> str:
    """What a client is counted as: an IPv4 address, or a network of IPv6."""
    if address is None:
        return UNKNOWN
    if isinstance(address, IPv6Address):
        host_bits = 128 - IPV6_CLIENT_BITS
        network = IPv6Network((int(address) >> host_bits << host_bits, IPV6_CLIENT_BITS))
        return str(network)
    return str(address)


def _address(text: str) -> Address | None:
    """An address as peers and proxies write it, some with a port."""
    text = text.strip()
    written = WITH_PORT.fullmatch(text)
    if written:
        text = written["v6"] or written["v4"] or ""
    try:
        return _plain(ip_address(text))
    except ValueError:
        return None


def _plain(address: Address) -> Address:
    """IPv4 in the clothes of IPv6 is IPv4."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _is_among(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)

"""Which peers of the server are believed about whom they speak for."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Self, TypeAlias

from attrs import frozen

from campuscore.errors import Misconfigured

__all__ = ["Peers", "is_inner"]

_UNIX = "unix"
_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


@frozen
class Peers:
    """A set of network peers: networks, and whoever comes by a Unix socket.

    >>> peers = Peers.parse(["10.0.0.0/8", "::1", "unix"])
    >>> [text for text in ("10.1.2.3", "::ffff:10.0.0.1", "", "8.8.8.8") if text in peers]
    ['10.1.2.3', '::ffff:10.0.0.1', '']
    """

    networks: tuple[_Network, ...] = ()
    unix: bool = False

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Self:
        """Read addresses, networks and the word ``unix``; Misconfigured says what is none."""
        words = list(texts)
        try:
            networks = tuple(ipaddress.ip_network(text) for text in words if text != _UNIX)
        except ValueError as error:
            raise Misconfigured(f"trusted_proxies: {error}") from error
        return cls(networks, _UNIX in words)

    def __contains__(self, text: str) -> bool:
        """Say whether an address is among them; the empty one is that of a Unix socket."""
        if not text:
            return self.unix
        try:
            address: _Address = ipaddress.ip_address(text)
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self.networks)


def is_inner(text: str) -> bool:
    """Say whether an address is of this machine or of a private network."""
    address = ipaddress.ip_address(text)
    return address.is_loopback or address.is_private

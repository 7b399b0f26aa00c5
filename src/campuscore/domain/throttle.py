"""How often something may be tried: the generic cell rate algorithm (GCRA) as pure values.

A key needs one instant, its theoretical arrival: when all that was charged will have come back. It
decides as a token bucket does, without anything that has to be counted up by a clock.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from attrs import frozen

__all__ = ["Charge", "Limit", "LoginLimits", "charged", "network_of", "wait_of"]

_NOTHING = timedelta(0)
_IPV6_SITE = 64


@frozen
class Limit:
    """So many tries at once, and one more each time this span has passed."""

    burst: int
    every: timedelta

    def __attrs_post_init__(self) -> None:
        if self.burst < 1:
            message = "a limit lets at least one through"
            raise ValueError(message)
        if self.every <= _NOTHING:
            message = "what was charged comes back after a while"
            raise ValueError(message)

    @property
    def span(self) -> timedelta:
        """How long it takes until everything has come back."""
        return self.every * self.burst


@frozen
class Charge:
    """What a try costs on a key: one of its tries, or several at once."""

    key: bytes
    limit: Limit
    cost: int = 1

    def arrival(self, stored: datetime | None, at: datetime) -> datetime:
        """Return the theoretical arrival after this charge.

        What is stored lies at most a span ahead: a clock that was set back, or a limit that was
        wider, shuts nobody out for longer.
        """
        earlier = at if stored is None else min(max(stored, at), at + self.limit.span)
        return earlier + self.limit.every * self.cost

    def wait(self, stored: datetime | None, at: datetime) -> timedelta:
        """Return how long to wait until the charge is within the limit; nothing if it is."""
        return max(self.arrival(stored, at) - at - self.limit.span, _NOTHING)

    @property
    def given_back(self) -> timedelta:
        """By how much the theoretical arrival comes nearer when the charge is given back."""
        return self.limit.every * self.cost


def wait_of(
    charges: Sequence[Charge], arrivals: Mapping[bytes, datetime], at: datetime
) -> timedelta | None:
    """Return how long to wait until every charge is within its limit; None if all are."""
    longest = max((each.wait(arrivals.get(each.key), at) for each in charges), default=_NOTHING)
    return longest or None


def charged(
    charges: Sequence[Charge], arrivals: Mapping[bytes, datetime], at: datetime
) -> dict[bytes, datetime]:
    """Return the theoretical arrivals after all charges."""
    return {each.key: each.arrival(arrivals.get(each.key), at) for each in charges}


@frozen
class LoginLimits:
    """How often passwords may be tried: by key, and how long an address counts as known."""

    pair: Limit = Limit(10, timedelta(seconds=30))
    account: Limit = Limit(30, timedelta(minutes=1))
    address: Limit = Limit(100, timedelta(seconds=3))
    everybody: Limit = Limit(1000, timedelta(milliseconds=300))
    known: timedelta = timedelta(days=30)


def network_of(address: str) -> str:
    """Return who is behind an address: of IPv6 the /64, which one client has as a whole.

    >>> network_of("2001:db8::a:1"), network_of("192.0.2.7")
    ('2001:db8::/64', '192.0.2.7')
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), _IPV6_SITE), strict=False))

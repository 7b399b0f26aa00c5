"""The port of throttling: how often something was tried, counted by all processes at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from campuscore.domain.throttle import Charge

__all__ = ["RateLimiter"]


class RateLimiter(Protocol):
    """Counts tries by key, exactly, however many processes try at the same time.

    It is no part of a Work: what it counts is stored at once, whatever becomes of the use case, and
    must not be called while a Work is open. It need not be durable: a store that forgets it in a
    crash lets a burst through, and nothing else.

    Keys are digests that the caller makes, at most 64 bytes; the keys of one call differ. A store
    never learns what they stand for. An arrival that is stored is that of ``Charge.arrival``.

    Every method raises Unavailable where the store cannot be reached, and Busy where others held it
    for too long.
    """

    def charge(self, charges: Sequence[Charge], at: datetime) -> timedelta | None:
        """Charge all keys or none.

        Parameters
        ----------
        charges
            At most eight.
        at
            Now.

        Returns
        -------
        timedelta | None
            None when all were within their limits and are charged; else how long to wait, and
            nothing is charged.
        """
        ...

    def refund(self, charges: Sequence[Charge]) -> None:
        """Give charges back; a key never has more than its burst."""
        ...

    def clear(self, prefix: bytes) -> None:
        """Forget what was charged on every key that begins with this."""
        ...

    def forget(self, before: datetime) -> int:
        """Remove the keys to which everything had come back by then, and return how many.

        It changes no answer, and takes only keys that nobody charges at this moment.
        """
        ...

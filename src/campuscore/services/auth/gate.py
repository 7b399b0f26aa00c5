"""What slows down the guessing of passwords, and lets the right people through meanwhile."""

from __future__ import annotations

import hmac
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta

from attrs import evolve, field, frozen

from campuscore.domain.auth import Origin
from campuscore.domain.days import Days
from campuscore.domain.throttle import Charge, LoginLimits, network_of
from campuscore.domain.users import username_key
from campuscore.errors import Busy, CampusError, TooMany
from campuscore.ports.auth import Verdict
from campuscore.ports.throttle import RateLimiter
from campuscore.ports.work import WorkFactory

__all__ = ["Gate"]

_MARGIN = timedelta(minutes=1)
"""Clocks of several machines differ by less."""


@frozen
class Gate:
    """Counts tries of passwords by four keys, before any of them is hashed.

    The pair of address and account, the account from addresses that it does not know, the address,
    and everybody. A right password gives its tries back. An unknown username is counted as a known
    one is, by the same statements.
    """

    store: WorkFactory
    limiter: RateLimiter
    days: Days
    secret: bytes = field(repr=False)
    is_open: bool = False
    limits: LoginLimits = field(factory=LoginLimits)

    def verify(self, username: str, origin: Origin | None, check: Callable[[], Verdict]) -> Verdict:
        """Return the verdict on a password, if it may be tried at all now.

        Raises
        ------
        TooMany
            There were too many tries (``too_many_attempts``); nothing was hashed.
        Busy, Unavailable
            Tries cannot be counted, so that nobody may try.
        """
        if self.is_open:
            return check()
        pair, others = self._charges(username, origin)
        self._charge([*pair, *others])
        try:
            verdict = check()
        except Busy:
            self._give_back([*pair, *others])
            raise
        if verdict.fits:
            self._give_back([*(evolve(each, cost=each.limit.burst) for each in pair), *others])
        return verdict

    def unlock(self, username: str) -> None:
        """Forget the tries on an account, from wherever they came."""
        self.limiter.clear(self._account(username))

    def forget(self) -> int:
        """Remove what was counted and has come back, and return how many keys that were."""
        return self.limiter.forget(self.days.now() - _MARGIN)

    def _charges(self, username: str, origin: Origin | None) -> tuple[list[Charge], list[Charge]]:
        """Return the charge on the pair, if there is an address, and those on all else."""
        limits, account = self.limits, self._account(username)
        others = [Charge(self._digest("everybody", ""), limits.everybody)]
        address = origin.ip_address if origin else None
        if not address:
            return [], [*others, Charge(account, limits.account)]
        network = network_of(address)
        place = self._digest("address", network)
        others.append(Charge(place, limits.address))
        if not self._knows(username, network):
            others.append(Charge(account, limits.account))
        return [Charge(account + place, limits.pair)], others

    def _knows(self, username: str, network: str) -> bool:
        """Say whether somebody has logged in from there lately."""
        since = self.days.now() - self.limits.known
        with self.store.read() as work:
            known = work.sessions.addresses(username, since)
        return any(network_of(address) == network for address in known)

    def _charge(self, charges: Sequence[Charge]) -> None:
        wait = self.limiter.charge(charges, self.days.now())
        if wait is not None:
            seconds = math.ceil(wait.total_seconds())
            text = f"too many passwords were tried; try again in {seconds} seconds"
            raise TooMany(text, retry_after=seconds, code="too_many_attempts")

    def _give_back(self, charges: Sequence[Charge]) -> None:
        """Give charges back; where that fails they come back with time, and nobody is refused."""
        with suppress(CampusError):
            self.limiter.refund(charges)

    def _account(self, username: str) -> bytes:
        return self._digest("account", username_key(username))

    def _digest(self, kind: str, text: str) -> bytes:
        """Return a key that tells nothing to whoever reads the table without the secret."""
        words = f"{kind}\0{text}".encode("utf-8", "surrogatepass")
        return hmac.digest(self.secret, words, "sha256")

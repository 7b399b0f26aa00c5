"""Throttling in memory, for one process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Lock

from attrs import define, field

from campuscore.adapters.memory.store import Gate
from campuscore.domain.throttle import Charge, charged, wait_of
from campuscore.errors import Unavailable

__all__ = ["MemoryLimiter"]


@define(eq=False)
class MemoryLimiter:
    """The port ``RateLimiter``."""

    _gate: Gate
    _arrivals: dict[bytes, datetime] = field(factory=dict[bytes, datetime], init=False)
    _lock: Lock = field(factory=Lock, init=False)

    def charge(self, charges: Sequence[Charge], at: datetime) -> timedelta | None:
        self._require_open()
        with self._lock:
            wait = wait_of(charges, self._arrivals, at)
            if wait is None:
                self._arrivals.update(charged(charges, self._arrivals, at))
        return wait

    def refund(self, charges: Sequence[Charge]) -> None:
        self._require_open()
        with self._lock:
            for each in charges:
                if each.key in self._arrivals:
                    self._arrivals[each.key] -= each.given_back

    def clear(self, prefix: bytes) -> None:
        self._require_open()
        with self._lock:
            for key in [key for key in self._arrivals if key.startswith(prefix)]:
                del self._arrivals[key]

    def forget(self, before: datetime) -> int:
        self._require_open()
        with self._lock:
            idle = [key for key, arrival in self._arrivals.items() if arrival <= before]
            for key in idle:
                del self._arrivals[key]
        return len(idle)

    def _require_open(self) -> None:
        if self._gate.is_closed:
            raise Unavailable("the memory store is closed")

"""Throttling in SQL: short transactions of their own that lock rows in the order of their keys.

On SQLite they do not wait for the disk. On PostgreSQL the table is unlogged, so that a commit does
not wait for it either, and READ COMMITTED sees what others stored while one waited for a row.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, select, type_coerce, update

from campuscore.adapters.sql.columns import Instant
from campuscore.adapters.sql.dialects import upsert
from campuscore.adapters.sql.seats import Row, Seat
from campuscore.adapters.sql.tables import throttles
from campuscore.domain.throttle import Charge, charged, wait_of

__all__ = ["SqlLimiter"]

_MICROSECOND = timedelta(microseconds=1)
_LONGEST_KEY = 64

_key, _arrival = throttles.c.key, throttles.c.arrival
_EARLIER = type_coerce(_arrival, BigInteger) - bindparam("given_back", type_=BigInteger)
_REFUND = update(throttles).where(_key == bindparam("of_key")).values(arrival=_EARLIER)
_within = select(_key).where(_key >= bindparam("first"), _key <= bindparam("last"))
_CLEAR = delete(throttles).where(_key.in_(_within.order_by(_key).with_for_update()))
_idle = select(_key).where(_arrival <= bindparam("before", type_=Instant))
_FORGET = delete(throttles).where(_key.in_(_idle.with_for_update(skip_locked=True)))


@cache
def _put(count: int) -> Any:
    """Return an INSERT of some keys, each with an arrival."""
    rows = [
        {
            "key": bindparam(f"key{n}", type_=_key.type),
            "arrival": bindparam(f"arrival{n}", type_=Instant),
        }
        for n in range(count)
    ]
    return upsert(throttles).values(rows)


@cache
def _lock(count: int) -> Any:
    """Return what makes and locks the rows of some keys, one after the other, and reads them."""
    kept = _put(count).on_conflict_do_update(index_elements=["key"], set_={"arrival": _arrival})
    return kept.returning(_key, _arrival)


@cache
def _store(count: int) -> Any:
    """Return what stores the arrivals of some keys."""
    new = _put(count)
    return new.on_conflict_do_update(index_elements=["key"], set_={"arrival": new.excluded.arrival})


class SqlLimiter:
    """The port ``RateLimiter``."""

    def __init__(self, row: Row[Any], begin: str) -> None:
        self._row = row
        self._begin = begin

    def charge(self, charges: Sequence[Charge], at: datetime) -> timedelta | None:
        if not charges:
            return None
        ordered = sorted(charges, key=_key_of)
        count = len(ordered)
        with self._turn() as seat:
            fresh = _values({each.key: at for each in ordered})
            arrivals = {
                bytes(row[0]): row[1] for row in seat.desk.execute(_lock(count), fresh).all()
            }
            wait = wait_of(ordered, arrivals, at)
            if wait is None:
                seat.desk.execute(_store(count), _values(charged(ordered, arrivals, at)))
                seat.run("COMMIT")
        return wait

    def refund(self, charges: Sequence[Charge]) -> None:
        rows = [
            {"of_key": each.key, "given_back": each.given_back // _MICROSECOND}
            for each in sorted(charges, key=_key_of)
        ]
        with self._turn() as seat:
            seat.desk.execute_many(_REFUND, rows)
            seat.run("COMMIT")

    def clear(self, prefix: bytes) -> None:
        last = prefix.ljust(_LONGEST_KEY, b"\xff")
        with self._turn() as seat:
            seat.desk.execute(_CLEAR, {"first": prefix, "last": last})
            seat.run("COMMIT")

    def forget(self, before: datetime) -> int:
        with self._turn() as seat:
            count = seat.desk.execute(_FORGET, {"before": before}).rowcount
            seat.run("COMMIT")
        return count

    @contextmanager
    def _turn(self) -> Generator[Seat]:
        """Begin a transaction that is undone unless it is committed."""
        seat: Seat = self._row.take(self._begin)
        try:
            yield seat
        finally:
            self._row.leave(seat)


def _key_of(charge: Charge) -> bytes:
    return charge.key


def _values(arrivals: dict[bytes, datetime]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for n, (key, arrival) in enumerate(arrivals.items()):
        values[f"key{n}"], values[f"arrival{n}"] = key, arrival
    return values

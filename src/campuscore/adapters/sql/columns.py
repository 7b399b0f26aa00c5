"""Column types: instants, local days and times as integers, so that the database can compare them.

An instant is microseconds since 1970 in UTC; a local day is its proleptic ordinal; a local time is
its second of the day. No statement ever needs a date function to filter or to sort.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, TypeAlias

from sqlalchemy import BigInteger, Dialect, Integer, String, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

__all__ = ["OPEN_END", "Choice", "Clock", "Day", "Identity", "Instant", "Json", "OpenDay", "micros"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

OPEN_END = 9_999_999
"""The ordinal that stands for an interval without end: later than any date."""

Identity: BigInteger = BigInteger().with_variant(Integer(), "sqlite")
"""A primary key that the database counts up."""

Processor: TypeAlias = Callable[[Any], Any]
Kind: TypeAlias = TypeEngine[Any] | type[TypeEngine[Any]]


def micros(at: datetime) -> int:
    """Return an instant as it is stored."""
    return (at - _EPOCH) // _MICROSECOND


def _to_instant(value: int | None) -> datetime | None:
    return None if value is None else _EPOCH + timedelta(0, 0, value)


def _to_day(value: int | None) -> date | None:
    return None if value is None or value == OPEN_END else date.fromordinal(value)


def _to_clock(value: int | None) -> time | None:
    return None if value is None else time(value // 3600, value // 60 % 60, value % 60)


def _from_clock(value: time | None) -> int | None:
    return None if value is None else value.hour * 3600 + value.minute * 60 + value.second


def _from_instant(value: datetime | None) -> int | None:
    return None if value is None else micros(value)


def _from_day(value: date | None) -> int | None:
    return None if value is None else value.toordinal()


def _from_open_day(value: date | None) -> int:
    return OPEN_END if value is None else value.toordinal()


def _from_choice(value: StrEnum | None) -> str | None:
    return None if value is None else str(value)


def _to_text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _from_text(value: str) -> Any:
    """Return what was stored; a list comes back as the tuple it was."""
    found: Any = json.loads(value)
    return tuple(found) if value.startswith("[") else found


class _Stored(TypeDecorator[Any]):
    """A type that is stored by one plain function and loaded by another."""

    cache_ok: bool | None = True
    store: Processor
    load: Processor

    def bind_processor(self, dialect: Dialect) -> Any:
        return self.store

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        return self.load


class Instant(_Stored):
    """Microseconds since 1970 in UTC."""

    impl: Kind = BigInteger
    store: Processor = staticmethod(_from_instant)
    load: Processor = staticmethod(_to_instant)


class Day(_Stored):
    """A local date as its ordinal."""

    impl: Kind = Integer
    store: Processor = staticmethod(_from_day)
    load: Processor = staticmethod(_to_day)


class OpenDay(_Stored):
    """A local date that may be open: None is stored as a number later than any date."""

    impl: Kind = Integer
    store: Processor = staticmethod(_from_open_day)
    load: Processor = staticmethod(_to_day)


class Clock(_Stored):
    """A local time as its second of the day."""

    impl: Kind = Integer
    store: Processor = staticmethod(_from_clock)
    load: Processor = staticmethod(_to_clock)


class Json(_Stored):
    """A small JSON value as text, the same on every database."""

    impl: Kind = Text
    store: Processor = staticmethod(_to_text)
    load: Processor = staticmethod(_from_text)


class Choice(_Stored):
    """A word of an enumeration, stored as itself."""

    impl: Kind = String(32)

    def __init__(self, kind: type[StrEnum]) -> None:
        super().__init__()
        self.kind = kind
        members = {member.value: member for member in kind}
        self.store: Processor = _from_choice
        self.load: Processor = members.get

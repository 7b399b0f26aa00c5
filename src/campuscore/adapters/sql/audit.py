"""The audit in SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Integer,
    String,
    bindparam,
    cast,
    func,
    insert,
    literal,
    literal_column,
    select,
    type_coerce,
    union_all,
    update,
)

from campuscore.adapters.sql.columns import Instant
from campuscore.adapters.sql.desk import Desk
from campuscore.adapters.sql.dialects import Record
from campuscore.adapters.sql.tables import audit_heads, audit_records
from campuscore.domain.audit import AuditHead, AuditQuery, AuditRecord, Unreadable
from campuscore.errors import CampusError

__all__ = ["SqlAudit"]

_RECORDS = audit_records.c
_IS_HEAD = audit_heads.c.id == 1
_HEAD = select(audit_heads.c.number, audit_heads.c.digest).where(_IS_HEAD)
_ADD = insert(audit_records)
_ADVANCE = (
    update(audit_heads)
    .where(_IS_HEAD, audit_heads.c.number < bindparam("newest", type_=BigInteger))
    .values(number=bindparam("newest", type_=BigInteger), digest=bindparam("its_digest"))
)

# New records follow the newest that was ever there: where the head is ahead, somebody has removed
# records, and the gap has to stay; where it has another digest, it is what was written.
_newest = select(_RECORDS.number, _RECORDS.digest, literal(0).label("kept"))
_newest = _newest.order_by(_RECORDS.number.desc()).limit(1)
_both = union_all(
    _HEAD.add_columns(literal(1).label("kept")),
    select(_newest.subquery()),
).subquery()
_NEWEST = (
    select(_both.c.number, _both.c.digest)
    .order_by(_both.c.number.desc(), _both.c.kept.desc())
    .limit(1)
)

_RUN: Final = 2000
_KINDS: Final = [(getattr(c.type, "load", None), getattr(c.type, "store", None)) for c in _RECORDS]
_PLAIN: Final = frozenset({int, str, type(None)})
_AFTER = _RECORDS.number > bindparam("after", type_=BigInteger)
_RAW = (
    select(*(type_coerce(c, getattr(c.type, "impl_instance", c.type)) for c in _RECORDS))
    .order_by(_RECORDS.number)
    .limit(bindparam("most", type_=Integer))
)
_RAW_AFTER = _RAW.where(_AFTER)
_NEXT = select(func.min(_RECORDS.number))
_NEXT_AFTER = _NEXT.where(_AFTER)


class SqlAudit:
    """The port ``Audit``."""

    def __init__(self, desk: Desk, *, head_is_exact: bool) -> None:
        self._desk = desk
        self._exact = head_is_exact

    @property
    def head_is_exact(self) -> bool:
        return self._exact

    def head(self) -> AuditHead | None:
        row = self._desk.execute(_HEAD).first()
        is_sound = row is not None and isinstance(row[0], int) and isinstance(row[1], str)
        return AuditHead(*row) if row is not None and is_sound else None

    def newest(self) -> AuditHead:
        """Return what the next record follows."""
        row = self._desk.execute(_NEWEST).first()
        return AuditHead(0, "") if row is None else AuditHead(int(row[0]), str(row[1]))

    def add(self, records: Sequence[AuditRecord]) -> None:
        """Store records that follow one another."""
        self._desk.execute_many(_ADD, [_values(record) for record in records])

    def advance(self, head: AuditHead) -> None:
        """Say which record is the newest; nothing brings a head back that somebody removed."""
        self._desk.execute(_ADVANCE, {"newest": head.number, "its_digest": head.digest})

    def list(
        self,
        query: AuditQuery,
        begin: datetime | None,
        end: datetime | None,
        before: int | None,
        limit: int,
    ) -> list[AuditRecord]:
        wanted = {
            "user": query.user,
            "action": query.action or None,
            "target": query.target or None,
            "outcome": query.outcome,
            "begin": begin,
            "end": end,
            "before": before,
        }
        given = {name: value for name, value in wanted.items() if value is not None}
        statement = _list(tuple(given))
        values = {**given, "size": len(query.action), "most": limit}
        return self._desk.execute(statement, values).build(AuditRecord)

    def walk(self) -> Iterator[AuditRecord | Unreadable]:
        after: int | None = None
        while found := self._after(after, _RUN):
            yield from found
            after = found[-1].number

    def _after(self, after: int | None, most: int) -> Sequence[AuditRecord | Unreadable]:
        """Return the next records; the driver refuses a whole run for one text that is none."""
        refusals: tuple[type[Exception], ...] = (CampusError, *self._desk.errors)
        given = {} if after is None else {"after": after}
        rows, first = (_RAW, _NEXT) if after is None else (_RAW_AFTER, _NEXT_AFTER)
        try:
            found = self._desk.execute(rows, {**given, "most": most}).all()
        except refusals:
            if most > 1:
                return self._after(after, 1)
            return [Unreadable(self._desk.execute(first, given).scalar())]
        return [_read(row) for row in found]


_SIZE = cast(bindparam("size", type_=Integer), Integer)
_WHERE: dict[str, Any] = {
    "user": _RECORDS.user_id == bindparam("user"),
    "action": func.substr(_RECORDS.action, literal_column("1"), _SIZE)
    == bindparam("action", type_=String),
    "target": _RECORDS.target == bindparam("target"),
    "outcome": _RECORDS.outcome == bindparam("outcome", type_=_RECORDS.outcome.type),
    "begin": _RECORDS.at >= bindparam("begin", type_=Instant),
    "end": _RECORDS.at < bindparam("end", type_=Instant),
    "before": _RECORDS.number < bindparam("before", type_=Integer),
}


@cache
def _list(given: tuple[str, ...]) -> Any:
    statement = select(*_RECORDS).order_by(_RECORDS.number.desc())
    conditions = [_WHERE[name] for name in given]
    return statement.where(*conditions).limit(bindparam("most", type_=Integer))


def _read(raw: Record) -> AuditRecord | Unreadable:
    """Read a row, and see that writing it again would store exactly the same."""
    try:
        pairs = zip(raw, _KINDS, strict=True)
        record = AuditRecord(*(load(value) if load else value for value, (load, _) in pairs))
        values = zip(_values(record).values(), _KINDS, strict=True)
        again = [store(value) if store else value for value, (_, store) in values]
    except (ValueError, TypeError, OverflowError, RecursionError, AttributeError):
        return Unreadable(int(raw[0]))
    is_same = again == list(raw) and _PLAIN.issuperset(map(type, raw))
    return record if is_same else Unreadable(int(raw[0]))


def _values(record: AuditRecord) -> dict[str, Any]:
    return {
        "number": record.number,
        "at": record.at,
        "user_id": record.user,
        "actor_id": record.actor,
        "method": record.method,
        "session_id": record.session,
        "action": record.action,
        "target": record.target,
        "outcome": record.outcome,
        "code": record.code,
        "detail": record.detail,
        "count": record.count,
        "ip_address": record.ip_address,
        "user_agent": record.user_agent,
        "request_id": record.request_id,
        "digest": record.digest,
    }

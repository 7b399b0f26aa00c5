"""The audit in SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Integer, String, bindparam, insert, select

from campuscore.adapters.sql.columns import Instant
from campuscore.adapters.sql.desk import Desk
from campuscore.adapters.sql.dialects import upsert
from campuscore.adapters.sql.tables import audit_heads, audit_records
from campuscore.domain.audit import AuditHead, AuditQuery, AuditRecord

__all__ = ["SqlAudit"]

_RECORDS = audit_records.c
_HEAD = select(audit_heads.c.number, audit_heads.c.digest)
_ADD = insert(audit_records)
_new = upsert(audit_heads)
_ADVANCE = _new.on_conflict_do_update(
    index_elements=["id"],
    set_={"number": _new.excluded.number, "digest": _new.excluded.digest},
    where=audit_heads.c.number < _new.excluded.number,
)
_WALK = select(*_RECORDS).order_by(_RECORDS.number)


class SqlAudit:
    """The port ``Audit``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def head(self) -> AuditHead:
        row = self._desk.execute(_HEAD).first()
        return AuditHead(0, "") if row is None else AuditHead(*row)

    def add(self, records: Sequence[AuditRecord]) -> None:
        """Store records that follow one another."""
        self._desk.execute_many(_ADD, [_values(record) for record in records])

    def advance(self, head: AuditHead) -> None:
        """Say which record is the newest."""
        self._desk.execute(_ADVANCE, {"id": 1, "number": head.number, "digest": head.digest})

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
        if "action" in given:
            pattern = query.action.replace("\\", "\\\\").replace("%", "\\%")
            given["action"] = pattern.replace("_", "\\_") + "%"
        statement = _list(tuple(given))
        return self._desk.execute(statement, {**given, "most": limit}).build(AuditRecord)

    def walk(self) -> Iterator[AuditRecord]:
        for run in self._desk.stream(_WALK, {}).runs():
            yield from (AuditRecord(*row) for row in run)


_WHERE: dict[str, Any] = {
    "user": _RECORDS.user_id == bindparam("user"),
    "action": _RECORDS.action.like(bindparam("action", type_=String), escape="\\"),
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

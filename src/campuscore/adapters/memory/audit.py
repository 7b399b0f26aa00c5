"""The audit in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from datetime import datetime

from attrs import frozen

from campuscore.adapters.memory.store import Tables
from campuscore.domain.audit import (
    AuditEntry,
    AuditHead,
    AuditQuery,
    AuditRecord,
    Unreadable,
    chained,
)

__all__ = ["MemoryAudit"]

_NONE = AuditHead(0, "")


@frozen
class MemoryAudit:
    """The port ``Audit``."""

    tables: Tables

    @property
    def head_is_exact(self) -> bool:
        return True

    def head(self) -> AuditHead:
        return self.tables.audit_heads.rows.get(0, _NONE)

    def append(self, entries: Sequence[AuditEntry], at: datetime) -> None:
        """Add entries to the chain."""
        records = chained(self.head(), entries, at)
        for record in records:
            self.tables.audit.put(record.number, record)
        self.tables.audit_heads.put(0, AuditHead(records[-1].number, records[-1].digest))

    def list(
        self,
        query: AuditQuery,
        begin: datetime | None,
        end: datetime | None,
        before: int | None,
        limit: int,
    ) -> list[AuditRecord]:
        rows = sorted(self.tables.audit.rows.values(), key=lambda r: r.number, reverse=True)
        found = [
            copy(row)
            for row in rows
            if (before is None or row.number < before)
            and (begin is None or row.at >= begin)
            and (end is None or row.at < end)
            and _matches(row, query)
        ]
        return found[:limit]

    def walk(self) -> Iterator[AuditRecord | Unreadable]:
        for number in sorted(self.tables.audit.rows):
            yield copy(self.tables.audit.rows[number])


def _matches(row: AuditRecord, query: AuditQuery) -> bool:
    return (
        query.user in {None, row.user}
        and row.action.startswith(query.action)
        and query.target in {"", row.target}
        and query.outcome in {None, row.outcome}
    )

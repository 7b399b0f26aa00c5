"""How records get into the audit when a unit of work commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from campuscore.adapters.sql.audit import SqlAudit
from campuscore.domain.audit import AuditEntry, AuditHead, chained

__all__ = ["InlineLedger", "Ledger"]


class Ledger(Protocol):
    """Puts records behind those of all other writers."""

    @property
    def head_is_exact(self) -> bool:
        """Whether the head is written with the records."""
        ...

    def append(self, seat: Any, entries: Sequence[AuditEntry], at: datetime) -> AuditHead:
        """Add entries in the transaction of a seat, as the last thing before its commit."""
        ...

    def settle(self, head: AuditHead) -> None:
        """Note the newest record, after the commit: it cannot fail what is done."""
        ...


class InlineLedger:
    """For writers who take turns anyway."""

    head_is_exact: bool = True

    def append(self, seat: Any, entries: Sequence[AuditEntry], at: datetime) -> AuditHead:
        audit = SqlAudit(seat.desk, head_is_exact=True)
        records = chained(audit.newest(), entries, at)
        audit.add(records)
        head = AuditHead(records[-1].number, records[-1].digest)
        audit.advance(head)
        return head

    def settle(self, head: AuditHead) -> None:
        """Nothing is left to do: the head was part of the transaction."""

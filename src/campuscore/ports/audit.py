"""The port of the audit: records that are only ever added."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from campuscore.domain.audit import AuditHead, AuditQuery, AuditRecord

__all__ = ["Audit"]


class Audit(Protocol):
    """The audit as it is read; a Work adds to it when it commits."""

    def head(self) -> AuditHead:
        """Return the newest record that is known to be there.

        It is kept apart from the records, so that the newest cannot go unnoticed. Where writers do
        not take turns it may lag behind for a moment, and it never runs ahead.
        """
        ...

    def list(
        self,
        query: AuditQuery,
        begin: datetime | None,
        end: datetime | None,
        before: int | None,
        limit: int,
    ) -> list[AuditRecord]:
        """Return records, newest first, with numbers under ``before``.

        ``begin`` and ``end`` are the instants of the query's dates; the end is not included.
        """
        ...

    def walk(self) -> Iterator[AuditRecord]:
        """Yield all records in the order of their numbers, in constant memory."""
        ...

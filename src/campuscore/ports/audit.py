"""The port of the audit: records that are only ever added."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from campuscore.domain.audit import AuditHead, AuditQuery, AuditRecord, Unreadable

__all__ = ["Audit"]


class Audit(Protocol):
    """The audit as it is read; a Work adds to it when it commits."""

    @property
    def head_is_exact(self) -> bool:
        """Whether the head changes with the records, so that none can be behind it.

        Where writers do not take turns it may lag behind for a moment; it never runs ahead.
        """
        ...

    def head(self) -> AuditHead | None:
        """Return the newest record that is known to be there, as number 0 where there is none.

        It is kept apart from the records, so that the newest cannot go unnoticed. Once somebody has
        removed it, it is None for good: records that are added later do not bring it back.
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

    def walk(self) -> Iterator[AuditRecord | Unreadable]:
        """Yield all that is stored in the order of its numbers, in constant memory.

        What is not exactly what a Work would have written, in every byte, is Unreadable.
        """
        ...

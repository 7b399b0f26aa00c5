"""A store in SQL: how its units of work begin, and its upkeep."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from attrs import field, frozen

from campuscore.adapters.sql.directory import Directory
from campuscore.adapters.sql.keeper import SqlKeeper
from campuscore.adapters.sql.ledger import InlineLedger, Ledger
from campuscore.adapters.sql.seats import Row
from campuscore.adapters.sql.throttle import SqlLimiter
from campuscore.adapters.sql.work import SqlWork
from campuscore.domain.auth import OPERATOR, Principal

__all__ = ["SqlStore"]


@frozen(kw_only=True)
class SqlStore:
    """Opens units of work on one database."""

    readers: Row[Any]
    writers: Row[Any]
    begin_read: str
    begin_write: str
    keeper: SqlKeeper
    ledger: Ledger = field(factory=InlineLedger)
    limiter: SqlLimiter
    now: Callable[[], datetime]
    _directory: Directory = field(init=False, factory=Directory)

    def read(self) -> SqlWork:
        return self._work(self.readers, self.begin_read, OPERATOR)

    def write(self, by: Principal = OPERATOR) -> SqlWork:
        return self._work(self.writers, self.begin_write, by)

    def _work(self, row: Row[Any], begin: str, by: Principal) -> SqlWork:
        return SqlWork(row, begin, self.now, self._directory, ledger=self.ledger, by=by)

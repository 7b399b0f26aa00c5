"""The audit where writers do not take turns: they do for the moment of their commit.

A transaction sees the database as it was when it began, and would put its records behind a record
that has had followers since. So the newest record is read on a connection of its own, under a lock
that its holder gives back with the commit.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import psycopg
from psycopg import Connection
from psycopg.types.numeric import Int8Dumper

from campuscore.adapters.sql.audit import SqlAudit
from campuscore.adapters.sql.postgres.desk import PostgresDesk
from campuscore.adapters.sql.postgres.trouble import refusal
from campuscore.adapters.sql.trouble import closed
from campuscore.domain.audit import AuditEntry, AuditHead, chained
from campuscore.errors import CampusError

__all__ = ["PostgresLedger"]

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
_LOCK: Final = int.from_bytes(b"audit")
"""The key of the advisory lock under which records are appended."""

_PATIENCE: Final = 2
"""Seconds for a connection to be made, and for the head to be free: others wait meanwhile."""


class PostgresLedger:
    """Reads and advances the head on a connection that no unit of work uses."""

    head_is_exact: bool = False

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._raw: Connection[Any] | None = None
        self._closed = False

    def append(self, seat: Any, entries: Sequence[AuditEntry], at: datetime) -> AuditHead:
        seat.run(f"SELECT pg_advisory_xact_lock({_LOCK})")
        records = chained(self._ask(SqlAudit.newest), entries, at)
        SqlAudit(seat.desk, head_is_exact=False).add(records)
        return AuditHead(records[-1].number, records[-1].digest)

    def settle(self, head: AuditHead) -> None:
        """Advance the head; should that fail, the commit stands, and a later one does it."""
        try:
            self._ask(lambda audit: audit.advance(head))
        except CampusError as error:
            _LOG.warning("the head of the audit stays behind for now: %s", error)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._raw is not None:
                self._raw.close()

    def _ask(self, what: Callable[[SqlAudit], T]) -> T:
        with self._lock:
            if self._closed:
                raise closed()
            kept = self._raw is not None
            try:
                return self._try(what)
            except CampusError:
                if not (kept and self._raw is not None and self._raw.closed):
                    raise
            self._raw = None  # the server was away; it may be back
            return self._try(what)

    def _try(self, what: Callable[[SqlAudit], T]) -> T:
        if self._raw is None:
            self._raw = self._connect()
        return what(SqlAudit(PostgresDesk(self._raw), head_is_exact=False))

    def _connect(self) -> Connection[Any]:
        try:
            raw = psycopg.connect(self._url, autocommit=True, connect_timeout=_PATIENCE)
            raw.adapters.register_dumper(int, Int8Dumper)
            # What is written here is known from the records as well, should it be lost.
            raw.execute(b"SET synchronous_commit = off")
            raw.execute(f"SET lock_timeout = '{_PATIENCE}s'".encode())
        except psycopg.Error as error:
            raise refusal(error) from error
        return raw

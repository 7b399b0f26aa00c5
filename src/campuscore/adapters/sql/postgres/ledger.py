"""The audit where writers do not take turns: they do for the moment of their commit.

A transaction sees the database as it was when it began, and would put its records behind a record
that has had followers since. So the newest record is read on a connection of its own, under a lock
that its holder gives back with the commit.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg import Connection

from campuscore.adapters.sql.audit import SqlAudit
from campuscore.adapters.sql.postgres.trouble import refusal
from campuscore.domain.audit import AuditEntry, AuditHead, chained
from campuscore.errors import CampusError

__all__ = ["PostgresLedger"]

_LOG = logging.getLogger(__name__)
_LOCK = int.from_bytes(b"audit")
"""The key of the advisory lock under which records are appended."""

_PATIENCE = 5
"""Seconds for a connection to be made: other writers wait meanwhile."""

_NEWEST = b"SELECT number, digest FROM audit_records ORDER BY number DESC LIMIT 1"
_ADVANCE = b"""
INSERT INTO audit_heads (id, number, digest) VALUES (1, %s, %s)
ON CONFLICT (id) DO UPDATE SET number = excluded.number, digest = excluded.digest
WHERE audit_heads.number < excluded.number
"""


class PostgresLedger:
    """Reads and advances the head on a connection that no unit of work uses."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._raw: Connection[Any] | None = None

    def append(self, seat: Any, entries: Sequence[AuditEntry], at: datetime) -> AuditHead:
        seat.run(f"SELECT pg_advisory_xact_lock({_LOCK})")
        row = self._run(_NEWEST)
        records = chained(AuditHead(*row) if row else AuditHead(0, ""), entries, at)
        SqlAudit(seat.desk).add(records)
        return AuditHead(records[-1].number, records[-1].digest)

    def settle(self, head: AuditHead) -> None:
        """Advance the head; should that fail, the commit stands, and a later one does it."""
        try:
            self._run(_ADVANCE, (head.number, head.digest))
        except CampusError as error:
            _LOG.warning("the head of the audit stays behind for now: %s", error)

    def close(self) -> None:
        """Close the connection; no unit of work that would use it begins any more."""
        with self._lock:
            if self._raw is not None:
                self._raw.close()
                self._raw = None

    def _run(self, command: bytes, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        with self._lock:
            try:
                return self._try(command, values)
            except psycopg.OperationalError:
                self._raw = None  # the server was away; it may be back
            try:
                return self._try(command, values)
            except psycopg.Error as error:
                raise refusal(error) from error

    def _try(self, command: bytes, values: Sequence[Any]) -> tuple[Any, ...] | None:
        if self._raw is None:
            self._raw = psycopg.connect(self._url, autocommit=True, connect_timeout=_PATIENCE)
            # What is written here is known from the records as well, should it be lost.
            self._raw.execute(b"SET synchronous_commit = off")
        cursor = self._raw.execute(command, values or None)
        return cursor.fetchone() if cursor.description else None

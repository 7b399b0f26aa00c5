"""The SQLite store: readers and one writer, each with connections of their own.

Readers are opened query-only, so that a read cannot take the write lock.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from campuscore.adapters.sql.directory import Directory
from campuscore.adapters.sql.keeper import SqlKeeper
from campuscore.adapters.sql.seats import Row
from campuscore.adapters.sql.work import SqlWork
from campuscore.domain.days import utc_now
from campuscore.errors import Misconfigured, Unavailable
from campuscore.settings import Settings

__all__ = ["SqlStore", "open_store", "store_of"]

_READERS = 32


class SqlStore:
    """Opens units of work on one database."""

    def __init__(
        self, readers: Row, writer: Row, keeper: SqlKeeper, now: Callable[[], datetime]
    ) -> None:
        self._now = now
        self._directory = Directory()
        self._readers = readers
        self._writer = writer
        self._keeper = keeper

    @property
    def keeper(self) -> SqlKeeper:
        return self._keeper

    def read(self) -> SqlWork:
        return SqlWork(self._readers, "BEGIN", self._now, self._directory)

    def write(self) -> SqlWork:
        return SqlWork(self._writer, "BEGIN IMMEDIATE", self._now, self._directory)


def open_store(
    url: str,
    *,
    synchronous: str = "full",
    lock_seconds: float = 30,
    readers: int = _READERS,
    now: Callable[[], datetime] = utc_now,
) -> SqlStore:
    """Open a store on a SQLite file; the schema is the keeper's business."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.query:
        raise Misconfigured(f"database_url: {url!r} is not of the form sqlite:///PATH")
    if parsed.database == ":memory:":
        raise Misconfigured("database_url: for a store in memory say memory://")
    path = Path(parsed.database)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch(0o640)
    except OSError as error:
        raise Unavailable(f"{path.parent}: {error.strerror}") from error
    pragmas = [
        "PRAGMA journal_mode=WAL",
        f"PRAGMA synchronous={synchronous.upper()}",
        "PRAGMA foreign_keys=ON",
    ]
    reading = [*pragmas, "PRAGMA query_only=ON"]
    writing = [*pragmas, "PRAGMA busy_timeout=1"]
    upkeep = create_engine(
        "sqlite://",
        creator=_connector(path, pragmas, lock_seconds),
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
    )
    reader_row = Row(_connector(path, reading, lock_seconds), readers, lock_seconds)
    writer_row = Row(_connector(path, writing, lock_seconds), 1, lock_seconds)
    return SqlStore(reader_row, writer_row, SqlKeeper(upkeep, (reader_row, writer_row)), now)


def store_of(settings: Settings, now: Callable[[], datetime]) -> SqlStore:
    """Open the store that the settings name."""
    return open_store(
        settings.database,
        synchronous=settings.sqlite_synchronous,
        lock_seconds=settings.lock_seconds,
        now=now,
    )


def _connector(
    path: Path, pragmas: list[str], lock_seconds: float
) -> Callable[[], sqlite3.Connection]:
    def connect() -> sqlite3.Connection:
        raw = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=lock_seconds
        )
        for pragma in pragmas:
            raw.execute(pragma)
        return raw

    return connect

"""The SQLite store: readers and one writer, each with connections of their own.

Readers are opened query-only, so that a read cannot take the write lock.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from campuscore.adapters.sql.sqlite.keeper import SqliteKeeper
from campuscore.adapters.sql.sqlite.seats import SqliteRow
from campuscore.adapters.sql.store import SqlStore
from campuscore.adapters.sql.throttle import SqlLimiter
from campuscore.domain.days import utc_now
from campuscore.errors import Misconfigured, Unavailable
from campuscore.settings import Settings

__all__ = ["open_store", "store_of"]

_READERS = 32


def open_store(
    url: str,
    *,
    synchronous: str = "full",
    lock_seconds: float = 30,
    readers: int = _READERS,
    now: Callable[[], datetime] = utc_now,
) -> SqlStore:
    """Open a store on a SQLite file; the schema is the keeper's business."""
    path = _file_of(url)
    pragmas = [
        "PRAGMA journal_mode=WAL",
        f"PRAGMA synchronous={synchronous.upper()}",
        "PRAGMA foreign_keys=ON",
    ]
    upkeep = create_engine(
        "sqlite://",
        creator=_connector(path, pragmas, lock_seconds),
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
    )

    def row(size: int, *more: str) -> SqliteRow:
        return SqliteRow(_connector(path, [*pragmas, *more], lock_seconds), size, lock_seconds)

    rows = (
        row(readers, "PRAGMA query_only=ON"),
        row(1, "PRAGMA busy_timeout=1"),
        row(1, "PRAGMA busy_timeout=1", _unflushed(synchronous)),
    )
    reader_row, writer_row, limiter_row = rows
    return SqlStore(
        readers=reader_row,
        writers=writer_row,
        begin_read="BEGIN",
        begin_write="BEGIN IMMEDIATE",
        keeper=SqliteKeeper(upkeep, rows, ["BEGIN IMMEDIATE"]),
        limiter=SqlLimiter(limiter_row, "BEGIN IMMEDIATE"),
        now=now,
    )


def store_of(settings: Settings, now: Callable[[], datetime]) -> SqlStore:
    """Open the store that the settings name."""
    return open_store(
        settings.database,
        synchronous=settings.sqlite_synchronous,
        lock_seconds=settings.lock_seconds,
        now=now,
    )


def _file_of(url: str) -> Path:
    """Return the file that a URL names, in a folder that is there."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.query:
        raise Misconfigured(f"database_url: {url!r} is not of the form sqlite:///PATH")
    if parsed.database == ":memory:":
        raise Misconfigured("database_url: for a store in memory say memory://")
    path = Path(parsed.database)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"{path.parent}: {error.strerror}") from error
    return path


def _unflushed(synchronous: str) -> str:
    """Commit without waiting for the disk.

    Not by OFF beside others that flush: whoever moves the log into the database must flush it.
    """
    return f"PRAGMA synchronous={'OFF' if synchronous == 'off' else 'NORMAL'}"


def _connector(
    path: Path, pragmas: list[str], lock_seconds: float
) -> Callable[[], sqlite3.Connection]:
    def connect() -> sqlite3.Connection:
        with suppress(OSError):  # SQLite says itself what is wrong, and gives its files this mode
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        raw = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=lock_seconds
        )
        with ExitStack() as unless_usable:
            unless_usable.callback(raw.close)
            for pragma in pragmas:
                raw.execute(pragma)
            unless_usable.pop_all()
        return raw

    return connect

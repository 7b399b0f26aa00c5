"""The PostgreSQL store: serializable writers, and readers that keep one snapshot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from campuscore.adapters.sql.keeper import SqlKeeper
from campuscore.adapters.sql.postgres.ledger import PostgresLedger
from campuscore.adapters.sql.postgres.seats import PostgresRow
from campuscore.adapters.sql.store import SqlStore
from campuscore.adapters.sql.throttle import SqlLimiter
from campuscore.domain.days import utc_now
from campuscore.errors import Misconfigured
from campuscore.settings import Settings

__all__ = ["open_store", "store_of"]

_MIGRATING = int.from_bytes(b"campus")
"""The key of the advisory lock under which one process migrates."""


def open_store(
    url: str, *, lock_seconds: float = 30, now: Callable[[], datetime] = utc_now
) -> SqlStore:
    """Open a store on a PostgreSQL database; the schema is the keeper's business."""
    scheme, _, rest = url.partition(":")
    url = f"{scheme.partition('+')[0]}:{rest}"
    try:
        conninfo_to_dict(url)
    except psycopg.Error as error:
        form = "postgresql://USER:PASSWORD@HOST/NAME"
        raise Misconfigured(f"database_url: is not of the form {form}") from error
    upkeep = create_engine(
        "postgresql+psycopg://",
        creator=partial(psycopg.connect, url, autocommit=True),
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
    )
    row, ledger = PostgresRow(url, lock_seconds), PostgresLedger(url)
    alone = ["BEGIN", f"SELECT pg_advisory_xact_lock({_MIGRATING})"]
    return SqlStore(
        readers=row,
        writers=row,
        begin_read="BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        begin_write="BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE",
        keeper=SqlKeeper(upkeep, [row, ledger], alone),
        ledger=ledger,
        limiter=SqlLimiter(row, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"),
        now=now,
    )


def store_of(settings: Settings, now: Callable[[], datetime]) -> SqlStore:
    """Open the store that the settings name."""
    return open_store(settings.database, lock_seconds=settings.lock_seconds, now=now)

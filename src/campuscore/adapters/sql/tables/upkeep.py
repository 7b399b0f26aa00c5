"""The outbox, and who has which lease."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from campuscore.adapters.sql.columns import Choice, Identity, Instant, Json
from campuscore.adapters.sql.tables.metadata import METADATA, Rows
from campuscore.domain.events import MessageState

__all__ = ["leases", "outbox", "revisions"]

outbox: Rows = Table(
    "outbox",
    METADATA,
    Column("id", Identity, primary_key=True),
    Column("topic", String(100), nullable=False),
    Column("key", String(200), nullable=False),
    Column("payload", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("state", Choice(MessageState), nullable=False),
    Column("last_error", Text, nullable=False),
    Index(None, "state", "due_at"),
    sqlite_autoincrement=True,
)

leases: Rows = Table(
    "leases",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("until", Instant, nullable=False),
)

revisions: Rows = Table(
    "revisions",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("number", BigInteger, nullable=False),
)

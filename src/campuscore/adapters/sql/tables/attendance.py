"""Check-ins, days and files."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from campuscore.adapters.sql.columns import Choice, Clock, Day, Identity, Instant
from campuscore.adapters.sql.tables.metadata import METADATA, Rows
from campuscore.domain.attendance import CheckInMethod

__all__ = ["attachments", "check_ins", "day_rollups"]

check_ins: Rows = Table(
    "check_ins",
    METADATA,
    Column("id", Identity, primary_key=True),
    Column("user_id", Identity, ForeignKey("users.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("method", Choice(CheckInMethod), nullable=False),
    Column("ip_address", String(45)),
    Column("user_agent", Text),
    Column("day", Day, nullable=False),
    Index(None, "user_id", "at"),
    Index(None, "at"),
)

day_rollups: Rows = Table(
    "day_rollups",
    METADATA,
    Column("day", Day, primary_key=True),
    Column("user_id", Identity, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("morning_at", BigInteger),
    Column("morning_second", Clock),
    Column("afternoon_at", BigInteger),
    Column("afternoon_second", Clock),
    Column("last_at", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Index(None, "user_id", "day"),
    sqlite_with_rowid=False,
)

attachments: Rows = Table(
    "attachments",
    METADATA,
    Column("id", Identity, primary_key=True),
    Column("user_id", Identity, ForeignKey("users.id"), nullable=False),
    Column("day", Day, nullable=False),
    Column("filename", String(255), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("content_type", String(127), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("withdrawn_at", Instant),
    Index(None, "day", "user_id"),
    Index(None, "sha256"),
    sqlite_autoincrement=True,
)

"""The audit, and its head."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from campuscore.adapters.sql.columns import Choice, Identity, Instant, Json
from campuscore.adapters.sql.tables.metadata import METADATA, Rows
from campuscore.domain.audit import Outcome

__all__ = ["audit_heads", "audit_records"]

audit_records: Rows = Table(
    "audit_records",
    METADATA,
    Column("number", Identity, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("actor_id", BigInteger),
    Column("method", String(32), nullable=False),
    Column("session_id", BigInteger),
    Column("action", String(100), nullable=False),
    Column("target", Text, nullable=False),
    Column("outcome", Choice(Outcome), nullable=False),
    Column("code", String(100), nullable=False),
    Column("detail", Json, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("ip_address", Text),
    Column("user_agent", Text),
    Column("request_id", Text),
    Column("digest", String(64), nullable=False),
    Index(None, "user_id", "number"),
    Index(None, "at"),
)

audit_heads: Rows = Table(
    "audit_heads",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
)

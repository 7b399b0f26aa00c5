"""Credentials, sessions and tokens."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, String, Table, Text

from campuscore.adapters.sql.columns import Choice, Identity, Instant, Json
from campuscore.adapters.sql.tables.metadata import METADATA, Rows
from campuscore.domain.auth import SessionEnd

__all__ = ["api_tokens", "credentials", "sessions"]

credentials: Rows = Table(
    "credentials",
    METADATA,
    Column("user_id", Identity, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("password_hash", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
)

sessions: Rows = Table(
    "sessions",
    METADATA,
    Column("id", Identity, primary_key=True),
    Column("user_id", Identity, ForeignKey("users.id"), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("ip_address", String(45)),
    Column("user_agent", Text),
    Column("actor_id", Identity),
    Column("reason", Text, nullable=False),
    Column("family_hash", LargeBinary(32), nullable=False),
    Column("secret_hash", LargeBinary(32), nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("before_hash", LargeBinary(32)),
    Column("successor", LargeBinary(32)),
    Column("rotated_at", Instant),
    Column("rotated_by", Text),
    Column("ended_at", Instant),
    Column("ended_by", Choice(SessionEnd)),
    Index(None, "user_id", "created_at", "ip_address"),
    Index(None, "actor_id"),
    sqlite_autoincrement=True,
)

api_tokens: Rows = Table(
    "api_tokens",
    METADATA,
    Column("id", Identity, primary_key=True),
    Column("user_id", Identity, ForeignKey("users.id"), nullable=False),
    Column("name", String(100), nullable=False),
    Column("scopes", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("last_used_at", Instant),
    Column("secret_hash", LargeBinary(32), nullable=False, unique=True),
    Column("revoked_at", Instant),
    Index(None, "user_id"),
    sqlite_autoincrement=True,
)

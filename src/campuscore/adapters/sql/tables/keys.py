"""Signing keys."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary, String, Table

from campuscore.adapters.sql.columns import Choice, Identity, Instant, Json
from campuscore.adapters.sql.tables.metadata import METADATA, Rows
from campuscore.domain.keys import Algorithm, KeyState

__all__ = ["signing_keys"]

signing_keys: Rows = Table(
    "signing_keys",
    METADATA,
    Column("key_id", String(64), nullable=False, unique=True),
    Column("algorithm", Choice(Algorithm), nullable=False),
    Column("state", Choice(KeyState), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("public", Json, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("changes", BigInteger, nullable=False),
    Column("number", Identity, primary_key=True),
    sqlite_autoincrement=True,
)

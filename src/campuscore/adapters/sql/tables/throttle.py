"""How often passwords were tried lately, by keys that tell nothing."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, Table

from campuscore.adapters.sql.columns import Instant
from campuscore.adapters.sql.tables.metadata import METADATA, Rows

__all__ = ["throttles"]

throttles: Rows = Table(
    "throttles",
    METADATA,
    Column("key", LargeBinary(64), primary_key=True),
    Column("arrival", Instant, nullable=False),
)

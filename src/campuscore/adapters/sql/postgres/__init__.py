"""What is PostgreSQL's own: its driver, its pool, its isolation and its errors."""

from __future__ import annotations

from campuscore.adapters.sql.postgres.store import open_store, store_of

__all__ = ["open_store", "store_of"]

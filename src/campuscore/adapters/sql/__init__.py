"""The store on SQLAlchemy Core: SQLite here, PostgreSQL in a room of its own."""

from __future__ import annotations

from campuscore.adapters.sql.sqlite import open_store, store_of
from campuscore.adapters.sql.store import SqlStore

__all__ = ["SqlStore", "open_store", "store_of"]

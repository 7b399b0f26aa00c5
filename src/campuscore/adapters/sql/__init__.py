"""The store on SQLAlchemy Core; today SQLite."""

from __future__ import annotations

from campuscore.adapters.sql.store import SqlStore, open_store, store_of

__all__ = ["SqlStore", "open_store", "store_of"]

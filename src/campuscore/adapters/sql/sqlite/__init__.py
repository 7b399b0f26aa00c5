"""What is SQLite's own: its driver, its one writer, its file."""

from __future__ import annotations

from campuscore.adapters.sql.sqlite.store import open_store, store_of

__all__ = ["open_store", "store_of"]

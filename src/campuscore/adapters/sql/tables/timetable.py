"""Rooms, and what the timetable says."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table

from campuscore.adapters.sql.columns import Clock, Day, Identity
from campuscore.adapters.sql.tables.metadata import METADATA, Rows

__all__ = ["entries", "rooms"]

rooms: Rows = Table(
    "rooms",
    METADATA,
    Column("id", Identity, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("capacity", Integer),
    sqlite_autoincrement=True,
)

entries: Rows = Table(
    "schedule_entries",
    METADATA,
    Column("id", Identity, primary_key=True),
    Column("group_id", Identity, ForeignKey("groups.id"), nullable=False),
    Column("title", String(200), nullable=False),
    Column("day", Day, nullable=False),
    Column("start_second", Clock),
    Column("end_second", Clock),
    Column("room_id", Identity, ForeignKey("rooms.id")),
    Index(None, "group_id", "day"),
    Index(None, "day"),
    Index(None, "room_id"),
    sqlite_autoincrement=True,
)

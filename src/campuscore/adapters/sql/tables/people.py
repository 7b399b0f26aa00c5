"""People, their groups, and where they came from."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from campuscore.adapters.sql.columns import Choice, Day, Identity, Instant, OpenDay
from campuscore.adapters.sql.tables.metadata import METADATA, Rows
from campuscore.domain.groups import GroupKind
from campuscore.domain.users import Role

__all__ = ["groups", "guardianships", "memberships", "roster_links", "terms", "users"]

users: Rows = Table(
    "users",
    METADATA,
    Column("id", Identity, primary_key=True),
    Column("username", String(150), nullable=False),
    Column("first_name", String(150), nullable=False),
    Column("last_name", String(150), nullable=False),
    Column("role", Choice(Role), nullable=False),
    Column("email", String(254), nullable=False),
    Column("locale", String(64), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("username_key", String(600), nullable=False, unique=True),
    Column("search_key", Text, nullable=False),
    Column("security_version", BigInteger, nullable=False, server_default="1"),
    sqlite_autoincrement=True,
)

guardianships: Rows = Table(
    "guardianships",
    METADATA,
    Column("guardian_id", Identity, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("student_id", Identity, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("created_at", Instant, nullable=False),
    Index(None, "student_id"),
)

terms: Rows = Table(
    "terms",
    METADATA,
    Column("id", Identity, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("first_day", Day, nullable=False),
    Column("last_day", Day, nullable=False),
    Column("code", String(64), nullable=False),
    sqlite_autoincrement=True,
)

groups: Rows = Table(
    "groups",
    METADATA,
    Column("id", Identity, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("kind", Choice(GroupKind), nullable=False),
    Column("parent_id", Identity, ForeignKey("groups.id")),
    Column("code", String(64), nullable=False),
    Column("term_id", Identity, ForeignKey("terms.id")),
    Column("archived", Boolean, nullable=False),
    Index(None, "parent_id"),
    Index(None, "term_id"),
    sqlite_autoincrement=True,
)

memberships: Rows = Table(
    "memberships",
    METADATA,
    Column("id", Identity, primary_key=True),
    Column("group_id", Identity, ForeignKey("groups.id"), nullable=False),
    Column("user_id", Identity, ForeignKey("users.id"), nullable=False),
    Column("role", Choice(Role), nullable=False),
    Column("begin_day", Day, nullable=False),
    Column("end_day", OpenDay, nullable=False),
    Column("source", String(100), nullable=False),
    Index(None, "user_id", "group_id", "role", "begin_day", "end_day"),
    Index(None, "group_id", "role", "user_id", "begin_day", "end_day"),
    Index(None, "source"),
    sqlite_autoincrement=True,
)

roster_links: Rows = Table(
    "roster_links",
    METADATA,
    Column("source", String(100), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("key", String(255), nullable=False),
    Column("target_id", BigInteger, nullable=False),
    UniqueConstraint("source", "kind", "key"),
)

"""The tables. The first columns of a table are the fields of its entity, in their order."""

from __future__ import annotations

from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from campuscore.adapters.sql.columns import Choice, Clock, Day, Identity, Instant, Json, OpenDay
from campuscore.domain.attendance import CheckInMethod
from campuscore.domain.auth import SessionEnd
from campuscore.domain.events import MessageState
from campuscore.domain.groups import GroupKind
from campuscore.domain.packages import DistKind
from campuscore.domain.users import Role

__all__ = [
    "METADATA",
    "api_tokens",
    "attachments",
    "blob_claims",
    "blob_names",
    "check_ins",
    "credentials",
    "day_rollups",
    "dist_files",
    "entries",
    "groups",
    "leases",
    "memberships",
    "outbox",
    "projects",
    "revisions",
    "rooms",
    "roster_links",
    "sessions",
    "terms",
    "users",
]

Rows: TypeAlias = Table[Any]
"""A table whose columns are looked up by name."""

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

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
    Index(None, "user_id"),
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

check_ins: Rows = Table(
    "check_ins",
    METADATA,
    Column("id", Identity, primary_key=True),
    Column("user_id", Identity, ForeignKey("users.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("method", Choice(CheckInMethod), nullable=False),
    Column("ip_address", String(45)),
    Column("user_agent", Text),
    Column("day", Day, nullable=False),
    Index(None, "user_id", "at"),
    Index(None, "at"),
)

day_rollups: Rows = Table(
    "day_rollups",
    METADATA,
    Column("day", Day, primary_key=True),
    Column("user_id", Identity, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("morning_at", BigInteger),
    Column("morning_second", Clock),
    Column("afternoon_at", BigInteger),
    Column("afternoon_second", Clock),
    Column("last_at", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Index(None, "user_id", "day"),
    sqlite_with_rowid=False,
)

attachments: Rows = Table(
    "attachments",
    METADATA,
    Column("id", Identity, primary_key=True),
    Column("user_id", Identity, ForeignKey("users.id"), nullable=False),
    Column("day", Day, nullable=False),
    Column("filename", String(255), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("content_type", String(127), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("withdrawn_at", Instant),
    Index(None, "day", "user_id"),
    Index(None, "sha256"),
    sqlite_autoincrement=True,
)

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

outbox: Rows = Table(
    "outbox",
    METADATA,
    Column("id", Identity, primary_key=True),
    Column("topic", String(100), nullable=False),
    Column("key", String(200), nullable=False),
    Column("payload", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("state", Choice(MessageState), nullable=False),
    Column("last_error", Text, nullable=False),
    Index(None, "state", "due_at"),
    sqlite_autoincrement=True,
)

leases: Rows = Table(
    "leases",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("until", Instant, nullable=False),
)

revisions: Rows = Table(
    "revisions",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("number", BigInteger, nullable=False),
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

projects: Rows = Table(
    "projects",
    METADATA,
    Column("id", Identity, primary_key=True),
    Column("key", String(200), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("owner_id", Identity, ForeignKey("users.id")),
    Column("serial", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index(None, "owner_id"),
    sqlite_autoincrement=True,
)

dist_files: Rows = Table(
    "dist_files",
    METADATA,
    Column("id", Identity, primary_key=True),
    Column("project_id", Identity, ForeignKey("projects.id"), nullable=False),
    Column("version", String(255), nullable=False),
    Column("filename", String(255), nullable=False, unique=True),
    Column("kind", Choice(DistKind), nullable=False),
    Column("python", String(255), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("requires_python", Text, nullable=False),
    Column("metadata", String(64), nullable=False),
    Column("metadata_size", BigInteger, nullable=False),
    Column("uploaded_at", Instant, nullable=False),
    Column("uploader_id", Identity, ForeignKey("users.id")),
    Column("yanked", Text),
    Column("removed_at", Instant),
    Index(None, "project_id"),
    Index(None, "sha256"),
    Index(None, "metadata"),
    Index(None, "uploader_id"),
    sqlite_autoincrement=True,
)

blob_names: Rows = Table(
    "blob_names",
    METADATA,
    Column("sha256", String(64), primary_key=True),
    Column("meetings", BigInteger, nullable=False),
)

blob_claims: Rows = Table(
    "blob_claims",
    METADATA,
    Column("id", Identity, primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("until", Instant, nullable=False),
    Index(None, "sha256"),
    Index(None, "until"),
    sqlite_autoincrement=True,
)

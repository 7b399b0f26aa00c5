"""The package index, and the names of blobs."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table, Text

from campuscore.adapters.sql.columns import Choice, Identity, Instant
from campuscore.adapters.sql.tables.metadata import METADATA, Rows
from campuscore.domain.packages import DistKind

__all__ = ["blob_claims", "blob_names", "dist_files", "projects"]

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

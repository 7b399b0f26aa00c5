"""The package index, and claims on blobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _id() -> sa.BigInteger:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "blob_names",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("meetings", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_blob_names")),
    )
    op.create_table(
        "blob_claims",
        sa.Column("id", _id(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blob_claims")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_blob_claims_sha256"), "blob_claims", ["sha256"], unique=False)
    op.create_index(op.f("ix_blob_claims_until"), "blob_claims", ["until"], unique=False)
    op.create_table(
        "projects",
        sa.Column("id", _id(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("owner_id", _id(), nullable=True),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_projects_owner_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("key", name=op.f("uq_projects_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_projects_owner_id"), "projects", ["owner_id"], unique=False)
    op.create_table(
        "dist_files",
        sa.Column("id", _id(), nullable=False),
        sa.Column("project_id", _id(), nullable=False),
        sa.Column("version", sa.String(length=255), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("python", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("requires_python", sa.Text(), nullable=False),
        sa.Column("metadata", sa.String(length=64), nullable=False),
        sa.Column("metadata_size", sa.BigInteger(), nullable=False),
        sa.Column("uploaded_at", sa.BigInteger(), nullable=False),
        sa.Column("uploader_id", _id(), nullable=True),
        sa.Column("yanked", sa.Text(), nullable=True),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_dist_files_project_id_projects")
        ),
        sa.ForeignKeyConstraint(
            ["uploader_id"], ["users.id"], name=op.f("fk_dist_files_uploader_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dist_files")),
        sa.UniqueConstraint("filename", name=op.f("uq_dist_files_filename")),
        sqlite_autoincrement=True,
    )
    for column in ("project_id", "sha256", "metadata", "uploader_id"):
        op.create_index(op.f(f"ix_dist_files_{column}"), "dist_files", [column], unique=False)


def downgrade() -> None:
    for table in ("dist_files", "projects", "blob_claims", "blob_names"):
        op.drop_table(table)

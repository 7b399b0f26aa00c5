"""How often passwords were tried lately, and from where people have logged in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "throttles",
        sa.Column("key", sa.LargeBinary(length=64), nullable=False),
        sa.Column("arrival", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_throttles")),
        # What a crash may take needs no log; SQLite has no such tables.
        prefixes=["UNLOGGED"] if op.get_bind().dialect.name == "postgresql" else [],
    )
    op.create_index(
        op.f("ix_sessions_user_id_created_at_ip_address"),
        "sessions",
        ["user_id", "created_at", "ip_address"],
        unique=False,
    )
    op.drop_index(op.f("ix_sessions_user_id"), table_name="sessions")


def downgrade() -> None:
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.drop_index(op.f("ix_sessions_user_id_created_at_ip_address"), table_name="sessions")
    op.drop_table("throttles")

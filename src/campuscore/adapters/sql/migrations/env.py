"""Alembic's entry for its own command line; the package migrates through its keeper instead."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine

from campuscore.adapters.sql.tables import METADATA


def _migrate() -> None:
    config = context.config
    url = (
        config.get_main_option("sqlalchemy.url")
        or context.get_x_argument(as_dictionary=True)["url"]
    )
    with create_engine(url).connect() as connection:
        context.configure(connection=connection, target_metadata=METADATA, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()


_migrate()

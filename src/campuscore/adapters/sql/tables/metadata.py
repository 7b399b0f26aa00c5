"""What all tables share: their names for constraints."""

from __future__ import annotations

from typing import Any, TypeAlias

from sqlalchemy import MetaData, Table

__all__ = ["METADATA", "Rows"]

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

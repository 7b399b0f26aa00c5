"""The upkeep of a SQLite database, which can be looked into and copied."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from campuscore.adapters.sql.keeper import SqlKeeper
from campuscore.adapters.sql.sqlite.checkup import examine
from campuscore.adapters.sql.sqlite.copying import copy_database
from campuscore.domain.operations import Finding
from campuscore.errors import Unavailable
from campuscore.ports.operations import StoreCopy

__all__ = ["SqliteKeeper"]

T = TypeVar("T")


class SqliteKeeper(SqlKeeper):
    """Keeps the schema and the file."""

    def examine(self, *, deep: bool = False) -> list[Finding]:
        return self._at_the_driver(partial(examine, deep=deep))

    def copy(self, to: Path) -> StoreCopy:
        return self._at_the_driver(partial(copy_database, to=to))

    def _at_the_driver(self, act: Callable[[sqlite3.Connection], T]) -> T:
        def call(connection: Connection) -> T:
            raw: Any = connection.connection.driver_connection
            try:
                return act(raw)
            except sqlite3.Error as error:
                raise Unavailable(f"the database cannot be used: {error}") from error

        return self.run(call)

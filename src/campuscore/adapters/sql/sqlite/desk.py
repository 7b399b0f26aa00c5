"""The desk at SQLite's driver."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar

from sqlalchemy import func, select
from sqlalchemy.dialects import sqlite

from campuscore.adapters.sql.desk import Answer, Desk
from campuscore.adapters.sql.dialects import Plans, Statement, Values
from campuscore.adapters.sql.trouble import Refused, unstorable
from campuscore.errors import CampusError, Unavailable

__all__ = ["SqliteDesk"]

_LARGEST = (1 << 63) - 1


class SqliteDesk(Desk):
    """Runs statements on a connection of sqlite3."""

    plans: ClassVar[Plans] = Plans(sqlite.dialect())
    errors: ClassVar[tuple[type[Exception], ...]] = (sqlite3.Error, OverflowError, UnicodeError)

    def execute_many(self, statement: Statement, rows: Sequence[Values]) -> None:
        if rows:
            plan = self.plans.find(statement, rows[0])
            try:
                self._raw.executemany(plan.text, map(plan.bind, rows))
            except self.errors as error:
                raise self.refusal(error) from error

    def insert(self, statement: Statement, values: Values) -> int:
        plan = self.plans.find(statement, values)
        try:
            return int(self._raw.execute(plan.text, plan.bind(values)).lastrowid)
        except self.errors as error:
            raise self.refusal(error) from error

    def insert_many(self, statement: Statement, rows: Sequence[Values]) -> list[int]:
        """Number the rows ourselves: the write lock is held, and one statement takes them all.

        Where keys must never come back (AUTOINCREMENT), only SQLite knows the next one.
        """
        if len(rows) == 1 or statement.table.dialect_options["sqlite"]["autoincrement"]:
            return [self.insert(statement, row) for row in rows]
        key = _key(statement.table)
        first = int(self.execute(_last(statement.table)).scalar()) + 1
        ids = list(range(first, first + len(rows)))
        numbered = [{**row, key.name: each} for row, each in zip(rows, ids, strict=True)]
        self.execute_many(statement, numbered)
        return ids

    def stream(self, statement: Statement, values: Values) -> Answer:
        return self.execute(statement, values)

    def otherwise(self, statement: Statement, values: Values, error: Exception) -> Answer:
        """Look for an id beyond the range of integers, which is nobody's, as the nearest one."""
        if not isinstance(error, OverflowError) or not statement.is_select:
            return super().otherwise(statement, values, error)
        plan = self.plans.find(statement, values)
        return Answer(plan, self._raw.execute(plan.text, [*map(_within, plan.bind(values))]))

    def refusal(self, error: Exception) -> CampusError:
        if isinstance(error, sqlite3.IntegrityError):
            foreign = error.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
            return Refused(str(error), missing=foreign)
        if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.DataError):
            return Unavailable(f"the database cannot be used: {error}")
        return unstorable(error)


def _within(value: Any) -> Any:
    return min(max(value, -_LARGEST - 1), _LARGEST) if isinstance(value, int) else value


@cache
def _last(table: Any) -> Any:
    return select(func.coalesce(func.max(_key(table)), 0))


def _key(table: Any) -> Any:
    return next(iter(table.primary_key))

"""The desk at psycopg."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from itertools import count
from typing import Any, ClassVar

from psycopg import Connection
from sqlalchemy import bindparam, column, func, select
from sqlalchemy.dialects.postgresql.base import PGDialect

from campuscore.adapters.sql.desk import Answer, Desk
from campuscore.adapters.sql.dialects import Plans, Record, Statement, Values
from campuscore.adapters.sql.postgres.trouble import ERRORS, refusal
from campuscore.errors import CampusError
from campuscore.ports.work import TRY_AGAIN

__all__ = ["PostgresDesk"]

_ROWS = "rows"
_DIALECT: Any = PGDialect


class _Portal:
    """Rows that stay in the server until they are fetched; it goes with its transaction."""

    def __init__(self, raw: Connection[Any], name: str) -> None:
        self._raw = raw
        self._name = name
        self._done = False

    def fetchmany(self, size: int) -> Sequence[Record]:
        if self._done:
            return []
        try:
            command = f"FETCH {size} FROM {self._name}".encode()
            rows = self._raw.execute(command, prepare=False).fetchall()
        except ERRORS as error:
            raise refusal(error) from error
        self._done = len(rows) < size
        return rows


class PostgresDesk(Desk):
    """Runs statements on a connection of psycopg."""

    plans: ClassVar[Plans] = Plans(_DIALECT(paramstyle="format"))
    errors: ClassVar[tuple[type[Exception], ...]] = ERRORS

    def __init__(self, raw: Connection[Any]) -> None:
        super().__init__(raw)
        self._portals = count(1)
        self.overtaken: bool = False
        """Whether the transaction failed because of another; nothing but a new one will do."""

    def execute_many(self, statement: Statement, rows: Sequence[Values]) -> None:
        if len(rows) == 1:
            self.execute(statement, rows[0])
        elif rows and statement.is_insert:
            self._insert_all(_bulk(statement, tuple(sorted(rows[0]))), rows)
        elif rows:
            plan = self.plans.find(statement, rows[0])
            try:
                self._raw.cursor().executemany(plan.text, map(plan.bind, rows))
            except self.errors as error:
                raise self.refusal(error) from error

    def insert(self, statement: Statement, values: Values) -> int:
        return int(self.execute(_keyed(statement), values).scalar())

    def insert_many(self, statement: Statement, rows: Sequence[Values]) -> list[int]:
        if len(rows) == 1:
            return [self.insert(statement, rows[0])]
        return self._insert_all(_keyed(_bulk(statement, tuple(sorted(rows[0])))), rows).scalars()

    def stream(self, statement: Statement, values: Values) -> Answer:
        plan = self.plans.find(statement, values)
        name = f"run_{next(self._portals)}"
        command = f"DECLARE {name} NO SCROLL CURSOR FOR {plan.text}"
        try:
            self._raw.execute(command, plan.bind(values), prepare=False)
            return Answer(plan, _Portal(self._raw, name))
        except self.errors as error:
            raise self.refusal(error) from error

    def refusal(self, error: Exception) -> CampusError:
        found = refusal(error)
        self.overtaken |= found.code == TRY_AGAIN
        return found

    def _insert_all(self, statement: Statement, rows: Sequence[Values]) -> Answer:
        """Send all rows as one parameter, in the order of which the sequence numbers them."""
        table = statement.table
        binders = [(name, self.plans.binder(table.c[name].type)) for name in rows[0]]
        stored = [
            {name: bind(row[name]) if bind else row[name] for name, bind in binders} for row in rows
        ]
        return self.execute(statement, {_ROWS: json.dumps(stored, default=_hex)})


@cache
def _keyed(statement: Any) -> Any:
    """Return an INSERT that answers the keys of its rows."""
    return statement.returning(*statement.table.primary_key)


@cache
def _bulk(statement: Any, names: tuple[str, ...]) -> Any:
    """Return an INSERT of as many rows as there are in one JSON parameter."""
    columns = [column(name, statement.table.c[name].type) for name in names]
    listed = func.json_to_recordset(bindparam(_ROWS)).table_valued(*columns, name="listed")
    rows = listed.render_derived(with_types=True)
    return statement.from_select(list(names), select(*(rows.c[name] for name in names)))


def _hex(value: bytes) -> str:
    return f"\\x{value.hex()}"

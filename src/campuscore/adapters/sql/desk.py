"""Where statements meet the driver: each Core statement is compiled once, then run as it is.

SQLAlchemy writes the SQL and knows the types; executing through its engine as well would cost ten
times what SQLite needs for a row by its key, on every request. Statements are module constants or
cached by their shape, so that plans are made once and kept.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from attrs import frozen
from sqlalchemy import ColumnElement, bindparam, func, select
from sqlalchemy.dialects import sqlite

__all__ = ["Answer", "Desk", "Record", "among", "ids_text"]

T = TypeVar("T")
Record = Sequence[Any]
Values = Mapping[str, Any]
Statement = Any
"""A Core statement; SQLAlchemy has no public type for all of them."""
_DIALECT: Any = sqlite.dialect()
_RUN = 2000
_LARGEST = (1 << 63) - 1


def among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Say that a column's value is in a list, which is one parameter whatever its length."""
    listed = func.json_each(bindparam(name)).table_valued("value")
    return column.in_(select(listed.c.value))


def ids_text(values: Sequence[int] | Sequence[str]) -> str:
    """Return a list as the parameter of ``among``."""
    return json.dumps(list(values))


@frozen
class _Plan:
    """A compiled statement: its text, its parameters in order, and how to read its columns."""

    text: str
    binders: tuple[tuple[str, Any, Callable[[Any], Any] | None], ...]
    readers: tuple[tuple[int, Callable[[Any], Any]], ...]

    def bind(self, values: Values) -> list[Any]:
        """Return the parameters in the order of their marks."""
        return [
            convert(values.get(name, default)) if convert else values.get(name, default)
            for name, default, convert in self.binders
        ]

    def read(self, rows: Sequence[Record]) -> Sequence[Record]:
        """Return rows with their columns converted; a column at a time is several times faster."""
        return list(zip(*self.columns(rows), strict=True)) if self.readers and rows else rows

    def columns(self, rows: Sequence[Record]) -> list[Record]:
        """Return the rows as converted columns."""
        columns: list[Record] = list(zip(*rows, strict=True))
        for at, convert in self.readers:
            columns[at] = tuple(map(convert, columns[at]))
        return columns


@frozen
class Answer:
    """What a statement answered."""

    _plan: _Plan
    _cursor: sqlite3.Cursor

    def all(self) -> Sequence[Record]:
        """Return all rows."""
        return self._plan.read(self._cursor.fetchall())

    def build(self, kind: Callable[..., T]) -> list[T]:
        """Return all rows as entities whose fields are the columns, in their order."""
        rows = self._cursor.fetchall()
        return list(map(kind, *self._plan.columns(rows))) if rows else []

    def runs(self) -> Iterator[Sequence[Record]]:
        """Yield the rows in runs, in constant memory."""
        while rows := self._cursor.fetchmany(_RUN):
            yield self._plan.read(rows)

    def first(self) -> Record | None:
        """Return the first row, or None."""
        row = self._cursor.fetchone()
        return None if row is None else self._plan.read([row])[0]

    def scalar(self) -> Any:
        """Return the first column of the first row, or None."""
        row = self.first()
        return None if row is None else row[0]

    def scalars(self) -> list[Any]:
        """Return the first column of every row."""
        return [row[0] for row in self.all()]

    @property
    def rowcount(self) -> int:
        """How many rows the statement touched."""
        return self._cursor.rowcount

    @property
    def new_id(self) -> int:
        """The key that the database gave to the row that was just inserted."""
        return self._cursor.lastrowid or 0


class Desk:
    """Runs statements on one connection."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw
        self.revised: set[str] = set()
        """The revisions that what was written moves."""

    def execute(self, statement: Statement, values: Values | None = None) -> Answer:
        """Run a statement with named values."""
        values = values or {}
        plan = _plan_of(statement, values)
        bound = plan.bind(values)
        try:
            return Answer(plan, self._raw.execute(plan.text, bound))
        except OverflowError:  # an id beyond the column's range is nobody's
            return Answer(plan, self._raw.execute(plan.text, [*map(_within, bound)]))

    def execute_many(self, statement: Statement, rows: Sequence[Values]) -> None:
        """Run a statement once for each row of values, all with the same names."""
        if rows:
            plan = _plan_of(statement, rows[0])
            self._raw.executemany(plan.text, map(plan.bind, rows))


def _within(value: Any) -> Any:
    return min(max(value, -_LARGEST - 1), _LARGEST) if isinstance(value, int) else value


_PLANS: dict[tuple[Statement, frozenset[str] | None], _Plan] = {}


def _plan_of(statement: Statement, values: Values) -> _Plan:
    """Return the plan of a statement; what an INSERT or UPDATE sets depends on the names given."""
    names = frozenset(values) if statement.is_dml else None
    plan = _PLANS.get((statement, names))
    if plan is None:
        plan = _PLANS[statement, names] = _make_plan(statement, names)
    return plan


def _make_plan(statement: Statement, given: frozenset[str] | None) -> _Plan:
    keys = None if given is None else sorted(given)
    compiled: Any = statement.compile(dialect=_DIALECT, column_keys=keys)
    names: list[str] = compiled.positiontup or []
    binders = tuple((name, compiled.binds[name].value, _binder(compiled, name)) for name in names)
    return _Plan(str(compiled), binders, tuple(_readers(statement)))


def _binder(compiled: Any, name: str) -> Callable[[Any], Any] | None:
    impl: Any = compiled.binds[name].type.dialect_impl(_DIALECT)
    found: Callable[[Any], Any] | None = impl.bind_processor(_DIALECT)
    return found


def _readers(statement: Any) -> Iterator[tuple[int, Callable[[Any], Any]]]:
    if statement.is_select:
        columns = statement.selected_columns
    else:
        columns = getattr(statement, "exported_columns", ())
    for at, column in enumerate(columns):
        convert = column.type.dialect_impl(_DIALECT).result_processor(_DIALECT, None)
        if convert is not None:
            yield at, convert

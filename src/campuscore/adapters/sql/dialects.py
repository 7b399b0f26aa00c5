"""What databases say differently, said once for repositories; and the plans of each dialect."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from attrs import field, frozen
from sqlalchemy import Boolean, ColumnElement, String, bindparam
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

__all__ = [
    "Plan",
    "Plans",
    "Record",
    "Statement",
    "Values",
    "among",
    "bytewise",
    "ids_text",
    "upsert",
]

Record = Sequence[Any]
Values = Mapping[str, Any]
Statement = Any
"""A Core statement; SQLAlchemy has no public type for all of them."""


class _Among(FunctionElement[bool]):
    """A column and a JSON list."""

    type = Boolean()
    inherit_cache = True


class _Bytewise(FunctionElement[str]):
    """A text whose order is that of its code points."""

    type = String()
    inherit_cache = True


def among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Say that a column's value is in a list, which is one parameter whatever its length."""
    return _Among(column, bindparam(name, type_=String))


def ids_text(values: Sequence[int] | Sequence[str]) -> str:
    """Return a list as the parameter of ``among``."""
    return json.dumps(list(values))


def bytewise(column: ColumnElement[Any]) -> ColumnElement[str]:
    """Return a text column in the order of its code points, as Python sorts, to order rows by it.

    PostgreSQL would sort in the language of its database.
    """
    return _Bytewise(column)


@compiles(_Among, "sqlite")
def _among_sqlite(element: Any, compiler: Any, **words: Any) -> str:
    column, listed = (compiler.process(part, **words) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({listed}))"  # noqa: S608 - parts are compiled


@compiles(_Among, "postgresql")
def _among_postgres(element: Any, compiler: Any, **words: Any) -> str:
    """Make an array before the rows are looked for, so that an index serves."""
    column, listed = (compiler.process(part, **words) for part in element.clauses)
    kind = compiler.dialect.type_compiler_instance.process(element.clauses.clauses[0].type)
    texts = f"json_array_elements_text(CAST({listed} AS JSON))"
    return f"{column} = ANY (ARRAY(SELECT CAST({texts} AS {kind})))"


@compiles(_Bytewise)
def _bytewise(element: Any, compiler: Any, **words: Any) -> str:
    return str(compiler.process(element.clauses, **words))


@compiles(_Bytewise, "postgresql")
def _bytewise_postgres(element: Any, compiler: Any, **words: Any) -> str:
    return f'{compiler.process(element.clauses, **words)} COLLATE "C"'


@frozen
class Plan:
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
class Plans:
    """The plans of a dialect, each made once and kept."""

    dialect: Any
    _made: dict[tuple[Statement, frozenset[str] | None], Plan] = field(
        init=False, factory=dict[tuple[Statement, frozenset[str] | None], Plan]
    )

    def find(self, statement: Statement, values: Values) -> Plan:
        """Return the plan of a statement; what an INSERT or UPDATE sets depends on the names."""
        names = frozenset(values) if statement.is_dml else None
        plan = self._made.get((statement, names))
        if plan is None:
            plan = self._made[statement, names] = self._make(statement, names)
        return plan

    def binder(self, kind: Any) -> Callable[[Any], Any] | None:
        """Return what makes a parameter of a value of this type, or None."""
        found: Callable[[Any], Any] | None = kind.dialect_impl(self.dialect).bind_processor(
            self.dialect
        )
        return found

    def _make(self, statement: Statement, given: frozenset[str] | None) -> Plan:
        keys = None if given is None else sorted(given)
        compiled: Any = statement.compile(dialect=self.dialect, column_keys=keys)
        names: list[str] = compiled.positiontup or []
        binds = [(name, compiled.binds[name]) for name in names]
        binders = tuple((name, bind.value, self.binder(bind.type)) for name, bind in binds)
        return Plan(str(compiled), binders, tuple(self._readers(statement)))

    def _readers(self, statement: Any) -> Iterator[tuple[int, Callable[[Any], Any]]]:
        if statement.is_select:
            columns = statement.selected_columns
        else:
            columns = getattr(statement, "exported_columns", ())
        for at, column in enumerate(columns):
            convert = column.type.dialect_impl(self.dialect).result_processor(self.dialect, None)
            if convert is not None:
                yield at, convert

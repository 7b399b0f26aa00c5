"""Where statements meet the driver: each Core statement is compiled once, then run as it is.

SQLAlchemy writes the SQL and knows the types; executing through its engine as well would cost ten
times what SQLite needs for a row by its key, on every request. Statements are module constants or
cached by their shape, so that plans are made once and kept.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, TypeVar

from attrs import frozen

from campuscore.adapters.sql.dialects import Plan, Plans, Record, Statement, Values
from campuscore.errors import CampusError

__all__ = ["Answer", "Desk"]

T = TypeVar("T")
_RUN = 2000


@frozen
class Answer:
    """What a statement answered."""

    _plan: Plan
    _cursor: Any

    def all(self) -> Sequence[Record]:
        """Return all rows."""
        return self._plan.read(self._cursor.fetchall())

    def build(self, kind: Callable[..., T]) -> list[T]:
        """Return all rows as entities whose fields are the columns, in their order."""
        rows = self._cursor.fetchall()
        return list(map(kind, *self._plan.columns(rows))) if rows else []

    def runs(self) -> Iterator[Sequence[Record]]:
        """Yield the rows in runs; in constant memory where they were asked for as a stream."""
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
        return int(self._cursor.rowcount)


class Desk(ABC):
    """Runs statements on one connection; what each database does its own way is below."""

    plans: ClassVar[Plans]
    errors: ClassVar[tuple[type[Exception], ...]]

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self.revised: set[str] = set()
        """The revisions that what was written moves."""

    def execute(self, statement: Statement, values: Values | None = None) -> Answer:
        """Run a statement with named values."""
        values = values or {}
        plan = self.plans.find(statement, values)
        try:
            return Answer(plan, self._raw.execute(plan.text, plan.bind(values)))
        except self.errors as error:
            return self.otherwise(statement, values, error)

    def otherwise(
        self,
        statement: Statement,  # noqa: ARG002
        values: Values,  # noqa: ARG002
        error: Exception,
    ) -> Answer:
        """Answer a statement that the driver refused, or raise what that means."""
        raise self.refusal(error) from error

    @abstractmethod
    def execute_many(self, statement: Statement, rows: Sequence[Values]) -> None:
        """Run a statement once for each row of values, all with the same names."""

    @abstractmethod
    def insert(self, statement: Statement, values: Values) -> int:
        """Insert a row, and return the key that the database gave it."""

    @abstractmethod
    def insert_many(self, statement: Statement, rows: Sequence[Values]) -> list[int]:
        """Insert rows, and return the keys that the database gave them, in order and rising."""

    @abstractmethod
    def stream(self, statement: Statement, values: Values) -> Answer:
        """Run a statement whose rows are read in runs, while others run at the same desk."""

    @abstractmethod
    def refusal(self, error: Exception) -> CampusError:
        """Return what the driver says as an error of ours."""

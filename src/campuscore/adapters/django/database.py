"""The other system's database: opened to read, inspected, and read row by row in one state."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

from attrs import frozen
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MetaData,
    Table,
    create_engine,
    func,
    inspect,
    select,
    type_coerce,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool
from sqlalchemy.types import NullType

from campuscore.adapters.django.layout import Source, TableInfo
from campuscore.errors import Invalid, Unavailable

__all__ = ["Database", "opened"]

_RUN = 1000
_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
Rows: TypeAlias = Table[Any]


@frozen
class Database:
    """One consistent state of a database."""

    connection: Connection

    def tables(self) -> dict[str, TableInfo]:
        """Inspect every table."""
        found = inspect(self.connection)
        infos: dict[str, TableInfo] = {}
        for name in found.get_table_names():
            columns = tuple(column["name"] for column in found.get_columns(name))
            keys = found.get_pk_constraint(name)["constrained_columns"]
            refers = {
                key["constrained_columns"][0]: key["referred_table"]
                for key in found.get_foreign_keys(name)
                if len(key["constrained_columns"]) == 1
            }
            infos[name] = TableInfo(name, columns, keys[0] if keys else columns[0], refers)
        return infos

    def rows(self, source: Source) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Yield the key and the raw value of each field, by key; values that break stay raw."""
        names = list(source.columns)
        table = _table(source.table)
        key = table.c[source.table.key]
        chosen = [_raw(key), *(_raw(table.c[source.columns[name]]) for name in names)]
        statement = select(*chosen).order_by(key)
        with _translated():
            result = self.connection.execution_options(yield_per=_RUN).execute(statement)
            for first, *values in result:
                yield first, dict(zip(names, values, strict=True))

    def filled(self, table: TableInfo, columns: Sequence[str]) -> dict[str, int]:
        """Count the rows in which each column is filled."""
        if not columns:
            return {}
        rows = _table(table)
        with _translated():
            counts = self.connection.execute(select(*(func.count(rows.c[c]) for c in columns)))
            return dict(zip(columns, counts.one(), strict=True))

    def count(self, table: TableInfo) -> int:
        """Count the rows of a table."""
        with _translated():
            found = self.connection.execute(select(func.count()).select_from(_table(table)))
            return int(found.scalar_one())


@contextmanager
def opened(place: str) -> Generator[Database]:
    """Open a SQLite file, or a database by its URL, to read."""
    engine = _engine(place)
    try:
        with _translated(), engine.connect() as connection:
            yield Database(connection)
    finally:
        engine.dispose()


def _engine(place: str) -> Engine:
    scheme, found, rest = place.partition("://")
    if not found:
        return _sqlite(Path(place))
    try:
        url = make_url(f"{_DRIVERS.get(scheme, scheme)}://{rest}")
        if url.get_backend_name() == "sqlite":
            return _sqlite(Path(url.database or ""))
        if url.get_backend_name() != "postgresql":
            raise _unread(scheme)
        isolation: Any = "REPEATABLE READ"
        return create_engine(url, poolclass=NullPool, isolation_level=isolation)
    except (ArgumentError, NoSuchModuleError) as error:
        # The error of SQLAlchemy shows the URL, and a URL may hold a password.
        raise _unread(scheme) from error
    except ModuleNotFoundError as error:
        raise Unavailable(f"the library {error.name!r} is not installed") from error


def _unread(scheme: str) -> Invalid:
    kinds = "a SQLite file, or PostgreSQL as postgresql://USER@HOST/NAME"
    return Invalid.at("database", f"{scheme}:// cannot be read; what can be read is {kinds}")


def _sqlite(path: Path) -> Engine:
    if path.is_dir():
        raise Unavailable(f"{path}: is a folder; name the file of a SQLite database")
    if not path.is_file():
        raise Unavailable(f"{path}: there is no such file")

    def connect() -> sqlite3.Connection:
        address = f"file:{quote(str(path.resolve()))}?mode=ro"
        raw = sqlite3.connect(address, uri=True, isolation_level=None)
        raw.text_factory = _text
        raw.execute("BEGIN")
        return raw

    return create_engine("sqlite://", creator=connect, poolclass=NullPool)


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")


def _table(info: TableInfo) -> Rows:
    return Table(info.name, MetaData(), *(Column(name, NullType()) for name in info.columns))


def _raw(column: Any) -> Any:
    return type_coerce(column, NullType())


@contextmanager
def _translated() -> Generator[None]:
    try:
        yield
    except DBAPIError as error:
        raise Unavailable(f"the database cannot be read: {error.orig}") from error

"""Migrations and health of a SQL store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from campuscore.adapters.sql.tables import METADATA
from campuscore.adapters.sql.trouble import closed
from campuscore.domain.operations import Finding
from campuscore.errors import Conflict, Unavailable
from campuscore.ports.operations import SchemaStatus, StoreCopy

__all__ = ["Closable", "SqlKeeper"]

T = TypeVar("T")


class Closable(Protocol):
    """Something with open connections."""

    def close(self) -> None:
        """Close them, for good."""
        ...


class SqlKeeper:
    """Keeps the schema of one database."""

    def __init__(self, engine: Engine, rows: Sequence[Closable], alone: Sequence[str]) -> None:
        self._engine = engine
        self._rows = rows
        self._alone = alone
        self._closed = False
        config = Config()
        config.set_main_option("script_location", "campuscore.adapters.sql:migrations")
        self._script = ScriptDirectory.from_config(config)
        self._config = config
        self._known = {each.revision for each in self._script.walk_revisions()}

    @property
    def shared(self) -> bool:
        return True

    def status(self) -> SchemaStatus:
        return self.run(self._status)

    def upgrade(self) -> SchemaStatus:
        standing = self.status()
        if standing.current and standing.current not in self._known:
            text = f"the database is at revision {standing.current}, which a newer campuscore made"
            raise Conflict(f"{text}; this one knows {standing.head}", code="schema_newer")
        return standing if standing.up_to_date else self.run(self._upgrade)

    def difference(self) -> list[Any]:
        """Return what the database lacks of the tables, which is nothing at the head."""
        return self.run(_compare)

    def ping(self) -> None:
        self.run(_ask)

    def examine(self, *, deep: bool = False) -> list[Finding]:  # noqa: ARG002 - the port's
        self.check_open()
        return []

    def copy(self, to: Path) -> StoreCopy:  # noqa: ARG002 - the port's
        self.check_open()
        text = "this database has no backups of ours: use its own tools, such as pg_dump"
        raise Unavailable(text, code="backup_unsupported")

    def close(self) -> None:
        self._closed = True
        for row in self._rows:
            row.close()
        self._engine.dispose()

    def check_open(self) -> None:
        if self._closed:
            raise closed()

    def _status(self, connection: Connection) -> SchemaStatus:
        current = MigrationContext.configure(connection).get_current_revision()
        return SchemaStatus(current, str(self._script.get_current_head()))

    def _upgrade(self, connection: Connection) -> SchemaStatus:
        """Migrate alone, so that of several starting processes one does it."""
        head = str(self._script.get_current_head())

        def steps(revision: Any, _: Any) -> Any:
            return self._script._upgrade_revs(head, revision)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - Alembic's own recipe

        for command in self._alone:
            connection.exec_driver_sql(command)
        with EnvironmentContext(self._config, self._script, fn=steps) as environment:
            environment.configure(
                connection=connection,
                target_metadata=METADATA,
                render_as_batch=True,
                transactional_ddl=True,
            )
            environment.run_migrations()
        connection.exec_driver_sql("COMMIT")
        return self._status(connection)

    def run(self, act: Callable[[Connection], T]) -> T:
        self.check_open()
        try:
            with self._engine.connect() as connection:
                return act(connection)
        except DBAPIError as error:
            raise Unavailable(f"the database cannot be used: {error.orig}") from error


def _ask(connection: Connection) -> object:
    return connection.exec_driver_sql("SELECT 1").scalar()


def _compare(connection: Connection) -> list[Any]:
    return list(compare_metadata(MigrationContext.configure(connection), METADATA))

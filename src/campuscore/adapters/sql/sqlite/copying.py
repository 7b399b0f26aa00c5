"""Copies of a SQLite database in use, and putting one into its place."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from campuscore.errors import Conflict
from campuscore.ports.operations import StoreCopy

__all__ = ["copy_database", "install_database", "remove_database"]

# Of older schemas too: a backup is what one makes before an upgrade.
_BLOBS = {
    "attachments": ("SELECT sha256 FROM attachments",),
    "dist_files": (
        "SELECT sha256 FROM dist_files WHERE removed_at IS NULL",
        "SELECT metadata FROM dist_files WHERE removed_at IS NULL",
    ),
}
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%'"


def copy_database(source: sqlite3.Connection, to: Path) -> StoreCopy:
    """Copy the state of one instant; no page of it is read outside of one read transaction."""
    os.close(os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(to)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")
        names = [row[0] for row in target.execute(f"{_TABLES} ESCAPE '~' ORDER BY name")]
        counts = {
            name: target.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - names of our tables
            for name in names
            if name != "alembic_version"
        }
        blobs = {
            str(row[0])
            for name in names
            for query in _BLOBS.get(name, ())
            for row in target.execute(query)
        }
        return StoreCopy(_revision(target, names), counts, sorted(blobs), _audit(target, names))


def install_database(staged: Path, target: Path) -> None:
    """Put a database into the place of one that nobody uses, in one step."""
    for path in (staged, target):
        if path.exists():
            _settle(path)
    staged.replace(target)


def remove_database(path: Path) -> None:
    """Remove a database that nobody uses; nothing happens where there is none."""
    if path.exists():
        _settle(path)
        path.unlink()


def _settle(path: Path) -> None:
    """Write the log back into the database, which SQLite does only where nobody else has it open.

    A log that stayed would be taken for one of the new database.
    """
    with closing(sqlite3.connect(path, timeout=0)) as raw:
        try:
            raw.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError as error:
            text = f"{path} is in use; stop whatever has opened it"
            raise Conflict(text, code="database_in_use") from error
        except sqlite3.DatabaseError:
            # What is damaged is what restores are for; its log goes with it.
            for suffix in ("-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)


def _audit(raw: sqlite3.Connection, tables: list[str]) -> str:
    if "audit_heads" not in tables:
        return ""
    row = raw.execute("SELECT number, digest FROM audit_heads WHERE number > 0").fetchone()
    return f"{row[0]}:{row[1]}" if row else ""


def _revision(raw: sqlite3.Connection, tables: list[str]) -> str:
    if "alembic_version" not in tables:
        return ""
    row = raw.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else ""

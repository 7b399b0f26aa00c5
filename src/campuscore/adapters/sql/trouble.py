"""What the database says went wrong, as campus errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager

from campuscore.errors import CampusError, Conflict, Unavailable

__all__ = ["translated"]


@contextmanager
def translated(
    missing: CampusError | None = None, taken: CampusError | None = None
) -> Generator[None]:
    """Translate errors of the block: a broken reference, a taken key, a database out of reach."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
            raise missing or Conflict("something that this refers to is not there") from error
        raise taken or Conflict("this contradicts what is stored") from error
    except sqlite3.Error as error:
        raise Unavailable(f"the database cannot be used: {error}") from error

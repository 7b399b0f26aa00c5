"""What PostgreSQL says went wrong, as campus errors."""

from __future__ import annotations

import psycopg

from campuscore.adapters.sql.trouble import Refused, unstorable
from campuscore.errors import Busy, CampusError, Conflict, Unavailable
from campuscore.ports.work import TRY_AGAIN

__all__ = ["ERRORS", "refusal"]

ERRORS: tuple[type[Exception], ...] = (psycopg.Error, UnicodeError)
_OVERTAKEN = {"40001", "40P01"}
_LOCKED, _NO_REFERENCE, _UNDONE = "55P03", "23503", "25P02"
_INTEGRITY, _DATA = "23", "22"


def refusal(error: Exception) -> CampusError:
    """Return what the driver says as an error of ours, by its SQLSTATE."""
    state, words = _read(error)
    if state in _OVERTAKEN:
        return Busy("others changed the same at the same time", code=TRY_AGAIN)
    if state == _LOCKED:
        return Busy("another writer holds the database", code="database_busy")
    if state == _UNDONE:
        return Conflict("an earlier change of this unit of work was refused")
    if state.startswith(_INTEGRITY):
        return Refused(words, missing=state == _NO_REFERENCE)
    if state.startswith(_DATA) or isinstance(error, psycopg.DataError | UnicodeError):
        return unstorable(words)
    return Unavailable(f"the database cannot be used: {words}")


def _read(error: Exception) -> tuple[str, str]:
    """Return the SQLSTATE and the sentence; what has none comes from the driver itself."""
    words = str(error).strip()
    if not isinstance(error, psycopg.Error):
        return "", words
    return error.sqlstate or "", error.diag.message_primary or words

"""What can be wrong inside a SQLite database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from campuscore.domain.operations import Finding, Level

__all__ = ["examine"]

_OK, _WARNING, _FAILURE = Level.OK, Level.WARNING, Level.FAILURE
_FULL = 2
_RESTORE = "stop the server and restore a backup: campuscore db restore FILE --replace"


def examine(raw: sqlite3.Connection, *, deep: bool) -> list[Finding]:
    """Check journal, references, the file itself, and how it is written."""

    def ask(pragma: str) -> Any:
        return raw.execute(f"PRAGMA {pragma}").fetchone()[0]

    broken = raw.execute("PRAGMA foreign_key_check").fetchmany(3)
    return [
        _journal(str(ask("journal_mode"))),
        _references(ask("foreign_keys") == 1, [str(row[0]) for row in broken]),
        _whole(ask, "integrity_check" if deep else "quick_check"),
        _flushed(int(ask("synchronous"))),
    ]


def _journal(mode: str) -> Finding:
    if mode == "wal":
        return Finding("journal", _OK, "write-ahead log")
    text = f"the journal is {mode}: readers and writers wait for one another"
    return Finding("journal", _WARNING, text, "put the home folder on a local disk")


def _references(enforced: bool, broken: list[str]) -> Finding:  # noqa: FBT001 - of one caller
    if not enforced:
        text = "references are not enforced"
        return Finding("references", _FAILURE, text, "use the SQLite that Python comes with")
    if broken:
        text = f"rows of {', '.join(sorted(set(broken)))} refer to what is not there"
        return Finding("references", _FAILURE, text, _RESTORE)
    return Finding("references", _OK, "every reference leads to a row")


def _whole(ask: Callable[[str], Any], check: str) -> Finding:
    said = str(ask(check))
    if said == "ok":
        return Finding("integrity", _OK, f"{check} says ok")
    return Finding("integrity", _FAILURE, f"{check} says {said.splitlines()[0]}", _RESTORE)


def _flushed(synchronous: int) -> Finding:
    if synchronous >= _FULL:
        return Finding("durability", _OK, "each acknowledged write is flushed to the disk")
    text = "the last acknowledged writes may be lost in a power cut"
    return Finding("durability", _WARNING, text, "set sqlite_synchronous to full")

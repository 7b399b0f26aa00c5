"""Connections to SQLite that stay open, and the transactions on them.

A seat keeps one connection for good, and opens and closes transactions on the driver itself.
"""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable
from queue import Empty, LifoQueue

from campuscore.adapters.sql.sqlite.desk import SqliteDesk
from campuscore.adapters.sql.trouble import closed
from campuscore.errors import Busy, Unavailable

__all__ = ["SqliteRow", "SqliteSeat"]

_STEP = 0.001


class SqliteSeat:
    """One open connection of sqlite3."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw
        self.desk: SqliteDesk = SqliteDesk(raw)

    def run(self, command: str) -> None:
        try:
            self._raw.execute(command)
        except sqlite3.Error as error:
            raise self.desk.refusal(error) from error

    def begin(self, command: str) -> None:
        """Begin a transaction; the driver's own error says whether somebody else writes."""
        self._raw.execute(command)

    def roll_back(self) -> None:
        """Undo what was not committed."""
        if self._raw.in_transaction:
            self._raw.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection."""
        self._raw.close()


class SqliteRow:
    """Seats at one file, opened when none is free."""

    def __init__(
        self, connect: Callable[[], sqlite3.Connection], size: int, patience: float
    ) -> None:
        self._connect = connect
        self._free: LifoQueue[SqliteSeat] = LifoQueue()
        self._tickets = threading.BoundedSemaphore(size)
        self._patience = patience
        self._closed = False

    def take(self, begin: str) -> SqliteSeat:
        deadline = time.monotonic() + self._patience
        if not self._tickets.acquire(timeout=self._patience):
            raise _busy()
        try:
            seat = self._sit()
            _begin(seat, begin, deadline)
        except BaseException:
            self._tickets.release()
            raise
        return seat

    def leave(self, seat: SqliteSeat) -> None:
        try:
            seat.roll_back()
            self._free.put(seat)
            if self._closed:
                self.clear()
        finally:
            self._tickets.release()

    def close(self) -> None:
        self._closed = True
        self.clear()

    def clear(self) -> None:
        """Close the seats that are free; others are opened when they are needed."""
        while True:
            try:
                self._free.get_nowait().close()
            except Empty:
                return

    def _sit(self) -> SqliteSeat:
        if self._closed:
            raise closed()
        try:
            return self._free.get_nowait()
        except Empty:
            pass
        try:
            return SqliteSeat(self._connect())
        except sqlite3.Error as error:
            raise _unavailable(error) from error


def _begin(seat: SqliteSeat, command: str, deadline: float) -> None:
    """Begin; while another process writes, ask again in steps of under a millisecond.

    That is fairer than SQLite's own waiting, which backs off to 100 ms.
    """
    while True:
        try:
            seat.begin(command)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise _unavailable(error) from error
            if time.monotonic() > deadline:
                raise _busy() from error
            time.sleep(random.uniform(0.2, 1) * _STEP)  # noqa: S311 - jitter, not a secret
        else:
            return


def _busy() -> Busy:
    return Busy("another writer holds the database", code="database_busy")


def _unavailable(error: sqlite3.Error) -> Unavailable:
    return Unavailable(f"the database cannot be used: {error}")

"""Connections to PostgreSQL from a pool, and the transactions on them."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import Int8Dumper
from psycopg_pool import ConnectionPool, PoolTimeout

from campuscore.adapters.sql.postgres.desk import PostgresDesk
from campuscore.adapters.sql.postgres.trouble import refusal
from campuscore.adapters.sql.trouble import closed
from campuscore.errors import Busy, Conflict, Unavailable
from campuscore.ports.work import TRY_AGAIN

__all__ = ["PostgresRow", "PostgresSeat"]

_IDLE = "5min"
_GLANCE = 2.0
_SEATS = 10
_CROWDED = 0.25
_TURN = int.from_bytes(b"turn")
"""The key of the advisory lock under which writers take turns."""


class PostgresSeat:
    """One connection of the pool, for one unit of work."""

    def __init__(self, raw: Connection[Any], *, reads: bool, queues: bool) -> None:
        self.raw = raw
        self.reads = reads
        self._queues = queues
        self.desk: PostgresDesk = PostgresDesk(raw)

    def run(self, command: str) -> None:
        if command == "COMMIT" and self.desk.overtaken:
            raise Busy("others changed the same at the same time", code=TRY_AGAIN)
        try:
            done = self.raw.execute(command.encode()).statusmessage
        except psycopg.Error as error:
            raise self.desk.refusal(error) from error
        if command == "COMMIT" and done != command:
            raise Conflict("an earlier change of this unit of work was refused")

    def begin(self, command: str) -> None:
        if self._queues:
            self.run(f"SELECT pg_advisory_lock({_TURN})")
        self.run(command)

    def end(self) -> None:
        """Undo what was not committed.

        What has only read is committed: after a ROLLBACK the driver forgets what it prepared.
        """
        status = self.raw.info.transaction_status
        if status == TransactionStatus.INTRANS and self.reads:
            self.raw.execute(b"COMMIT")
        elif status not in {TransactionStatus.IDLE, TransactionStatus.UNKNOWN}:
            self.raw.execute(b"ROLLBACK")
        if self._queues:
            self.raw.execute(f"SELECT pg_advisory_unlock({_TURN})".encode())


class PostgresRow:
    """Seats at one server; the pool is opened at its first use, in the process that uses it.

    For a moment after one lost to others, writers take turns: many who change the same row would
    otherwise go on to make one another fail.
    """

    def __init__(self, url: str, patience: float) -> None:
        self._url = url
        self._patience = patience
        self._crowded = 0.0
        self._closed = False
        self._pool: ConnectionPool[Connection[Any]] = ConnectionPool(
            url,
            kwargs={"autocommit": True},
            min_size=1,
            max_size=_SEATS,
            open=False,
            timeout=_GLANCE,
            reconnect_timeout=_GLANCE,
            configure=self._prepare,
            name="campuscore",
        )

    def take(self, begin: str) -> PostgresSeat:
        deadline = time.monotonic() + self._patience
        reads = "READ ONLY" in begin
        queues = "SERIALIZABLE" in begin and time.monotonic() < self._crowded
        while True:
            seat = PostgresSeat(self._connection(deadline), reads=reads, queues=queues)
            try:
                seat.begin(begin)
            except BaseException as error:
                broken = seat.raw.closed
                seat.raw.close()  # and with it what it may hold; the pool opens another
                self._pool.putconn(seat.raw)
                if not (broken and isinstance(error, Unavailable)) or time.monotonic() > deadline:
                    raise
            else:
                return seat

    def leave(self, seat: PostgresSeat) -> None:
        if seat.desk.overtaken:
            self._crowded = time.monotonic() + _CROWDED
        try:
            seat.end()
        except psycopg.Error:
            pass  # the pool closes what is broken and opens another
        finally:
            self._pool.putconn(seat.raw)

    def close(self) -> None:
        self._closed = True
        self._pool.close()

    def _connection(self, deadline: float) -> Connection[Any]:
        """Wait for a free connection, but not for a server that does not answer."""
        while not self._closed:
            try:
                self._pool.open()
                return self._pool.getconn()
            except PoolTimeout as error:
                self._probe()
                if time.monotonic() > deadline:
                    raise Busy("all connections are in use", code="database_busy") from error
            except psycopg.OperationalError as error:
                if not self._closed:
                    raise refusal(error) from error
        raise closed()

    def _probe(self) -> None:
        try:
            psycopg.connect(self._url, connect_timeout=int(_GLANCE)).close()
        except psycopg.Error as error:
            raise refusal(error) from error

    def _prepare(self, raw: Connection[Any]) -> None:
        """Bound how long statements wait; send all integers as one type, so that plans are few."""
        raw.adapters.register_dumper(int, Int8Dumper)
        raw.execute(f"SET lock_timeout = '{self._patience}s'".encode())
        raw.execute(f"SET idle_in_transaction_session_timeout = '{_IDLE}'".encode())

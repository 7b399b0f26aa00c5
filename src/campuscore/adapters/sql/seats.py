"""Connections and the transactions on them, whichever the database."""

from __future__ import annotations

from typing import Protocol, TypeVar

from campuscore.adapters.sql.desk import Desk

__all__ = ["Row", "Seat"]

S = TypeVar("S", bound="Seat")


class Seat(Protocol):
    """One open connection, and what is done to it as a whole."""

    @property
    def desk(self) -> Desk:
        """Where statements are run."""
        ...

    def run(self, command: str) -> None:
        """Execute a command of transaction control."""
        ...


class Row(Protocol[S]):
    """A row of seats: each is taken by one unit of work at a time."""

    def take(self, begin: str) -> S:
        """Take a seat and begin a transaction, or raise Busy when that takes too long.

        Raises Unavailable where the row was closed.
        """
        ...

    def leave(self, seat: S) -> None:
        """Undo what was not committed, and free the seat."""
        ...

    def close(self) -> None:
        """Close the seats for good: those that are free now, others when they are left."""
        ...

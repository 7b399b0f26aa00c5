"""The port of a store's upkeep: migrations and health."""

from __future__ import annotations

from typing import Protocol

from attrs import frozen

__all__ = ["SchemaStatus", "StoreKeeper"]


@frozen
class SchemaStatus:
    """Which revision the database is at (None when empty), and which this release needs."""

    current: str | None
    head: str

    @property
    def up_to_date(self) -> bool:
        """Say whether no migration is missing."""
        return self.current == self.head


class StoreKeeper(Protocol):
    """What ``db`` commands and probes ask of a store, whichever it is."""

    @property
    def shared(self) -> bool:
        """Whether several processes can use the store at once."""
        ...

    def status(self) -> SchemaStatus:
        """Return the schema's revision.

        Raises
        ------
        Unavailable
            The store cannot be reached.
        """
        ...

    def upgrade(self) -> SchemaStatus:
        """Apply the missing migrations, each in a transaction, and say where the schema stands."""
        ...

    def ping(self) -> None:
        """Ask the store for a sign of life.

        Raises
        ------
        Unavailable
            The store cannot be reached.
        """
        ...

    def close(self) -> None:
        """Give back connections; the store cannot be used afterwards."""
        ...

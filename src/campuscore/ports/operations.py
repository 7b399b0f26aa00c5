"""The ports of upkeep: a store's migrations, health and copies; the machine; backups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from attrs import frozen

from campuscore.domain.operations import Finding, Manifest
from campuscore.ports.files import BlobStore

__all__ = ["Backups", "Host", "SchemaStatus", "StoreCopy", "StoreKeeper"]


@frozen
class SchemaStatus:
    """Which revision the database is at (None when empty), and which this release needs."""

    current: str | None
    head: str

    @property
    def up_to_date(self) -> bool:
        """Say whether no migration is missing."""
        return self.current == self.head


@frozen
class StoreCopy:
    """What a copy of a store holds: its revision, rows by table, and the blobs they name.

    ``audit`` is the head of its audit, empty where it has none.
    """

    revision: str
    counts: Mapping[str, int]
    blobs: Sequence[str]
    audit: str = ""


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

    def examine(self, *, deep: bool = False) -> list[Finding]:
        """Look for what is wrong inside the store.

        Parameters
        ----------
        deep
            Take the time to read everything.
        """
        ...

    def copy(self, to: Path) -> StoreCopy:
        """Write the state of one instant into a new file, while others go on reading and writing.

        Raises
        ------
        Unavailable
            The store has no such copies (code ``backup_unsupported``), or cannot be read.
        """
        ...

    def close(self) -> None:
        """Give back connections for good; a Work that is open may end, and closing twice is fine.

        Whatever the store is asked for afterwards, units of work as well, raises Unavailable
        (``campuscore.ports.work.CLOSED``).
        """
        ...


class Host(Protocol):
    """The machine and the folder that a campus lives on."""

    def examine(self) -> list[Finding]:
        """Look for what is wrong with home folder, disk, clock, secrets, libraries and exposure."""
        ...


class Backups(Protocol):
    """Backups of a whole campus."""

    def write(
        self, keeper: StoreKeeper, blobs: BlobStore, target: Path, *, replace: bool = False
    ) -> Manifest:
        """Write a store and the blobs that it names into one file, at once whole and durable.

        Parameters
        ----------
        keeper, blobs
            What to back up; both may be written to meanwhile.
        target
            The archive; compressed when its name ends with ``.gz`` or ``.tgz``.
        replace
            Put it in place of a file that is there.

        Raises
        ------
        Conflict
            There is such a file.
        Unavailable
            The store has no copies, a blob is missing or damaged, or the disk is full.
        """
        ...

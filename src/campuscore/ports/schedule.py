"""The repositories of the timetable."""

from __future__ import annotations

from typing import Protocol

from campuscore.domain.access import Scope
from campuscore.domain.paging import Slice
from campuscore.domain.schedule import (
    EntryQuery,
    NewEntry,
    NewRoom,
    NewTerm,
    Room,
    ScheduleEntry,
    Term,
)

__all__ = ["Entries", "Rooms", "Terms"]


class Entries(Protocol):
    """Schedule entries."""

    def find(self, entry_id: int) -> ScheduleEntry | None:
        """Return the entry with this id."""
        ...

    def list(self, scope: Scope, query: EntryQuery, part: Slice) -> list[ScheduleEntry]:
        """Return entries within the scope by date, then id; the key is (date's ordinal, id)."""
        ...

    def add(self, new: NewEntry) -> ScheduleEntry:
        """Store a new entry.

        Raises
        ------
        Conflict
            The group or the room is not there.
        """
        ...

    def save(self, entry: ScheduleEntry) -> None:
        """Store an entry that was changed.

        Raises
        ------
        Conflict
            The group or the room is not there.
        NotFound
            There is no entry with this id.
        """
        ...

    def remove(self, entry_id: int) -> None:
        """Remove an entry; nothing happens where there is none."""
        ...


class Terms(Protocol):
    """Named spans of local dates."""

    def find(self, term_id: int) -> Term | None:
        """Return the term with this id."""
        ...

    def list(self) -> list[Term]:
        """Return all terms by first day, then id."""
        ...

    def add(self, new: NewTerm) -> Term:
        """Store a new term.

        Raises
        ------
        Conflict
            The name is taken.
        """
        ...

    def save(self, term: Term) -> None:
        """Store a term that was changed.

        Raises
        ------
        Conflict
            The name is taken by another term.
        NotFound
            There is no term with this id.
        """
        ...

    def remove(self, term_id: int) -> None:
        """Remove a term; nothing happens where there is none.

        Raises
        ------
        Conflict
            A group refers to it.
        """
        ...


class Rooms(Protocol):
    """Bookable places."""

    def find(self, room_id: int) -> Room | None:
        """Return the room with this id."""
        ...

    def list(self) -> list[Room]:
        """Return all rooms by name, then id."""
        ...

    def add(self, new: NewRoom) -> Room:
        """Store a new room.

        Raises
        ------
        Conflict
            The name is taken.
        """
        ...

    def save(self, room: Room) -> None:
        """Store a room that was changed.

        Raises
        ------
        Conflict
            The name is taken by another room.
        NotFound
            There is no room with this id.
        """
        ...

    def remove(self, room_id: int) -> None:
        """Remove a room; nothing happens where there is none.

        Raises
        ------
        Conflict
            A schedule entry refers to it.
        """
        ...

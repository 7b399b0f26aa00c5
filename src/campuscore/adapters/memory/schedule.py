"""The timetable in memory."""

from __future__ import annotations

from copy import copy
from datetime import date

from attrs import frozen

from campuscore.adapters.memory.access import see
from campuscore.adapters.memory.store import Tables
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
from campuscore.errors import Conflict, NotFound

__all__ = ["MemoryEntries", "MemoryRooms", "MemoryTerms"]


@frozen
class MemoryEntries:
    """The port ``Entries``."""

    tables: Tables

    def find(self, entry_id: int) -> ScheduleEntry | None:
        return self.tables.entries.find(entry_id)

    def list(self, scope: Scope, query: EntryQuery, part: Slice) -> list[ScheduleEntry]:
        sight = see(self.tables, scope)
        found = [
            ((row.date.toordinal(), row.id), row)
            for row in self.tables.entries.rows.values()
            if sight.covers_group(row.group) and _matches(row, query)
        ]
        if part.after:
            found = [each for each in found if each[0] > part.after]
        found.sort(key=lambda each: each[0])
        return [copy(row) for _, row in found[: part.limit]]

    def add(self, new: NewEntry) -> ScheduleEntry:
        self._check_references(new.group, new.room)
        key = self.tables.entries.next_id()
        entry = ScheduleEntry(key, new.group, new.title, new.date, new.start, new.end, new.room)
        self.tables.entries.put(key, entry)
        return entry

    def save(self, entry: ScheduleEntry) -> None:
        if entry.id not in self.tables.entries.rows:
            raise NotFound(f"there is no schedule entry {entry.id}", code="entry_not_found")
        self._check_references(entry.group, entry.room)
        self.tables.entries.put(entry.id, entry)

    def remove(self, entry_id: int) -> None:
        self.tables.entries.drop(entry_id)

    def _check_references(self, group: int, room: int | None) -> None:
        if group not in self.tables.groups.rows:
            raise Conflict(f"there is no group {group}", code="reference_missing")
        if room is not None and room not in self.tables.rooms.rows:
            raise Conflict(f"there is no room {room}", code="reference_missing")


@frozen
class MemoryTerms:
    """The port ``Terms``."""

    tables: Tables

    def find(self, term_id: int) -> Term | None:
        return self.tables.terms.find(term_id)

    def list(self) -> list[Term]:
        rows = self.tables.terms.rows.values()
        return [copy(row) for row in sorted(rows, key=lambda row: (row.first_day, row.id))]

    def add(self, new: NewTerm) -> Term:
        self._require_free(new.name, None)
        key = self.tables.terms.next_id()
        term = Term(key, new.name, new.first_day, new.last_day, new.code)
        self.tables.terms.put(key, term)
        return term

    def save(self, term: Term) -> None:
        if term.id not in self.tables.terms.rows:
            raise NotFound(f"there is no term {term.id}", code="term_not_found")
        self._require_free(term.name, term.id)
        self.tables.terms.put(term.id, term)

    def remove(self, term_id: int) -> None:
        if any(row.term == term_id for row in self.tables.groups.rows.values()):
            raise Conflict("a group refers to the term", code="term_in_use")
        self.tables.terms.drop(term_id)

    def _require_free(self, name: str, term_id: int | None) -> None:
        if any(row.id != term_id for row in self.tables.terms.having(name)):
            raise Conflict(f"the term name {name!r} is taken", code="term_taken")


@frozen
class MemoryRooms:
    """The port ``Rooms``."""

    tables: Tables

    def find(self, room_id: int) -> Room | None:
        return self.tables.rooms.find(room_id)

    def list(self) -> list[Room]:
        rows = self.tables.rooms.rows.values()
        return [copy(row) for row in sorted(rows, key=lambda row: (row.name, row.id))]

    def add(self, new: NewRoom) -> Room:
        self._require_free(new.name, None)
        room = Room(self.tables.rooms.next_id(), new.name, new.capacity)
        self.tables.rooms.put(room.id, room)
        return room

    def save(self, room: Room) -> None:
        if room.id not in self.tables.rooms.rows:
            raise NotFound(f"there is no room {room.id}", code="room_not_found")
        self._require_free(room.name, room.id)
        self.tables.rooms.put(room.id, room)

    def remove(self, room_id: int) -> None:
        if any(row.room == room_id for row in self.tables.entries.rows.values()):
            raise Conflict("a schedule entry refers to the room", code="room_in_use")
        self.tables.rooms.drop(room_id)

    def _require_free(self, name: str, room_id: int | None) -> None:
        if any(row.id != room_id for row in self.tables.rooms.having(name)):
            raise Conflict(f"the room name {name!r} is taken", code="room_taken")


def _matches(row: ScheduleEntry, query: EntryQuery) -> bool:
    return (query.group is None or row.group == query.group) and _within(row.date, query)


def _within(day: date, query: EntryQuery) -> bool:
    return (query.since is None or query.since <= day) and (
        query.until is None or day <= query.until
    )

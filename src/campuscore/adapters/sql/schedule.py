"""Schedule entries, terms and rooms in SQL."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import (
    Integer,
    bindparam,
    delete,
    false,
    insert,
    select,
    type_coerce,
    update,
)

from campuscore.adapters.sql.desk import Desk
from campuscore.adapters.sql.dialects import bytewise
from campuscore.adapters.sql.scope import groups_within, scope_values
from campuscore.adapters.sql.tables import entries, groups, rooms, terms
from campuscore.adapters.sql.trouble import translated
from campuscore.domain.access import Reach, Scope
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

__all__ = ["SqlEntries", "SqlRooms", "SqlTerms"]

_ENTRY = bindparam("entry_id", type_=Integer)
_FIND = select(*entries.c).where(entries.c.id == _ENTRY)
_ADD = insert(entries)
_SAVE = update(entries).where(entries.c.id == _ENTRY)
_REMOVE = delete(entries).where(entries.c.id == _ENTRY)

_TERM = bindparam("term_key", type_=Integer)
_FIND_TERM = select(*terms.c).where(terms.c.id == _TERM)
_LIST_TERMS = select(*terms.c).order_by(terms.c.first_day, terms.c.id)
_ADD_TERM = insert(terms)
_SAVE_TERM = update(terms).where(terms.c.id == _TERM)
_REMOVE_TERM = delete(terms).where(terms.c.id == _TERM)

_ROOM = bindparam("room_key", type_=Integer)
_FIND_ROOM = select(*rooms.c).where(rooms.c.id == _ROOM)
_LIST_ROOMS = select(*rooms.c).order_by(bytewise(rooms.c.name), rooms.c.id)
_ADD_ROOM = insert(rooms)
_SAVE_ROOM = update(rooms).where(rooms.c.id == _ROOM)
_REMOVE_ROOM = delete(rooms).where(rooms.c.id == _ROOM)


class SqlEntries:
    """The repository of schedule entries."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def find(self, entry_id: int) -> ScheduleEntry | None:
        row = self._desk.execute(_FIND, {"entry_id": entry_id}).first()
        return None if row is None else ScheduleEntry(*row)

    def list(self, scope: Scope, query: EntryQuery, part: Slice) -> list[ScheduleEntry]:
        given = {
            "group": query.group is not None,
            "since": query.since is not None,
            "until": query.until is not None,
            "after": part.after is not None,
        }
        shape = frozenset(name for name, used in given.items() if used)
        after = part.after or (0, 0)
        values = {
            **scope_values(scope),
            "of_group": query.group,
            "first_day": query.since,
            "last_day": query.until,
            "after_day": after[0],
            "after_id": after[1],
            "most": part.limit,
        }
        return self._desk.execute(_list(scope.reach, shape), values).build(ScheduleEntry)

    def add(self, new: NewEntry) -> ScheduleEntry:
        entry = ScheduleEntry(0, new.group, new.title, new.date, new.start, new.end, new.room)
        with translated(missing=_missing()):
            entry.id = self._desk.insert(_ADD, _values(entry))
        return entry

    def save(self, entry: ScheduleEntry) -> None:
        with translated(missing=_missing()):
            result = self._desk.execute(_SAVE, {"entry_id": entry.id, **_values(entry)})
        if result.rowcount == 0:
            raise NotFound(f"there is no schedule entry {entry.id}", code="entry_not_found")

    def remove(self, entry_id: int) -> None:
        self._desk.execute(_REMOVE, {"entry_id": entry_id})


class SqlTerms:
    """The repository of terms."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def find(self, term_id: int) -> Term | None:
        row = self._desk.execute(_FIND_TERM, {"term_key": term_id}).first()
        return None if row is None else Term(*row)

    def list(self) -> list[Term]:
        return self._desk.execute(_LIST_TERMS).build(Term)

    def add(self, new: NewTerm) -> Term:
        term = Term(0, new.name, new.first_day, new.last_day, new.code)
        with translated(taken=_taken("term", new.name)):
            term.id = self._desk.insert(_ADD_TERM, _term_values(term))
        return term

    def save(self, term: Term) -> None:
        values = {"term_key": term.id, **_term_values(term)}
        with translated(taken=_taken("term", term.name)):
            result = self._desk.execute(_SAVE_TERM, values)
        if result.rowcount == 0:
            raise NotFound(f"there is no term {term.id}", code="term_not_found")

    def remove(self, term_id: int) -> None:
        with translated(missing=Conflict("a group refers to this term", code="term_in_use")):
            self._desk.execute(_REMOVE_TERM, {"term_key": term_id})


class SqlRooms:
    """The repository of rooms."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def find(self, room_id: int) -> Room | None:
        row = self._desk.execute(_FIND_ROOM, {"room_key": room_id}).first()
        return None if row is None else Room(*row)

    def list(self) -> list[Room]:
        return self._desk.execute(_LIST_ROOMS).build(Room)

    def add(self, new: NewRoom) -> Room:
        values = {"name": new.name, "capacity": new.capacity}
        with translated(taken=_taken("room", new.name)):
            room_id = self._desk.insert(_ADD_ROOM, values)
        return Room(room_id, new.name, new.capacity)

    def save(self, room: Room) -> None:
        values = {"room_key": room.id, "name": room.name, "capacity": room.capacity}
        with translated(taken=_taken("room", room.name)):
            result = self._desk.execute(_SAVE_ROOM, values)
        if result.rowcount == 0:
            raise NotFound(f"there is no room {room.id}", code="room_not_found")

    def remove(self, room_id: int) -> None:
        with translated(missing=Conflict("the timetable refers to this room", code="room_in_use")):
            self._desk.execute(_REMOVE_ROOM, {"room_key": room_id})


@cache
def _list(reach: Reach, shape: frozenset[str]) -> Any:
    return (
        select(*entries.c)
        .join(groups, groups.c.id == entries.c.group_id)
        .where(groups.c.archived == false(), groups_within(reach, entries.c.group_id))
        .where(*(condition for name, condition in _FILTERS.items() if name in shape))
        .order_by(entries.c.day, entries.c.id)
        .limit(bindparam("most", type_=Integer))
    )


_day = type_coerce(entries.c.day, Integer)
_FILTERS = {
    "group": entries.c.group_id == bindparam("of_group"),
    "since": entries.c.day >= bindparam("first_day", type_=entries.c.day.type),
    "until": entries.c.day <= bindparam("last_day", type_=entries.c.day.type),
    "after": (_day > bindparam("after_day", type_=Integer))
    | ((_day == bindparam("after_day", type_=Integer)) & (entries.c.id > bindparam("after_id"))),
}


def _values(entry: ScheduleEntry) -> dict[str, Any]:
    return {
        "group_id": entry.group,
        "title": entry.title,
        "day": entry.date,
        "start_second": entry.start,
        "end_second": entry.end,
        "room_id": entry.room,
    }


def _term_values(term: Term) -> dict[str, Any]:
    return {
        "name": term.name,
        "first_day": term.first_day,
        "last_day": term.last_day,
        "code": term.code,
    }


def _missing() -> Conflict:
    return Conflict("the group or the room is not there", code="reference_missing")


def _taken(kind: str, name: str) -> Conflict:
    return Conflict(f"there is a {kind} named {name!r}", code=f"{kind}_name_taken")

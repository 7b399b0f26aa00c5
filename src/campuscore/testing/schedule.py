"""The contracts of the repositories of the timetable."""

from __future__ import annotations

from datetime import time
from operator import attrgetter

import pytest
from attrs import evolve

from campuscore.domain.groups import NewGroup
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
from campuscore.ports.work import Work, WorkFactory
from campuscore.testing.contract import (
    EVERYTHING,
    MONDAY,
    NOBODY,
    TODAY,
    TOMORROW,
    WHOLE,
    YESTERDAY,
    Contract,
    add_group,
)
from campuscore.testing.faculty import GROUP_CASES, GroupCase, found_faculty

__all__ = ["EntriesContract", "RoomsContract", "TermsContract"]


class EntriesContract(Contract):
    """What ``Entries`` promises. The fixture ``store`` is an empty WorkFactory."""

    def test_added_entry_is_found_as_given(self, store: WorkFactory) -> None:
        with store.write() as work:
            group, room = add_group(work, "lab"), work.rooms.add(NewRoom(name="101")).id
            entry = work.entries.add(
                NewEntry(
                    group=group,
                    title="Базы данных",
                    date=TODAY,
                    start=time(8, 30),
                    end=time(23, 59, 59),
                    room=room,
                )
            )
            bare = work.entries.add(NewEntry(group=group, title="exam", date=TODAY))
            work.commit()
        assert entry == ScheduleEntry(
            entry.id, group, "Базы данных", TODAY, time(8, 30), time(23, 59, 59), room
        )
        with store.read() as work:
            assert work.entries.find(entry.id) == entry
            assert work.entries.find(bare.id) == bare
            assert work.entries.find(NOBODY) is None
        assert (bare.start, bare.end, bare.room) == (None, None, None)

    def test_group_and_room_must_be_there(self, store: WorkFactory) -> None:
        with store.write() as work:
            good = NewEntry(group=add_group(work, "lab"), title="x", date=TODAY)
            entry = work.entries.add(good)
            for bad in (evolve(good, group=NOBODY), evolve(good, room=NOBODY)):
                with pytest.raises(Conflict), work.savepoint():
                    work.entries.add(bad)
                with pytest.raises(Conflict), work.savepoint():
                    work.entries.save(evolve(entry, group=bad.group, room=bad.room))
            assert _listed(work, EntryQuery()) == [entry]

    def test_saved_entry_replaces_the_old_one(self, store: WorkFactory) -> None:
        with store.write() as work:
            old = _add(work, add_group(work, "lab"))
            room = work.rooms.add(NewRoom(name="1")).id
            new = ScheduleEntry(
                old.id, add_group(work, "b"), "new", TOMORROW, time(9), time(10), room
            )
            work.entries.save(new)
            assert work.entries.find(old.id) == new
            with pytest.raises(NotFound), work.savepoint():
                work.entries.save(evolve(new, id=NOBODY))

    def test_removed_entry_is_gone(self, store: WorkFactory) -> None:
        with store.write() as work:
            group = add_group(work, "lab")
            gone, kept = _add(work, group), _add(work, group)
            for key in (gone.id, gone.id, NOBODY):
                work.entries.remove(key)
            assert work.entries.find(gone.id) is None
            assert _listed(work, EntryQuery()) == [kept]

    def test_list_goes_by_date_then_id_and_pages_join(self, store: WorkFactory) -> None:
        with store.write() as work:
            group = add_group(work, "lab")
            rows = [
                evolve(_add(work, group), date=day) for day in (TODAY, MONDAY, TODAY, YESTERDAY)
            ]
            for row in rows:
                work.entries.save(row)
            whole = _listed(work, EntryQuery())
            assert [row.id for row in whole] == [rows[i].id for i in (1, 3, 0, 2)]
            part = Slice(3, (whole[1].date.toordinal(), whole[1].id))
            assert work.entries.list(EVERYTHING, EntryQuery(), Slice(2)) == whole[:2]
            assert work.entries.list(EVERYTHING, EntryQuery(), part) == whole[2:]
            whole[0].title = "changed"
            assert _listed(work, EntryQuery())[0].title == "class"

    def test_list_filters_by_group_and_day(self, store: WorkFactory) -> None:
        with store.write() as work:
            lab, course = add_group(work, "lab"), add_group(work, "course")
            for group in (lab, course):
                for day in (MONDAY, YESTERDAY, TODAY):
                    work.entries.add(NewEntry(group=group, title="class", date=day))
            found = _listed(work, EntryQuery(group=lab, since=YESTERDAY))
            assert [(row.group, row.date) for row in found] == [(lab, YESTERDAY), (lab, TODAY)]
            found = _listed(work, EntryQuery(since=YESTERDAY, until=YESTERDAY))
            assert [row.group for row in found] == [lab, course]
            assert _listed(work, EntryQuery(group=NOBODY)) == []

    @pytest.mark.parametrize("case", GROUP_CASES, ids=attrgetter("label"))
    def test_list_follows_the_scope(self, store: WorkFactory, case: GroupCase) -> None:
        faculty = found_faculty(store)
        with store.write() as work:
            for group in faculty.groups.values():
                _add(work, group)
            work.commit()
        scope = faculty.scope(case.reach, case.principal)
        with store.read() as work:
            rows = work.entries.list(scope, EntryQuery(), WHOLE)
        assert faculty.group_names({row.group for row in rows}) == case.reached


class TermsContract(Contract):
    """What ``Terms`` promises. The fixture ``store`` is an empty WorkFactory."""

    def test_added_term_is_found_as_given(self, store: WorkFactory) -> None:
        with store.write() as work:
            term = work.terms.add(_term("autumn"))
            work.commit()
        assert term == Term(term.id, "autumn", MONDAY, TODAY, "A")
        with store.read() as work:
            assert work.terms.find(term.id) == term
            assert work.terms.find(NOBODY) is None

    def test_list_goes_by_first_day_then_id(self, store: WorkFactory) -> None:
        with store.write() as work:
            late, second, third = (work.terms.add(_term(name)) for name in "abc")
            work.terms.save(evolve(late, first_day=TODAY))
            assert [row.id for row in work.terms.list()] == [second.id, third.id, late.id]

    def test_names_are_unique(self, store: WorkFactory) -> None:
        with store.write() as work:
            one, other = work.terms.add(_term("one")), work.terms.add(_term("other"))
            with pytest.raises(Conflict), work.savepoint():
                work.terms.add(_term("one"))
            with pytest.raises(Conflict), work.savepoint():
                work.terms.save(evolve(other, name="one"))
            changed = evolve(one, last_day=TOMORROW, code="")
            work.terms.save(changed)
            assert work.terms.list() == [changed, other]
            with pytest.raises(NotFound), work.savepoint():
                work.terms.save(evolve(one, id=NOBODY, name="new"))

    def test_a_term_in_use_stays(self, store: WorkFactory) -> None:
        with store.write() as work:
            term = work.terms.add(_term("one"))
            group = work.groups.add(NewGroup(name="lab", term=term.id))
            with pytest.raises(Conflict), work.savepoint():
                work.terms.remove(term.id)
            work.groups.save(evolve(group, term=None))
            for key in (term.id, NOBODY):
                work.terms.remove(key)
            assert work.terms.list() == []


class RoomsContract(Contract):
    """What ``Rooms`` promises. The fixture ``store`` is an empty WorkFactory."""

    def test_added_room_is_found_as_given(self, store: WorkFactory) -> None:
        with store.write() as work:
            room = work.rooms.add(NewRoom(name="Аудитория 5", capacity=30))
            bare = work.rooms.add(NewRoom(name="hall"))
            work.commit()
        assert room == Room(room.id, "Аудитория 5", 30)
        with store.read() as work:
            assert work.rooms.find(room.id) == room
            assert work.rooms.find(bare.id) == Room(bare.id, "hall", None)
            assert work.rooms.find(NOBODY) is None

    def test_list_goes_by_name(self, store: WorkFactory) -> None:
        with store.write() as work:
            for name in ("b", "c", "a"):
                work.rooms.add(NewRoom(name=name))
            assert [row.name for row in work.rooms.list()] == ["a", "b", "c"]

    def test_names_are_unique(self, store: WorkFactory) -> None:
        with store.write() as work:
            one, other = (work.rooms.add(NewRoom(name=name)) for name in ("one", "other"))
            with pytest.raises(Conflict), work.savepoint():
                work.rooms.add(NewRoom(name="one"))
            with pytest.raises(Conflict), work.savepoint():
                work.rooms.save(evolve(other, name="one"))
            work.rooms.save(evolve(one, capacity=5))
            assert work.rooms.list() == [evolve(one, capacity=5), other]
            with pytest.raises(NotFound), work.savepoint():
                work.rooms.save(Room(NOBODY, "new", None))

    def test_a_room_in_use_stays(self, store: WorkFactory) -> None:
        with store.write() as work:
            room, entry = work.rooms.add(NewRoom(name="1")), _add(work, add_group(work, "lab"))
            work.entries.save(evolve(entry, room=room.id))
            with pytest.raises(Conflict), work.savepoint():
                work.rooms.remove(room.id)
            work.entries.remove(entry.id)
            for key in (room.id, NOBODY):
                work.rooms.remove(key)
            assert work.rooms.list() == []


def _add(work: Work, group: int) -> ScheduleEntry:
    return work.entries.add(NewEntry(group=group, title="class", date=TODAY))


def _listed(work: Work, query: EntryQuery) -> list[ScheduleEntry]:
    return work.entries.list(EVERYTHING, query, WHOLE)


def _term(name: str) -> NewTerm:
    return NewTerm(name=name, first_day=MONDAY, last_day=TODAY, code="A")

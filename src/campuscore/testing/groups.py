"""The contracts of the repositories of groups and memberships."""

from __future__ import annotations

from datetime import date
from operator import attrgetter

import pytest
from attrs import evolve

from campuscore.domain.groups import Group, GroupKind, Member, Membership, NewGroup
from campuscore.domain.paging import Slice
from campuscore.domain.schedule import NewTerm
from campuscore.domain.users import Role, UserName
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
    add_user,
    join,
)
from campuscore.testing.faculty import GROUP_CASES, GroupCase, found_faculty

__all__ = ["GroupsContract", "MembershipsContract"]


class GroupsContract(Contract):
    """What ``Groups`` promises. The fixture ``store`` is an empty WorkFactory."""

    def test_added_group_is_found_as_given(self, store: WorkFactory) -> None:
        with store.write() as work:
            new_term = NewTerm(name="autumn", first_day=MONDAY, last_day=TODAY)
            term, parent = work.terms.add(new_term).id, add_group(work, "faculty")
            group = work.groups.add(
                NewGroup(name="Лаб 1", kind=GroupKind.LAB, parent=parent, code="L-1", term=term)
            )
            work.commit()
        assert group == Group(group.id, "Лаб 1", GroupKind.LAB, parent, "L-1", term)
        with store.read() as work:
            assert work.groups.find(group.id) == group
            assert work.groups.find(NOBODY) is None

    def test_parent_and_term_must_be_there(self, store: WorkFactory) -> None:
        with store.write() as work:
            group = work.groups.add(NewGroup(name="lab"))
            for new in (NewGroup(name="x", parent=NOBODY), NewGroup(name="x", term=NOBODY)):
                with pytest.raises(Conflict), work.savepoint():
                    work.groups.add(new)
                with pytest.raises(Conflict), work.savepoint():
                    work.groups.save(evolve(group, parent=new.parent, term=new.term))
            assert work.groups.list(EVERYTHING, WHOLE) == [group]

    def test_saved_group_replaces_the_old_one(self, store: WorkFactory) -> None:
        with store.write() as work:
            parent, key = add_group(work, "faculty"), add_group(work, "lab")
            changed = Group(key, "course", GroupKind.COURSE, parent, "C", None)
            work.groups.save(changed)
            assert work.groups.find(key) == changed
            work.groups.save(evolve(changed, parent=None))
            assert work.groups.lineage(key) == [key]
            with pytest.raises(NotFound), work.savepoint():
                work.groups.save(evolve(changed, id=NOBODY))

    def test_lineage_climbs_to_the_root(self, store: WorkFactory) -> None:
        with store.write() as work:
            top = add_group(work, "faculty")
            middle = add_group(work, "course", top)
            bottom = add_group(work, "lab", middle)
            assert work.groups.lineage(bottom) == [bottom, middle, top]
            assert work.groups.lineage(top) == [top]
            assert work.groups.lineage(NOBODY) == []

    def test_archived_group_is_gone(self, store: WorkFactory) -> None:
        with store.write() as work:
            key, other = add_group(work, "lab"), add_group(work, "other")
            work.groups.archive(key)
            work.commit()
        with store.write() as work:
            assert work.groups.find(key) is None
            assert not work.groups.reaches(EVERYTHING, key)
            assert [row.id for row in work.groups.list(EVERYTHING, WHOLE)] == [other]
            with pytest.raises(NotFound), work.savepoint():
                work.groups.archive(key)
            with pytest.raises(NotFound), work.savepoint():
                work.groups.save(Group(key, "lab", GroupKind.LAB, None, "", None))
            with pytest.raises(NotFound), work.savepoint():
                work.groups.archive(NOBODY)

    def test_a_group_with_groups_below_cannot_be_archived(self, store: WorkFactory) -> None:
        with store.write() as work:
            top = add_group(work, "faculty")
            below = add_group(work, "course", top)
            with pytest.raises(Conflict), work.savepoint():
                work.groups.archive(top)
            work.groups.archive(below)
            work.groups.archive(top)
            assert work.groups.list(EVERYTHING, WHOLE) == []

    def test_list_pages_in_the_order_of_ids(self, store: WorkFactory) -> None:
        with store.write() as work:
            keys = [add_group(work, name) for name in "dcba"]
            first = work.groups.list(EVERYTHING, Slice(3))
            rest = work.groups.list(EVERYTHING, Slice(3, (keys[2],)))
            assert [row.id for row in first] == keys[:3]
            assert [row.id for row in rest] == keys[3:]
            first[0].name = "mallory"
            assert work.groups.list(EVERYTHING, Slice(1))[0].name == "d"

    def test_everything_reaches_only_groups_that_are_there(self, store: WorkFactory) -> None:
        with store.write() as work:
            assert work.groups.reaches(EVERYTHING, add_group(work, "lab"))
            assert not work.groups.reaches(EVERYTHING, NOBODY)

    @pytest.mark.parametrize("case", GROUP_CASES, ids=attrgetter("label"))
    def test_check_and_list_follow_the_scope(self, store: WorkFactory, case: GroupCase) -> None:
        faculty = found_faculty(store)
        scope = faculty.scope(case.reach, case.principal)
        with store.read() as work:
            listed = {row.id for row in work.groups.list(scope, WHOLE)}
            reached = {key for key in faculty.groups.values() if work.groups.reaches(scope, key)}
        assert faculty.group_names(listed) == case.reached
        assert reached == listed


class MembershipsContract(Contract):
    """What ``Memberships`` promises. The fixture ``store`` is an empty WorkFactory."""

    def test_interval_is_half_open(self, store: WorkFactory) -> None:
        with store.write() as work:
            group, user = add_group(work, "lab"), add_user(work, "anna")
            join(work, group, user, begin=YESTERDAY, end=TOMORROW)
            found = [_find(work, group, user, d) for d in (MONDAY, YESTERDAY, TODAY, TOMORROW)]
        assert [row is not None for row in found] == [False, True, True, False]
        row = found[1]
        assert row is not None
        assert row == Membership(row.id, group, user, Role.STUDENT, YESTERDAY, TOMORROW, "manual")

    def test_find_tells_group_user_and_role_apart(self, store: WorkFactory) -> None:
        with store.write() as work:
            group, user = add_group(work, "lab"), add_user(work, "anna")
            join(work, group, user, Role.TEACHER)
            assert work.memberships.find(group, user, Role.TEACHER, TODAY)
            assert work.memberships.find(group, user, Role.STUDENT, TODAY) is None
            assert work.memberships.find(group, NOBODY, Role.TEACHER, TODAY) is None
            assert work.memberships.find(NOBODY, user, Role.TEACHER, TODAY) is None

    @pytest.mark.parametrize(
        ("begin", "end", "fits"),
        [
            (MONDAY, YESTERDAY, True),
            (MONDAY, TODAY, False),
            (YESTERDAY, TODAY, False),
            (TODAY, None, True),
            (YESTERDAY, None, False),
            (MONDAY, None, False),
        ],
    )
    def test_intervals_of_one_role_never_overlap(
        self,
        store: WorkFactory,
        begin: date,
        end: date | None,
        fits: bool,  # noqa: FBT001 - a column of the table
    ) -> None:
        with store.write() as work:
            group, user = add_group(work, "lab"), add_user(work, "anna")
            join(work, group, user, begin=YESTERDAY, end=TODAY)
            join(work, group, user, Role.TEACHER, begin=begin, end=end)
            if fits:
                join(work, group, user, begin=begin, end=end)
            else:
                with pytest.raises(Conflict), work.savepoint():
                    join(work, group, user, begin=begin, end=end)

    def test_rows_of_one_call_are_compared_too(self, store: WorkFactory) -> None:
        with store.write() as work:
            group, user = add_group(work, "lab"), add_user(work, "anna")
            row = Membership(0, group, user, Role.STUDENT, MONDAY, None, "manual")
            with pytest.raises(Conflict), work.savepoint():
                work.memberships.add([row, evolve(row, begin=TODAY)])
            assert _find(work, group, user, TODAY) is None
            work.memberships.add([])

    def test_group_and_user_must_be_there(self, store: WorkFactory) -> None:
        with store.write() as work:
            group, user = add_group(work, "lab"), add_user(work, "anna")
            for keys in ((group, NOBODY), (NOBODY, user)):
                with pytest.raises(Conflict), work.savepoint():
                    join(work, *keys)

    def test_end_makes_the_day_the_first_outside(self, store: WorkFactory) -> None:
        with store.write() as work:
            group, user = add_group(work, "lab"), add_user(work, "anna")
            join(work, group, user)
            _end(work, group, user, TODAY)
            assert _find(work, group, user, YESTERDAY)
            assert _find(work, group, user, TODAY) is None
            join(work, group, user, begin=TODAY)
            assert _find(work, group, user, TODAY)

    def test_end_removes_what_had_not_begun(self, store: WorkFactory) -> None:
        with store.write() as work:
            group, user = add_group(work, "lab"), add_user(work, "anna")
            join(work, group, user, begin=TODAY)
            _end(work, group, user, TODAY)
            assert work.memberships.of_source("manual", MONDAY) == []
            join(work, group, user, begin=MONDAY)

    def test_end_never_prolongs(self, store: WorkFactory) -> None:
        with store.write() as work:
            group, user = add_group(work, "lab"), add_user(work, "anna")
            join(work, group, user, begin=MONDAY, end=YESTERDAY)
            row = _find(work, group, user, MONDAY)
            assert row is not None
            work.memberships.end([row.id, NOBODY], TOMORROW)
            assert _find(work, group, user, MONDAY) == row
            work.memberships.end([], MONDAY)

    def test_of_source_gives_what_holds_or_will_hold(self, store: WorkFactory) -> None:
        with store.write() as work:
            group, user = add_group(work, "lab"), add_user(work, "anna")
            past = Membership(0, group, user, Role.STUDENT, MONDAY, TODAY, "import")
            rows = [past, evolve(past, begin=TOMORROW, end=None), evolve(past, role=Role.TEACHER)]
            rows += [evolve(past, role=Role.ASSISTANT, end=None, source="manual")]
            work.memberships.add(rows)
            now = work.memberships.of_source("import", TODAY)
            before = work.memberships.of_source("import", YESTERDAY)
        assert [(row.begin, row.end) for row in now] == [(TOMORROW, None)]
        assert [evolve(row, id=0) for row in before] == rows[:3]
        assert [row.id for row in before] == sorted(row.id for row in before)

    def test_members_are_listed_by_name(self, store: WorkFactory) -> None:
        with store.write() as work:
            group = add_group(work, "lab")
            anna = add_user(work, "anna", first="Anna", last="Berg")
            carl = add_user(work, "carl", first="Carl", last="Adler")
            bert = add_user(work, "bert", first="Bert", last="Adler")
            for user in (anna, bert, carl):
                join(work, group, user, end=TODAY if user == bert else None)
            yesterday = work.memberships.members(group, YESTERDAY)
            today = work.memberships.members(group, TODAY)
            assert work.memberships.members(NOBODY, TODAY) == []
        assert [row.id for row in yesterday] == [bert, carl, anna]
        assert today == [
            Member(carl, "carl", "Carl", "Adler", Role.STUDENT, MONDAY, None),
            Member(anna, "anna", "Anna", "Berg", Role.STUDENT, MONDAY, None),
        ]

    def test_names_are_those_of_active_members_of_several_groups(self, store: WorkFactory) -> None:
        with store.write() as work:
            lab, course, third = (add_group(work, name) for name in ("lab", "course", "third"))
            anna, bert = add_user(work, "anna", last="B"), add_user(work, "bert", last="A")
            gone = work.users.find(add_user(work, "gone"))
            assert gone is not None
            for group, user, role in (
                (lab, anna, Role.STUDENT),
                (course, bert, Role.TEACHER),
                (third, bert, Role.STUDENT),
                (lab, gone.id, Role.STUDENT),
            ):
                join(work, group, user, role)
            work.users.save(evolve(gone, active=False))
            assert work.memberships.names([lab, course], TODAY) == [
                (course, Role.TEACHER, UserName(bert, "bert", "", "A", Role.STUDENT)),
                (lab, Role.STUDENT, UserName(anna, "anna", "", "B", Role.STUDENT)),
            ]
            assert work.memberships.names([lab], date(2020, 1, 1)) == []
            assert work.memberships.names([], TODAY) == []


def _find(work: Work, group: int, user: int, day: date) -> Membership | None:
    return work.memberships.find(group, user, Role.STUDENT, day)


def _end(work: Work, group: int, user: int, day: date) -> None:
    row = _find(work, group, user, day)
    assert row is not None
    work.memberships.end([row.id], day)

"""The contract of the roll-ups of days, which check-ins, memberships and files add up to."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import asdict, evolve, fields

from campuscore.domain.access import Reach, Scope
from campuscore.domain.attendance import DayQuery, DayRow
from campuscore.domain.days import Days
from campuscore.domain.groups import Group, Membership, NewGroup
from campuscore.domain.paging import Slice
from campuscore.domain.users import Role, User, UserQuery
from campuscore.ports.work import Work, WorkFactory
from campuscore.testing.attendance import attach
from campuscore.testing.contract import (
    EVERYTHING,
    MONDAY,
    NOBODY,
    NOON,
    TODAY,
    TOMORROW,
    WHOLE,
    YESTERDAY,
    Contract,
    add_group,
    add_user,
    fact_at,
    join,
    on,
)
from campuscore.testing.faculty import PERSON_CASES, PersonCase, found_faculty

__all__ = ["DaysContract"]

_FILES = "https://campus.example/attendance/files"
_TOKYO = Days(ZoneInfo("Asia/Tokyo"))


class DaysContract(Contract):
    """What ``CheckIns`` promises of days. The fixture ``store`` is an empty WorkFactory."""

    def test_first_entries_of_morning_and_afternoon(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = add_user(work, "anna", first="Anna", last="Berg")
            clocks = [(12, 29, 59), (14, 0, 0), (8, 15, 30), (12, 30, 0), (8, 15, 31)]
            for clock in clocks:
                work.check_ins.add([fact_at(user, on(TODAY, *clock))])
            work.commit()
        with store.read() as work:
            assert _days(work) == [
                DayRow(
                    user, "anna", "Berg Anna", "", TODAY, time(8, 15, 30), time(12, 30), files=[]
                )
            ]

    def test_a_day_part_without_check_in_is_empty(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert = add_user(work, "anna"), add_user(work, "bert")
            midnight, last = on(TODAY, 0), on(TODAY, 23, 59, 59)
            work.check_ins.add([fact_at(anna, midnight), fact_at(bert, last)])
            rows = _days(work)
        assert [(r.morning_entry, r.afternoon_entry) for r in rows] == [
            (time(0), None),
            (None, time(23, 59, 59)),
        ]

    def test_first_is_by_instant_when_an_hour_repeats(self, store: WorkFactory) -> None:
        days = Days(ZoneInfo("America/New_York"))
        first, second = (datetime(2026, 11, 1, h, 50 - h * 5, tzinfo=UTC) for h in (5, 6))
        with store.write() as work:
            user = add_user(work, "anna")
            work.check_ins.add([fact_at(user, at, days) for at in (second, first)])
            row = _days(work)[0]
        assert days.local(second).clock < days.local(first).clock
        assert row.morning_entry == days.local(first).clock == time(1, 25)

    def test_name_without_parts_has_no_spaces(self, store: WorkFactory) -> None:
        with store.write() as work:
            users = [add_user(work, "anna", first="Anna"), add_user(work, "berg", last="Berg")]
            users.append(add_user(work, "carl", last=" \N{NO-BREAK SPACE}C "))
            work.check_ins.add([fact_at(user, NOON) for user in users])
            names = [row.full_name for row in _days(work)]
            found = work.users.list(EVERYTHING, UserQuery(), WHOLE)
        assert names == ["Anna", "Berg", "\N{NO-BREAK SPACE}C"]
        assert names == [user.full_name for user in found]

    def test_rows_come_by_date_then_user_and_pages_join(self, store: WorkFactory) -> None:
        with store.write() as work:
            users = [add_user(work, name) for name in ("bert", "anna")]
            for day in (TODAY, MONDAY, YESTERDAY):
                work.check_ins.add([fact_at(user, on(day)) for user in reversed(users)])
            whole = _days(work)
            expected = [(day, user) for day in (MONDAY, YESTERDAY, TODAY) for user in users]
            assert [(row.date, row.id) for row in whole] == expected
            for size in (1, 4):
                assert _paged(work, size) == whole

    def test_days_and_persons_are_filtered(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert = add_user(work, "Anna"), add_user(work, "bert", Role.TEACHER)
            for day in (MONDAY, YESTERDAY, TODAY):
                work.check_ins.add([fact_at(user, on(day)) for user in (anna, bert)])
            keys = _keys
            assert keys(work, DayQuery(user=bert, since=TODAY)) == [(TODAY, bert)]
            assert keys(work, DayQuery(username="aNNA", until=MONDAY)) == [(MONDAY, anna)]
            one_day = DayQuery(role=Role.TEACHER, since=YESTERDAY, until=YESTERDAY)
            assert keys(work, one_day) == [(YESTERDAY, bert)]
            assert keys(work, DayQuery(user=NOBODY)) == []
            assert keys(work, DayQuery(username="nobody")) == []

    def test_a_group_counts_with_those_below_it(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert = add_user(work, "anna"), add_user(work, "bert")
            school = add_group(work, "school")
            lab = work.groups.add(NewGroup(name="lab", parent=school)).id
            join(work, lab, anna, begin=MONDAY)
            join(work, school, bert, begin=TODAY)
            for day in (MONDAY, TODAY):
                work.check_ins.add([fact_at(user, on(day)) for user in (anna, bert)])
            everybody = [(MONDAY, anna), (TODAY, anna), (TODAY, bert)]
            assert _keys(work, DayQuery(group=school)) == everybody
            assert _keys(work, DayQuery(group=lab)) == everybody[:2]

    def test_of_others_only_groups_that_one_sees_are_named(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, tess = add_user(work, "anna"), add_user(work, "tess", Role.TEACHER)
            school, choir, club = (add_group(work, name) for name in ("school", "choir", "club"))
            lab = work.groups.add(NewGroup(name="lab", parent=school)).id
            for group in (school, lab, choir, club):
                join(work, group, anna)
            join(work, school, tess, Role.TEACHER)
            join(work, choir, tess)
            work.guardians.add(tess, add_user(work, "ward"), NOON)
            work.check_ins.add([fact_at(anna, on(TODAY))])
            led = Scope(Reach.SELF | Reach.TAUGHT | Reach.WARD, tess, TODAY)
            everything, own = (Scope(reach, anna, TODAY) for reach in (Reach.ALL, Reach.SELF))
            seen = {each: _named(work, each) for each in (led, everything, own)}
            assert seen[led] == ["choir, lab, school"]
            assert seen[everything] == seen[own] == ["choir, club, lab, school"]

            assert _named(work, guard := evolve(own, reach=Reach.WARD, user=tess)) == []
            work.guardians.add(tess, anna, NOON)
            assert _named(work, guard) == _named(work, led) == ["choir, club, lab, school"]

    def test_revision_moves_with_what_the_rows_show(self, store: WorkFactory) -> None:
        seen: list[int] = []
        with store.write() as work:
            anna, lab = add_user(work, "anna"), add_group(work, "lab")
            guardian = add_user(work, "guardian")
            work.commit()
        for change in _changes(anna, lab, guardian):
            with store.write() as work:
                change(work)
                work.commit()
            with store.read() as work:
                seen.append(work.check_ins.revision())
        assert seen == sorted(set(seen))

    def test_groups_are_those_of_that_day(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = add_user(work, "anna")
            zoo, lab, old = (add_group(work, name) for name in ("zoo", "Lab", "old"))
            twin = add_group(work, "zoo")
            join(work, zoo, user, begin=MONDAY, end=TODAY)
            join(work, twin, user, begin=MONDAY, end=YESTERDAY)
            join(work, lab, user, Role.TEACHER, begin=YESTERDAY, end=TODAY)
            join(work, lab, user, Role.STUDENT, begin=YESTERDAY, end=TODAY)
            join(work, old, user, begin=TODAY)
            work.groups.archive(old)
            for day in (MONDAY, YESTERDAY, TODAY, TOMORROW):
                work.check_ins.add([fact_at(user, on(day))])
            assert [row.group for row in _days(work)] == ["zoo", "Lab, zoo", "old", "old"]
            assert _keys(work, DayQuery(group=lab)) == [(YESTERDAY, user)]
            assert _keys(work, DayQuery(group=old)) == [(TODAY, user), (TOMORROW, user)]

    def test_moving_a_student_leaves_past_days_alone(self, store: WorkFactory) -> None:
        with store.write() as work:
            user, old, new = add_user(work, "anna"), add_group(work, "old"), add_group(work, "new")
            join(work, old, user)
            work.check_ins.add([fact_at(user, on(day)) for day in (YESTERDAY, TODAY)])
            row = work.memberships.find(old, user, Role.STUDENT, TODAY)
            assert row is not None
            work.memberships.end([row.id], TODAY)
            work.memberships.add([Membership(0, new, user, Role.STUDENT, TODAY, None, "manual")])
            assert [row.group for row in _days(work)] == ["old", "new"]

    def test_files_of_the_day_have_addresses_in_the_order_of_ids(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = add_user(work, "anna")
            rows = [attach(work, user, TODAY) for _ in range(12)]
            attach(work, user, YESTERDAY)
            work.attachments.withdraw(rows[0].id, NOON)
            work.check_ins.add([fact_at(user, NOON)])
            found = _days(work)
        assert [row.date for row in found] == [TODAY]
        assert found[0].files == [f"{_FILES}/{row.id}/" for row in rows[1:]]

    @pytest.mark.parametrize("case", PERSON_CASES, ids=attrgetter("label"))
    def test_rows_follow_the_scope_of_their_day(self, store: WorkFactory, case: PersonCase) -> None:
        faculty = found_faculty(store)
        with store.write() as work:
            for day in (MONDAY, YESTERDAY, TODAY, TOMORROW):
                facts = [fact_at(user, on(day)) for user in faculty.users.values()]
                work.check_ins.add(facts)
            work.commit()
        scope, query = (
            faculty.scope(case.reach, case.principal),
            DayQuery(since=case.day, until=case.day),
        )
        with store.read() as work:
            rows = list(work.check_ins.days(scope, query, WHOLE, _FILES))
            assert _json(work, scope, query) == [_as_json(row) for row in rows]
        assert {row.username for row in rows} == case.reached

    def test_json_is_that_of_the_rows(self, store: WorkFactory) -> None:
        with store.write() as work:
            names = ('quo"te\\', "Иванов", "tab😀")
            users = [add_user(work, f"user{i}", last=name) for i, name in enumerate(names)]
            group = add_group(work, 'a "group", </script>')
            join(work, group, users[0])
            attach(work, users[1], TODAY)
            for user, hour in zip(users, (0, 9, 23), strict=True):
                work.check_ins.add([fact_at(user, on(day, hour)) for day in (YESTERDAY, TODAY)])
            rows = _days(work)
            assert _json(work, EVERYTHING, DayQuery()) == [_as_json(row) for row in rows]
            assert len(rows) == 6
            assert _json(work, EVERYTHING, DayQuery(user=NOBODY)) == []

    def test_long_json_comes_in_runs_that_are_never_empty(self, store: WorkFactory) -> None:
        with store.write() as work:
            users = [add_user(work, f"user{i}") for i in range(40)]
            for day in (MONDAY, YESTERDAY, TODAY):
                for hour in (8, 15):
                    work.check_ins.add([fact_at(user, on(day, hour)) for user in users])
            runs = list(work.check_ins.days_json(EVERYTHING, DayQuery(), WHOLE, _FILES))
            rows = _days(work)
        assert len(rows) == 120
        assert all(runs)
        assert json.loads(f"[{','.join(runs)}]") == [dict(_as_json(row)) for row in rows]

    def test_rebuild_computes_every_day_anew(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = add_user(work, "anna")
            instants = [on(TODAY, 3), on(TODAY, 16), on(TODAY, 14, 59, 59)]
            work.check_ins.add([fact_at(user, at) for at in instants])
            assert work.check_ins.rebuild("Asia/Tokyo") == 3
            work.commit()
        with store.write() as work:
            rows = _days(work)
            assert [(r.date, r.morning_entry, r.afternoon_entry) for r in rows] == [
                (TODAY, time(12, 0), time(23, 59, 59)),
                (TOMORROW, time(1, 0), None),
            ]
            work.check_ins.add([fact_at(user, on(TODAY, 2), _TOKYO)])
            assert _days(work)[0].morning_entry == time(11, 0)


def _days(work: Work) -> list[DayRow]:
    return list(work.check_ins.days(EVERYTHING, DayQuery(), WHOLE, _FILES))


def _keys(work: Work, query: DayQuery) -> list[tuple[date, int]]:
    rows = work.check_ins.days(EVERYTHING, query, WHOLE, _FILES)
    return [(row.date, row.id) for row in rows]


def _paged(work: Work, size: int) -> list[DayRow]:
    found: list[DayRow] = []
    part = Slice(size)
    while rows := list(work.check_ins.days(EVERYTHING, DayQuery(), part, _FILES)):
        found += rows
        part = evolve(part, after=(rows[-1].date.toordinal(), rows[-1].id))
    return found


def _json(work: Work, scope: Scope, query: DayQuery) -> list[list[tuple[str, Any]]]:
    """Return the objects as their members in the order of the text."""
    runs = work.check_ins.days_json(scope, query, WHOLE, _FILES)
    found: list[list[tuple[str, Any]]] = json.loads(f"[{','.join(runs)}]", object_pairs_hook=list)
    return found


def _as_json(row: DayRow) -> list[tuple[str, Any]]:
    values = asdict(row)
    names = [each.name for each in fields(DayRow)]
    return [(name, _plain(values[name])) for name in names]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | time) else value


def _changes(user: int, group: int, guardian: int) -> list[Callable[[Work], object]]:
    """Everything that may change what rows of past days show; MONDAY is long over."""
    return [
        lambda work: work.check_ins.add([fact_at(user, on(MONDAY))]),
        lambda work: join(work, group, user, begin=MONDAY),
        lambda work: work.groups.save(_renamed(work, group)),
        lambda work: work.users.save(evolve(_user(work, user), last_name="Neu")),
        lambda work: attach(work, user, MONDAY),
        lambda work: work.attachments.withdraw(work.attachments.list(user, MONDAY)[0].id, NOON),
        lambda work: work.memberships.end([_membership(work, group, user).id], TODAY),
        lambda work: work.check_ins.rebuild("Asia/Tokyo"),
        lambda work: work.guardians.add(guardian, user, NOON),
        lambda work: work.guardians.remove(guardian, user),
    ]


def _named(work: Work, scope: Scope) -> list[str]:
    """Return the groups of each row, which the JSON has to name alike."""
    rows = list(work.check_ins.days(scope, DayQuery(), WHOLE, _FILES))
    text = ",".join(work.check_ins.days_json(scope, DayQuery(), WHOLE, _FILES))
    found = [row.group for row in rows]
    assert [row["group"] for row in json.loads(f"[{text}]")] == found
    return found


def _renamed(work: Work, group: int) -> Group:
    found = work.groups.find(group)
    assert found is not None
    return evolve(found, name="Neues Labor")


def _user(work: Work, user: int) -> User:
    found = work.users.find(user)
    assert found is not None
    return found


def _membership(work: Work, group: int, user: int) -> Membership:
    found = work.memberships.find(group, user, Role.STUDENT, MONDAY)
    assert found is not None
    return found

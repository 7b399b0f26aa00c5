"""The rules of a move from another system, whatever it was read from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from attrs import evolve

from campuscore import errors, open_campus
from campuscore.bootstrap import Campus
from campuscore.domain.attendance import CheckInMethod
from campuscore.domain.days import Days
from campuscore.domain.groups import Membership, NewGroup
from campuscore.domain.roster import ImportReport, Outcome, Place
from campuscore.domain.schedule import NewEntry
from campuscore.domain.transfer import (
    Broken,
    ForeignCheckIn,
    ForeignEntry,
    ForeignFile,
    ForeignGroup,
    ForeignMembership,
    ForeignUser,
    Transfer,
    member_role,
)
from campuscore.domain.users import NewUser, Role
from campuscore.testing.contract import NOON

HERE = Place("t", 1)
ADA = ForeignUser("1", HERE, NewUser(username="ada"), True, datetime(2026, 1, 5, tzinfo=UTC), "")
LAB = ForeignGroup("g", HERE, NewGroup(name="Lab"))
SEAT = ForeignMembership(HERE, "1", "g", None, None)
ENTRY = ForeignEntry("e", HERE, "g", "101", NewEntry(group=0, title="E", date=date(2026, 3, 2)))
SEEN = ForeignCheckIn("c", HERE, "1", NOON, CheckInMethod.IMPORT, None, None)


@pytest.fixture(params=["memory", "sqlite"])
def campus(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Campus]:
    url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/campus.db"
    with open_campus(url, days=Days(now=lambda: NOON)) as campus:
        yield campus


def move(campus: Campus, *, skip_broken: bool = False, **streams: object) -> ImportReport:
    transfer = Transfer(source="old", **streams)
    return campus.transfers.import_(campus.operator, transfer, skip_broken=skip_broken)


def said(report: ImportReport, kind: str) -> list[tuple[Outcome, str]]:
    return [(row.outcome, row.detail) for row in report.rows if row.kind == kind]


@pytest.mark.parametrize(
    ("told", "campus_role", "held"),
    [
        (None, Role.STUDENT, Role.STUDENT),
        (None, Role.TEACHER, Role.TEACHER),
        (None, Role.ADMIN, Role.TEACHER),
        (None, Role.GUARDIAN, Role.STUDENT),
        (Role.ASSISTANT, Role.STUDENT, Role.ASSISTANT),
        (Role.ADMIN, Role.STUDENT, Role.TEACHER),
    ],
)
def test_roles_in_groups(told: Role | None, campus_role: Role, held: Role) -> None:
    assert member_role(told, campus_role) is held


def test_a_group_of_the_same_name_and_place_is_taken(campus: Campus) -> None:
    who = campus.operator
    mine = campus.groups.create(who, NewGroup(name="Lab"))
    below = ForeignGroup("b", HERE, NewGroup(name="Lab"), parent_key="g")
    report = move(campus, groups=[below, LAB])
    assert said(report, "group") == [
        (Outcome.UNCHANGED, "a group of this name stands already"),
        (Outcome.CREATED, ""),
    ]
    groups = campus.groups.list(who).items
    assert [(group.name, group.parent) for group in groups] == [("Lab", None), ("Lab", mine.id)]


def test_groups_in_a_ring_come_in_as_they_are_given(campus: Campus) -> None:
    ring = [evolve(LAB, key="x", parent_key="y"), evolve(LAB, key="y", parent_key="x")]
    ring = [evolve(g, new=NewGroup(name=g.key)) for g in ring]
    move(campus, groups=ring)
    names = {g.name: g.parent for g in campus.groups.list(campus.operator).items}
    assert names == {"x": None, "y": 1}


def test_what_belongs_to_a_group_that_was_archived_since_is_left_out(campus: Campus) -> None:
    streams = {"users": [ADA], "groups": [LAB], "memberships": [SEAT], "entries": [ENTRY]}
    move(campus, **streams)
    campus.groups.archive(campus.operator, 1)
    later = evolve(ENTRY, key="later")
    again = move(campus, **{**streams, "entries": [ENTRY, later]})
    assert said(again, "membership") == [(Outcome.SKIPPED, "the group is archived here")]
    assert said(again, "entry") == [
        (Outcome.UNCHANGED, ""),
        (Outcome.SKIPPED, "the group is archived here"),
    ]
    assert again.changes == 0


def test_a_membership_from_elsewhere_stands(campus: Campus) -> None:
    who = campus.operator
    user = campus.users.create(who, NewUser(username="ada"))
    lab = campus.groups.create(who, NewGroup(name="Lab"))
    campus.groups.add_user(who, lab.id, user.id, Role.STUDENT)
    report = move(campus, users=[ADA], groups=[LAB], memberships=[SEAT, SEAT])
    assert [outcome for outcome, _ in said(report, "membership")] == [Outcome.UNCHANGED] * 2


def test_rules_of_ours_name_the_row(campus: Campus) -> None:
    long = evolve(LAB, new=NewGroup(name="x" * 201))
    backwards = NewEntry(group=0, title="E", date=date(2026, 3, 2), end=time(9))
    with pytest.raises(errors.Invalid) as refused:
        move(
            campus,
            users=[evolve(ADA, new=NewUser(username="a b"))],
            groups=[long, evolve(LAB, key="h")],
            memberships=[SEAT],
            entries=[evolve(ENTRY, group_key="h", new=backwards)],
            check_ins=[SEEN, Broken(HERE, "at", "is odd")],
        )
    assert [problem.path for problem in refused.value.problems] == [
        "t:1:username",
        "t:1:name",
        "t:1:user",
        "t:1:at",
        "t:1:user",
        "t:1:end",
    ]


def test_a_long_list_of_faults_is_cut(campus: Campus) -> None:
    with pytest.raises(errors.Invalid) as refused:
        move(campus, check_ins=[SEEN] * 1000)
    assert len(refused.value.problems) == 200


def test_an_overlap_with_the_past_names_the_row(campus: Campus) -> None:
    who = campus.operator
    user = campus.users.create(who, NewUser(username="ada"))
    lab = campus.groups.create(who, NewGroup(name="Lab"))
    past = (date(2026, 2, 1), date(2026, 2, 9))
    with campus.groups.store.write() as work:
        work.memberships.add([Membership(0, lab.id, user.id, Role.STUDENT, *past, "manual")])
        work.commit()
    early = evolve(SEAT, since=datetime(2026, 1, 5, tzinfo=UTC))
    with pytest.raises(errors.Invalid) as refused:
        move(campus, users=[ADA], groups=[LAB], memberships=[early])
    (problem,) = refused.value.problems
    assert problem.path == "t:1:membership"
    assert "on these days" in problem.detail
    late = evolve(SEAT, since=datetime(2026, 2, 9, tzinfo=UTC))
    report = move(campus, users=[ADA], groups=[LAB], memberships=[late])
    assert said(report, "membership") == [(Outcome.CREATED, "")]


def test_files_are_told_apart_by_what_is_wrong(campus: Campus) -> None:
    def missing() -> Iterator[bytes]:
        raise errors.NotFound("it is gone")

    file = ForeignFile(
        "f", HERE, "1", date(2026, 3, 2), "a.txt", "text/plain", lambda: iter([b"a"])
    )
    report = move(
        campus,
        users=[ADA],
        files=[
            file,
            evolve(file, key="2", user_key="9"),
            evolve(file, key="3", open=missing),
            evolve(file, key="4", filename=""),
            Broken(HERE, "day", "is odd"),
        ],
    )
    assert (
        said(report, "file")
        == [
            (Outcome.CREATED, ""),
            (Outcome.SKIPPED, "there is no user 9"),
            (Outcome.SKIPPED, "it is gone"),
            (Outcome.SKIPPED, "/file: has no file name"),
            (Outcome.SKIPPED, "day: is odd"),
        ]
        or said(report, "file")[3][0] is Outcome.SKIPPED
    )
    assert report.counts["file"].created == 1

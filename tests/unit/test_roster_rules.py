"""The pure rules of rosters: checks, matching, and which memberships open and end."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from campuscore.domain.groups import Group, GroupKind, Membership
from campuscore.domain.roster import (
    Enrolment,
    Match,
    Outcome,
    Place,
    Roster,
    RosterGroup,
    RosterMembership,
    RosterTerm,
    RosterUser,
    Standing,
    Wanted,
    check,
    check_removals,
    group_name_key,
    plan,
    plan_memberships,
)
from campuscore.domain.schedule import Term
from campuscore.domain.users import Role, User
from campuscore.errors import Conflict, Invalid

DAY = date(2026, 9, 1)
NOW = datetime(2026, 9, 1, tzinfo=UTC)


def user(key: str, line: int = 2, **changes: object) -> RosterUser:
    made = RosterUser(key, f"u-{key}", "First", "Last", Role.STUDENT, "", Place("u.csv", line))
    return evolve(made, **changes)


def group(key: str, line: int = 2, **changes: object) -> RosterGroup:
    made = RosterGroup(key, f"G {key}", GroupKind.CLASS, "", "", "", Place("g.csv", line))
    return evolve(made, **changes)


def term(key: str, line: int = 2, **changes: object) -> RosterTerm:
    days = DAY, DAY + timedelta(90)
    return evolve(RosterTerm(key, f"T {key}", *days, Place("t.csv", line)), **changes)


def member(line: int = 2, **changes: object) -> RosterMembership:
    made = RosterMembership("g", "u", Role.STUDENT, None, None, Place("m.csv", line))
    return evolve(made, **changes)


def stored_user(number: int, username: str, **changes: object) -> User:
    made = User(number, username, "First", "Last", Role.STUDENT, "", "", True, NOW)
    return evolve(made, **changes)


def stored_group(number: int, name: str, parent: int | None = None) -> Group:
    return Group(number, name, GroupKind.CLASS, parent, "", None)


def paths(roster: Roster) -> list[str]:
    return [problem.path for problem in check(roster)]


class TestCheck:
    def test_a_whole_roster_has_no_problems(self) -> None:
        roster = Roster(
            source="s",
            users=(user("u"),),
            groups=(group("p"), group("g", parent_key="p", term_key="t")),
            terms=(term("t"),),
            memberships=(member(),),
        )
        assert check(roster) == []

    @pytest.mark.parametrize("source", ["", "a b", "x" * 51, "a:b", "a/b"])
    def test_source(self, source: str) -> None:
        assert paths(Roster(source=source)) == ["source"]

    @pytest.mark.parametrize(
        ("roster", "path"),
        [
            (Roster(source="s", users=(user("a"), user("a", 3, username="x"))), "u.csv:3:key"),
            (Roster(source="s", users=(user(""),)), "u.csv:2:key"),
            (Roster(source="s", users=(user("k" * 201, username="x"),)), "u.csv:2:key"),
            (
                Roster(source="s", users=(user("a"), user("b", 3, username="U-A"))),
                "u.csv:3:username",
            ),
            (Roster(source="s", users=(user("a", first_name="x" * 151),)), "u.csv:2:first_name"),
            (Roster(source="s", users=(user("a", role=Role.ADMIN),)), "u.csv:2:role"),
            (Roster(source="s", users=(user("a", role=Role.DEVICE),)), "u.csv:2:role"),
            (Roster(source="s", groups=(group("a"), group("a", 3))), "g.csv:3:key"),
            (Roster(source="s", groups=(group("a", name=" "),)), "g.csv:2:name"),
            (Roster(source="s", groups=(group("a", code="x" * 65),)), "g.csv:2:code"),
            (Roster(source="s", groups=(group("a", parent_key="b"),)), "g.csv:2:parent_key"),
            (Roster(source="s", groups=(group("a", term_key="b"),)), "g.csv:2:term_key"),
            (Roster(source="s", terms=(term("a"), term("b", 3, name="T a"))), "t.csv:3:name"),
            (
                Roster(source="s", terms=(term("a", last_day=date(2026, 8, 31)),)),
                "t.csv:2:last_day",
            ),
        ],
    )
    def test_one_fault(self, roster: Roster, path: str) -> None:
        assert paths(roster) == [path]

    def test_groups_in_a_circle(self) -> None:
        ring = (group("a", 2, parent_key="b"), group("b", 3, parent_key="a"))
        below = group("c", 4, parent_key="a")
        found = paths(Roster(source="s", groups=(*ring, below)))
        assert found == ["g.csv:2:parent_key", "g.csv:3:parent_key"]

    @pytest.mark.parametrize(
        ("rows", "path"),
        [
            ((member(group_key="x"),), "m.csv:2:group_key"),
            ((member(user_key="x"),), "m.csv:2:user_key"),
            ((member(role=Role.GUARDIAN),), "m.csv:2:role"),
            ((member(begin=DAY, end=DAY),), "m.csv:2:end"),
            ((member(), member(3)), "m.csv:3:user_key"),
            ((member(end=DAY), member(3, begin=date(2026, 8, 31))), "m.csv:3:user_key"),
        ],
    )
    def test_memberships(self, rows: tuple[RosterMembership, ...], path: str) -> None:
        roster = Roster(source="s", users=(user("u"),), groups=(group("g"),), memberships=rows)
        assert paths(roster) == [path]

    def test_periods_one_after_the_other_and_two_roles_are_no_repetition(self) -> None:
        rows = (member(end=DAY), member(3, begin=DAY), member(4, role=Role.ASSISTANT))
        roster = Roster(source="s", users=(user("u"),), groups=(group("g"),), memberships=rows)
        assert check(roster) == []

    def test_path_has_the_heading_of_the_file(self) -> None:
        roster = Roster(source="s", columns={"m.csv": {"membership.user_key": "SIS ID"}})
        assert roster.path(Place("m.csv", 12), "membership.user_key") == "m.csv:12:SIS ID"
        assert roster.path(Place("m.csv", 12), "membership.role") == "m.csv:12:role"


class TestRecords:
    def test_empty_cells_say_nothing(self) -> None:
        stands = stored_user(1, "u-a", email="a@example.org", role=Role.TEACHER)
        said = user("a", first_name="", last_name="New", email="", role=None)
        assert said.over(stands) == evolve(stands, last_name="New")

    def test_a_file_takes_no_power(self) -> None:
        for role in (Role.ADMIN, Role.DEVICE):
            assert user("a").over(stored_user(1, "u-a", role=role)).role is role

    def test_case_of_a_username_is_no_change_and_another_name_is(self) -> None:
        assert user("a", username="U-A").over(stored_user(1, "u-a")).username == "u-a"
        assert user("a", username="new").over(stored_user(1, "u-a")).username == "new"

    def test_new_users(self) -> None:
        new = user("a", role=None, email="a@b").new()
        assert (new.role, new.password, new.email) == (Role.STUDENT, None, "a@b")

    def test_group_keeps_what_the_file_does_not_say(self) -> None:
        stands = Group(1, "Old", GroupKind.LAB, 5, "C1", 7)
        said = group("k", name="New")
        assert said.over(stands, None, None) == Group(1, "New", GroupKind.CLASS, 5, "C1", 7)
        said = group("k", name="New", code="C2")
        assert said.over(stands, 8, 9) == Group(1, "New", GroupKind.CLASS, 8, "C2", 9)

    def test_group_known_by_name_stays_as_it_is(self) -> None:
        stands = Group(1, "Lab", GroupKind.LAB, 5, "C1", 7)
        assert group("lab", name="LAB").over(stands, None, None) == stands

    def test_names_of_groups_are_folded(self) -> None:
        assert group_name_key(" Cs \t 101") == "cs 101"


def refused(roster: Roster, standing: Standing) -> list[str]:
    with pytest.raises(Invalid) as caught:
        plan(roster, standing)
    return [problem.path for problem in caught.value.problems]


class TestPlan:
    def test_nothing_stands(self) -> None:
        roster = Roster(source="s", users=(user("a"),), groups=(group("g"),), terms=(term("t"),))
        planned = plan(roster, Standing())
        assert planned.users == (Match(roster.users[0], None, linked=False),)
        assert planned.groups == (Match(roster.groups[0], None, linked=False),)
        assert planned.terms == (Match(roster.terms[0], None, linked=False),)

    def test_link_before_name(self) -> None:
        stands = stored_user(1, "old")
        roster = Roster(source="s", users=(user("a"),))
        (match,) = plan(roster, Standing(users_by_key={"a": stands})).users
        assert (match.entity, match.linked, match.note) == (stands, True, "")

    def test_a_user_who_stands_is_adopted(self) -> None:
        stands = stored_user(1, "U-A")
        roster = Roster(source="s", users=(user("a"),))
        (match,) = plan(roster, Standing(users_by_name={"u-a": stands})).users
        assert (match.entity, match.linked) == (stands, False)
        assert "adopted" in match.note

    def test_username_of_somebody_else(self) -> None:
        standing = Standing(
            users_by_key={"a": stored_user(1, "x")}, users_by_name={"u-a": stored_user(2, "u-a")}
        )
        assert refused(Roster(source="s", users=(user("a"),)), standing) == ["u.csv:2:username"]

    def test_username_that_another_record_leaves_only_now(self) -> None:
        one = stored_user(1, "u-b")
        standing = Standing(users_by_key={"a": one}, users_by_name={"u-b": one})
        roster = Roster(source="s", users=(user("a"), user("b", 3)))
        assert refused(roster, standing) == ["u.csv:3:username"]

    def test_a_person_with_a_new_key_is_adopted(self) -> None:
        one = stored_user(1, "u-b")
        standing = Standing(users_by_key={"gone": one}, users_by_name={"u-b": one})
        (match,) = plan(Roster(source="s", users=(user("b"),)), standing).users
        assert match.entity == one

    def test_terms_are_adopted_by_name_and_not_taken(self) -> None:
        stands = Term(4, "T a", DAY, DAY, "")
        roster = Roster(source="s", terms=(term("a"),))
        (match,) = plan(roster, Standing(terms_by_name={"T a": stands})).terms
        assert match.entity == stands
        other = Term(5, "Old", DAY, DAY, "")
        standing = Standing(terms_by_key={"a": other}, terms_by_name={"T a": stands})
        assert refused(roster, standing) == ["t.csv:2:name"]

    def test_groups_known_by_name_are_adopted(self) -> None:
        lab = stored_group(7, " LAB  1")
        roster = Roster(source="s", groups=(group("lab 1", name="Lab 1"),))
        (match,) = plan(roster, Standing(groups={7: lab})).groups
        assert (match.entity, match.linked) == (lab, False)

    def test_groups_with_a_key_of_their_own_are_not(self) -> None:
        roster = Roster(source="s", groups=(group("section:1", name="Lab 1"),))
        (match,) = plan(roster, Standing(groups={7: stored_group(7, "Lab 1")})).groups
        assert match.entity is None

    def test_a_group_of_another_record_is_not_adopted(self) -> None:
        roster = Roster(source="s", groups=(group("a", name="A"), group("b", 3, name="B")))
        standing = Standing(groups={7: stored_group(7, "B")}, group_ids={"a": 7})
        assert [m.entity and m.entity.id for m in plan(roster, standing).groups] == [7, None]

    def test_name_that_could_mean_several(self) -> None:
        standing = Standing(groups={7: stored_group(7, "A"), 8: stored_group(8, "a")})
        roster = Roster(source="s", groups=(group("a", name="A"),))
        assert refused(roster, standing) == ["g.csv:2:name"]

    def test_archived_groups_and_those_below_are_left_alone(self) -> None:
        roster = Roster(
            source="s",
            groups=(group("c", 2, parent_key="b"), group("b", 3, parent_key="a"), group("a", 4)),
        )
        planned = plan(roster, Standing(group_ids={"a": 1, "b": 2}, groups={}))
        assert [(m.record.key, bool(m.skipped)) for m in planned.groups] == [
            ("a", True),
            ("b", True),
            ("c", True),
        ]

    def test_parents_come_first(self) -> None:
        rows = (group("c", parent_key="b"), group("b", parent_key="a"), group("a"), group("d"))
        planned = plan(Roster(source="s", groups=rows), Standing())
        assert [m.record.key for m in planned.groups] == ["a", "b", "c", "d"]

    def test_circle_with_what_stands(self) -> None:
        standing = Standing(
            groups={1: stored_group(1, "up"), 2: stored_group(2, "down", 1)},
            group_ids={"up": 1, "down": 2},
        )
        roster = Roster(
            source="s", groups=(group("down", name="D"), group("up", 3, parent_key="down"))
        )
        assert refused(roster, standing) == ["g.csv:3:parent_key"]

    def test_depth(self) -> None:
        def chain(length: int) -> Roster:
            rows = [
                group(str(n), n, parent_key=str(n - 1) if n > 1 else "")
                for n in range(1, length + 1)
            ]
            return Roster(source="s", groups=tuple(rows))

        assert len(plan(chain(32), Standing()).groups) == 32
        assert refused(chain(33), Standing()) == ["g.csv:33:parent_key"]


def want(line: int = 2, begin: date | None = None, end: date | None = None, who: int = 1) -> Wanted:
    return Wanted(1, who, member(line, begin=begin, end=end))


def stood(number: int, begin: date, end: date | None = None, who: int = 1) -> Membership:
    return Membership(number, 1, who, Role.STUDENT, begin, end, "import:s")


def at(days: int) -> date:
    return DAY + timedelta(days)


def first(enrolment: Enrolment) -> tuple[Outcome, tuple[date, date | None] | None]:
    (settled,) = enrolment.settled
    return settled.outcome, settled.add and (settled.add.begin, settled.add.end)


class TestMemberships:
    @pytest.mark.parametrize(
        ("wanted", "own", "outcome", "add"),
        [
            (want(), [], "created", (DAY, None)),
            (want(begin=at(-9)), [], "created", (at(-9), None)),
            (want(begin=at(9), end=at(19)), [], "created", (at(9), at(19))),
            (want(), [stood(5, at(-3))], "unchanged", None),
            (want(), [stood(5, DAY)], "unchanged", None),
            (want(begin=at(-9)), [stood(5, at(-3))], "unchanged", None),
            (want(begin=at(-9), end=at(9)), [stood(5, at(-3), at(9))], "unchanged", None),
            (want(end=at(9)), [stood(5, at(-3))], "updated", (DAY, at(9))),
            (want(), [stood(5, at(-3), at(9))], "updated", (DAY, None)),
            (want(begin=at(5)), [stood(5, at(9))], "updated", (at(5), None)),
            (want(begin=at(5)), [stood(5, at(-9))], "updated", (at(5), None)),
            (want(begin=at(-9), end=at(-1)), [stood(5, at(-9))], "ended", None),
            (want(begin=at(-9)), [stood(5, at(-9), at(-2))], "created", (at(-2), None)),
            (want(begin=at(-9), end=at(-1)), [stood(5, at(-9), at(-1))], "unchanged", None),
            (want(begin=at(-9), end=at(-1)), [], "created", (at(-9), at(-1))),
        ],
    )
    def test_one_row(
        self, wanted: Wanted, own: list[Membership], outcome: str, add: tuple[date, date] | None
    ) -> None:
        enrolment = plan_memberships([wanted], own, DAY)
        assert first(enrolment) == (outcome, add)
        replaced = [5] if outcome in {"updated", "ended"} else []
        assert [row.id for row in enrolment.replaced] == replaced
        assert enrolment.gone == ()

    def test_rows_that_are_gone(self) -> None:
        own = [stood(5, at(-9)), stood(6, at(-9), who=2), stood(7, at(-9), at(-2), who=3)]
        enrolment = plan_memberships([want()], own, DAY)
        assert [row.id for row in enrolment.gone] == [6]
        assert enrolment.current == 2

    @pytest.mark.parametrize(
        ("gone", "kept", "code"),
        [(1, 0, ""), (2, 18, ""), (2, 17, "too_many_removals"), (2, 0, "too_many_removals")],
    )
    def test_guard(self, gone: int, kept: int, code: str) -> None:
        own = [stood(n, at(-9), who=n) for n in range(1, gone + kept + 1)]
        enrolment = plan_memberships([want(n, who=n) for n in range(1, kept + 1)], own, DAY)
        if not code:
            check_removals(enrolment, "s")
            return
        with pytest.raises(Conflict, match=f"{gone} of {gone + kept}") as caught:
            check_removals(enrolment, "s")
        assert caught.value.code == code

    @given(st.data())
    def test_history_stays_the_future_agrees_and_twice_is_once(self, data: st.DataObject) -> None:
        own: list[Membership] = []
        day = DAY
        for _ in range(data.draw(st.integers(1, 5))):
            wanted = data.draw(wishes(day))
            before = own
            own = apply(plan_memberships(wanted, own, day), own, day)
            assert covered(before, until=day) <= covered(own, until=day)
            added = covered(own, until=day) - covered(before, until=day)
            assert added <= {d for d in asked(wanted, day) if d[1] < day}
            assert covered(own, since=day) == {d for d in asked(wanted, day) if d[1] >= day}
            again = plan_memberships(wanted, own, day)
            assert {s.outcome for s in again.settled} <= {Outcome.UNCHANGED}
            assert (again.gone, again.replaced) == ((), ())
            day += timedelta(data.draw(st.integers(0, 4)))


@st.composite
def wishes(draw: st.DrawFn, day: date) -> list[Wanted]:
    """Rows of two people: undated, or periods that do not overlap."""
    wanted: list[Wanted] = []
    for who in (1, 2):
        cuts = sorted(draw(st.sets(st.integers(-6, 6), max_size=4)))
        ends = [*zip(cuts[0::2], cuts[1::2], strict=False)]
        periods = [(day + timedelta(a), day + timedelta(b)) for a, b in ends]
        rows = [want(who, begin, end, who) for begin, end in periods]
        if not rows and draw(st.booleans()):
            rows = [want(who, who=who)]
        elif rows and draw(st.booleans()):
            last = rows[-1].record
            rows[-1] = want(who, last.begin, None, who)
        wanted += [
            evolve(r, record=evolve(r.record, place=Place("m.csv", 10 * who + n)))
            for n, r in enumerate(rows)
        ]
    return wanted


HORIZON = DAY + timedelta(60)


def spread(who: int, begin: date, end: date | None) -> set[tuple[int, date]]:
    length = ((end or HORIZON) - begin).days
    return {(who, begin + timedelta(n)) for n in range(length)}


def covered(
    rows: list[Membership], *, since: date = date.min, until: date = date.max
) -> set[tuple[int, date]]:
    days = [d for row in rows for d in spread(row.user, row.begin, row.end)]
    assert len(days) == len(set(days)), "memberships overlap"
    return {d for d in days if since <= d[1] < until}


def asked(wanted: list[Wanted], today: date) -> set[tuple[int, date]]:
    return {d for w in wanted for d in spread(w.user, w.record.begin or today, w.record.end)}


def apply(enrolment: Enrolment, own: list[Membership], day: date) -> list[Membership]:
    ended = {row.id for row in (*enrolment.gone, *enrolment.replaced)}
    kept = [evolve(row, end=day) if row.id in ended else row for row in own]
    number = max((row.id for row in own), default=0)
    added = [
        Membership(
            number + n,
            s.wanted.group,
            s.wanted.user,
            Role.STUDENT,
            s.add.begin,
            s.add.end,
            "import:s",
        )
        for n, s in enumerate(enrolment.settled, 1)
        if s.add is not None
    ]
    return [row for row in kept if row.end is None or row.begin < row.end] + added

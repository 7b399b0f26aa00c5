"""One rule for a check and for a list: on any campus both say the same of every object."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from attrs import define, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from campuscore.domain.attendance import CheckInQuery, DayQuery, NewAttachment, NewCheckIn
from campuscore.domain.auth import Principal
from campuscore.domain.days import Days
from campuscore.domain.groups import MEMBER_ROLES
from campuscore.domain.paging import Slice
from campuscore.domain.schedule import EntryQuery, NewEntry
from campuscore.domain.users import Role, UserQuery
from campuscore.errors import CampusError, NotFound
from campuscore.ports.work import Work
from campuscore.services.policy import RULES, GroupTarget, PersonTarget, Policy

from .campuses import NOW, STORES, Clock, Town, new_store, town_on

TODAY = NOW.date()
WHOLE = Slice(1 << 62)
UNKNOWN = 1 << 40
DAYS = (-2, -1, 0)


@frozen
class Membered:
    """A membership, in days from today."""

    user: int
    group: int
    role: Role
    begin: int
    end: int | None

    def covers(self, day: int) -> bool:
        return self.begin <= day and (self.end is None or day < self.end)


@frozen
class Plan:
    """A campus, not yet stored: users and groups are places in its lists, days count from today."""

    roles: Sequence[Role]
    parents: Sequence[int | None]
    archived: int
    memberships: Sequence[Membered]
    facts: Sequence[tuple[int, int]]
    files: Sequence[tuple[int, int]]
    entries: Sequence[tuple[int, int]]
    guardians: Sequence[tuple[int, int]]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    roles = draw(st.lists(st.sampled_from(Role), min_size=3, max_size=6))
    parents = [None if n == 0 else draw(st.none() | st.integers(0, n - 1)) for n in range(4)]
    user, group = st.integers(0, len(roles) - 1), st.integers(0, len(parents) - 1)
    begin = st.integers(-3, 2)
    member = st.builds(
        Membered,
        user,
        group,
        st.sampled_from(sorted(MEMBER_ROLES)),
        begin,
        st.none() | st.integers(-2, 3),
    ).filter(lambda m: m.end is None or m.begin < m.end)
    key = st.tuples(user, st.sampled_from(DAYS))
    return Plan(
        roles=roles,
        parents=parents,
        archived=draw(st.integers(0, len(parents) - 1)),
        memberships=draw(
            st.lists(member, max_size=9, unique_by=lambda m: (m.user, m.group, m.role))
        ),
        facts=draw(st.lists(key, max_size=6, unique=True)),
        files=draw(st.lists(key, max_size=4, unique=True)),
        entries=draw(st.lists(st.tuples(group, st.sampled_from(DAYS)), max_size=4)),
        guardians=draw(st.lists(st.tuples(user, user).filter(lambda p: p[0] != p[1]), max_size=3)),
    )


@define
class Built:
    """A stored plan, and the ids of what is in it."""

    plan: Plan
    town: Town
    users: list[int]
    groups: list[int]
    entries: list[int]
    files: list[int]

    def principals(self) -> Iterator[tuple[int, Principal]]:
        for place, user in enumerate(self.users):
            yield place, self.town.principal(user)


@contextmanager
def built(kind: str, plan: Plan) -> Iterator[Built]:
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        store = new_store(kind, clock, Path(folder))
        town = town_on(store, clock)
        try:
            yield build(town, plan)
        finally:
            store.keeper.close()


def build(town: Town, plan: Plan) -> Built:
    campus, operator = town.campus, town.campus.operator
    users = [town.user(f"user{n}", role) for n, role in enumerate(plan.roles)]
    groups: list[int] = []
    for number, parent in enumerate(plan.parents):
        groups.append(town.group(f"g{number}", None if parent is None else groups[parent]))
    for m in plan.memberships:
        end = None if m.end is None else day(m.end)
        town.join(groups[m.group], users[m.user], m.role, begin=day(m.begin), end=end)
    for user, on in plan.facts:
        at = datetime.combine(day(on), NOW.time(), UTC)
        campus.attendance.check_in(operator, NewCheckIn(user=users[user], timestamp=at))
    files = [
        campus.attendance.attach_file(
            operator, NewAttachment(user=users[user], date=day(on), filename="f"), [b"secret"]
        ).id
        for user, on in plan.files
    ]
    entries = [
        campus.schedule.create(operator, NewEntry(group=groups[group], title="t", date=day(on))).id
        for group, on in plan.entries
    ]
    for guardian, ward in plan.guardians:
        campus.users.guardians.link(operator, users[ward], users[guardian])
    if plan.archived not in plan.parents:
        campus.groups.archive(operator, groups[plan.archived])
    return Built(plan, town, users, groups, entries, files)


def day(offset: int) -> date:
    return TODAY + timedelta(days=offset)


def allowed_by_check(built: Built, policy: Policy, work: Work, who: Principal, action: str):
    """Return the objects for which the check says yes."""
    plan = built.plan

    def may(target: PersonTarget | GroupTarget) -> bool:
        return policy.may(work, who, action, target)

    return {
        "users": {u for u in built.users if may(PersonTarget(u))},
        "facts": {
            (built.users[user], day(on))
            for user, on in plan.facts
            if may(PersonTarget(built.users[user], day(on)))
        },
        "files": {
            (built.users[user], day(on))
            for user, on in plan.files
            if (user, on) in plan.facts and may(PersonTarget(built.users[user], day(on)))
        },
        "groups": {g for g in built.groups if may(GroupTarget(g))},
        "entries": {
            entry
            for entry, (group, _) in zip(built.entries, plan.entries, strict=True)
            if may(GroupTarget(built.groups[group]))
        },
    }


def shown_by_lists(built: Built, policy: Policy, work: Work, who: Principal, action: str):
    """Return the objects that the lists answer."""
    scope = policy.scope(who, action)
    users = {u.id for u in work.users.list(scope, UserQuery(active=None), WHOLE)}
    names = {u.id for u in work.users.names(scope, UserQuery(active=None), WHOLE)}
    days = list(work.check_ins.days(scope, DayQuery(), WHOLE, "/f"))
    told = json.loads(f"[{','.join(work.check_ins.days_json(scope, DayQuery(), WHOLE, '/f'))}]")
    facts = {
        (f.user, f.timestamp.date()) for f in work.check_ins.list(scope, CheckInQuery(), WHOLE)
    }
    with_file = work.check_ins.list(scope, CheckInQuery(has_files=True), WHOLE)
    assert {(f.user, f.timestamp.date()) for f in with_file} == {
        (d.id, d.date) for d in days if d.files
    }
    assert users == names
    assert [(d["id"], d["date"]) for d in told] == [(d.id, d.date.isoformat()) for d in days]
    with_facts = {(built.users[user], day(on)) for user, on in built.plan.facts}
    assert {(d.id, d.date) for d in days} & with_facts == facts
    return {
        "users": users,
        "facts": facts,
        "files": {(d.id, d.date) for d in days if d.files},
        "groups": {g.id for g in work.groups.list(scope, WHOLE)},
        "entries": {e.id for e in work.entries.list(scope, EntryQuery(), WHOLE)},
    }


@pytest.mark.parametrize("kind", STORES)
@settings(max_examples=25)
@given(plan=plans())
def test_check_and_list_agree_for_every_action_and_principal(kind: str, plan: Plan) -> None:
    with built(kind, plan) as campus:
        policy = campus.town.campus.policy
        with campus.town.store.read() as work:
            for _, who in campus.principals():
                for action in distinct(policy, who):
                    checked = allowed_by_check(campus, policy, work, who, action)
                    if policy.allows(who, action):
                        listed = shown_by_lists(campus, policy, work, who, action)
                        check_archived(campus, work, checked, listed)
                        assert listed == checked, (who, action)
                    else:
                        assert not any(checked.values()), (who, action)


def distinct(policy: Policy, who: Principal) -> Iterator[str]:
    """Yield every action that is refused, and one for each different reach."""
    seen = set()
    for action, rule in policy.rules.items():
        reach = rule.reach(who.role)
        if reach not in seen or not policy.allows(who, action):
            seen.add(reach)
            yield action


def check_archived(campus: Built, work: Work, checked: dict, listed: dict) -> None:
    """Entries of an archived group stay in no list, not even an administrator's."""
    gone = {g for g in campus.groups if work.groups.find(g) is None}
    entries = {
        entry
        for entry, (group, _) in zip(campus.entries, campus.plan.entries, strict=True)
        if campus.groups[group] in gone
    }
    assert not checked["entries"] & entries
    assert not listed["entries"] & entries


@pytest.mark.parametrize("kind", STORES)
@settings(max_examples=25)
@given(plan=plans())
def test_a_student_is_shown_no_facts_of_others(kind: str, plan: Plan) -> None:
    with built(kind, plan) as campus:
        for place, who in campus.principals():
            mine = [m for m in plan.memberships if m.user == place and m.covers(0)]
            leads = any(m.role is not Role.STUDENT for m in mine)
            cares = any(guardian == place for guardian, _ in plan.guardians)
            if who.role is Role.STUDENT and not leads and not cares:
                check_student(campus, who, {m.group for m in mine})


def check_student(campus: Built, who: Principal, mine: set[int]) -> None:
    services, plan = campus.town.campus, campus.plan
    me = who.user_id
    fellows = {
        campus.users[m.user] for m in plan.memberships if m.group in mine and m.covers(0)
    } | {me}
    groups = {campus.groups[g] for g in mine}

    assert {u.id for u in services.users.list(who).items} <= fellows
    shown = services.groups.list(who).items
    assert {g.id for g in shown} <= groups
    assert {u.id for g in shown for u in (*g.teachers, *g.students)} <= fellows
    assert me in {u.id for u in services.users.list(who).items}
    own = {me} if any(campus.users[user] == me for user, _ in plan.facts) else set()
    assert {c.user for c in services.attendance.list(who).items} == own
    assert {d.id for d in services.attendance.aggregate(who).items} == own
    whole = services.attendance.aggregate_json(who, files="/f")
    assert not isinstance(whole, tuple)
    assert {d["id"] for d in json.loads(b"".join(whole))} == own
    sheet = services.attendance.sheet(who, form="list")
    rows = [row for row in sheet.chunks if not row.startswith(b"('id'")]
    assert all(row.startswith(b"(%d," % me) for row in rows)
    assert {e.group for e in services.schedule.list(who).items} <= groups
    for file, (user, on) in zip(campus.files, plan.files, strict=True):
        if campus.users[user] != me:
            assert refusal(services.attendance.open_file, who, file) == (
                NotFound,
                "file_not_found",
            )
            with pytest.raises(CampusError):
                services.attendance.files(who, campus.users[user], day(on))


def refusal(call, who: Principal, key: int) -> tuple[type[CampusError], str] | None:
    try:
        call(who, key)
    except CampusError as error:
        return type(error), error.code
    return None


@pytest.mark.parametrize("kind", STORES)
@settings(max_examples=25)
@given(plan=plans())
def test_who_leads_is_shown_the_days_of_students_alone(kind: str, plan: Plan) -> None:
    with built(kind, plan) as campus:
        for place, who in campus.principals():
            if who.role is not Role.ADMIN and who.role is not Role.DEVICE:
                shown = {
                    (row.id, row.date) for row in campus.town.campus.attendance.aggregate(who).items
                }
                assert shown == days_to_show(plan, campus, place)


def days_to_show(plan: Plan, campus: Built, me: int) -> set[tuple[int, date]]:
    """Say whose days one sees: one's own and one's wards', and those of students one leads."""
    gone = plan.archived if plan.archived not in plan.parents else None
    led = {
        m.group
        for m in plan.memberships
        if m.user == me and m.covers(0) and m.role is not Role.STUDENT and m.group != gone
    }
    for group, parent in enumerate(plan.parents):  # parents come before their children
        if parent in led and group != gone:
            led.add(group)
    return {
        (campus.users[user], day(on))
        for user, on in plan.facts
        if user == me
        or (me, user) in plan.guardians
        or any(
            m.user == user and m.group in led and m.role is Role.STUDENT and m.covers(on)
            for m in plan.memberships
        )
    }


@pytest.mark.parametrize("kind", STORES)
@settings(max_examples=25)
@given(plan=plans())
def test_unknown_and_out_of_reach_cannot_be_told_apart(kind: str, plan: Plan) -> None:
    with built(kind, plan) as campus:
        services = campus.town.campus
        for _, who in campus.principals():
            shown = {
                services.users.get: ("users.read", campus.users),
                services.groups.get: ("groups.read", campus.groups),
                services.groups.members: ("groups.read", campus.groups),
                services.schedule.get: ("schedule.read", campus.entries),
                services.attendance.open_file: ("attendance.read", campus.files),
            }
            for call, (action, ids) in shown.items():
                unknown = refusal(call, who, UNKNOWN)
                assert unknown is not None
                allowed = services.policy.allows(who, action)
                assert (unknown[0] is NotFound) is allowed
                for key in ids:
                    assert refusal(call, who, key) in {None, unknown}


@pytest.mark.parametrize("role", Role)
def test_every_reach_of_every_action_is_compared(role: Role) -> None:
    policy, who = Policy(Days(now=Clock())), Principal(1, "x", role)

    compared = {policy.rules[action].reach(role) for action in distinct(policy, who)}

    assert compared == {rule.reach(role) for rule in RULES.values()}

"""The roll-ups of both stores are what a plain fold over the facts gives, whatever the zone."""

from __future__ import annotations

import json
from datetime import UTC, time
from itertools import groupby

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campuscore.adapters import wire
from campuscore.adapters.memory import open_store
from campuscore.domain.attendance import CheckInQuery, DayQuery, NewAttachment
from campuscore.domain.files import Blob
from campuscore.domain.groups import Membership, NewGroup
from campuscore.testing.contract import EVERYTHING, NOON, WHOLE, fact_at
from campuscore.testing.strategies import campus_plans, clock_changes

ZONES = ["UTC", "Europe/Moscow", "America/New_York", "Australia/Lord_Howe"]


@pytest.fixture(params=["memory", "sqlite"])
def fresh(request):
    """Return a function that opens a new, empty store."""
    return open_store if request.param == "memory" else request.getfixturevalue("fresh_sqlite")


@pytest.mark.parametrize("zone", ZONES)
@settings(
    max_examples=25,
    deadline=None,
    # Each example opens a store of its own.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_rows_are_a_fold_over_the_facts(fresh, zone, data):
    plan = data.draw(campus_plans(zone))
    order = data.draw(st.permutations(range(len(plan.facts))))
    size = data.draw(st.integers(1, 7))
    store = fresh()
    users, files = fill(store, plan, order, size)
    with store.read() as work:
        rows = list(work.check_ins.days(EVERYTHING, DayQuery(), WHOLE, "/files"))
        runs = list(work.check_ins.days_json(EVERYTHING, DayQuery(), WHOLE, "/files"))
        with_files = work.check_ins.list(EVERYTHING, CheckInQuery(has_files=True), WHOLE)

    found = [
        (r.date, r.id, r.full_name, r.group, r.morning_entry, r.afternoon_entry, r.files)
        for r in rows
    ]
    assert found == sorted(expected(plan, users, files))
    assert json.loads(f"[{','.join(runs)}]") == wire.plain(rows)
    assert {(r.user, local(plan, r.timestamp).date()) for r in with_files} == {
        (row[1], row[0]) for row in found if row[6]
    }


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe"])
def test_plans_lie_where_clocks_change(zone):
    changes = clock_changes(zone)

    assert len(changes) == 42  # twice a year from 2010 to 2030


def test_moscow_changed_its_clock_for_the_last_time_in_2014():
    assert [at.year for at in clock_changes("Europe/Moscow")] == [2010, 2010, 2011, 2014]
    assert clock_changes("UTC") == ()


def fill(store, plan, order, size):
    """Store the plan with its facts in some order and in calls of some size; return the ids."""
    with store.write() as work:
        users = [work.users.add(new, NOON).id for new in plan.users]
        groups = []
        for group in plan.groups:
            parent = None if group.parent is None else groups[group.parent]
            groups.append(work.groups.add(NewGroup(name=group.name, parent=parent)).id)
        work.memberships.add(
            [
                Membership(0, groups[row.group], users[row.user], row.role, row.begin, row.end, "x")
                for row in without_overlaps(plan.memberships)
            ]
        )
        for place, group in reversed(list(enumerate(plan.groups))):
            if group.archived:
                work.groups.archive(groups[place])
        facts = [plan.facts[i] for i in order]
        for start in range(0, len(facts), size):
            part = facts[start : start + size]
            work.check_ins.add([fact_at(users[user], at, plan.days) for user, at in part])
        files = [attach(work, users[file.user], file.day) for file in plan.files]
        for key, file in zip(files, plan.files, strict=True):
            if file.withdrawn:
                work.attachments.withdraw(key, NOON)
        work.commit()
    return users, files


def attach(work, user, day):
    new = NewAttachment(user=user, date=day, filename="note.txt")
    return work.attachments.add(new, Blob("0" * 64, 4), NOON).id


def without_overlaps(rows):
    """Keep each membership that has no day in common with a kept one of its user, group, role."""
    kept = []
    for row in rows:
        same = [k for k in kept if (k.user, k.group, k.role) == (row.user, row.group, row.role)]
        if not any(
            (k.end is None or row.begin < k.end) and (row.end is None or k.begin < row.end)
            for k in same
        ):
            kept.append(row)
    return kept


def expected(plan, users, files):
    """Yield what the rows must say, from the plan alone."""
    kept = without_overlaps(plan.memberships)

    def key(fact):
        return local(plan, fact[1]).date(), fact[0]

    for (day, place), facts in groupby(sorted(plan.facts, key=key), key=key):
        clocks = [local(plan, at).time() for at in sorted(at for _, at in facts)]
        morning = [clock for clock in clocks if clock < time(12, 30)]
        afternoon = [clock for clock in clocks if clock >= time(12, 30)]
        groups = {
            plan.groups[row.group].name
            for row in kept
            if row.user == place and row.begin <= day and (row.end is None or day < row.end)
        }
        user = plan.users[place]
        yield (
            day,
            users[place],
            f"{user.last_name} {user.first_name}".strip(" "),
            ", ".join(sorted(groups)),
            to_the_second(morning),
            to_the_second(afternoon),
            [
                f"/files/{number}/"
                for number, file in zip(files, plan.files, strict=True)
                if (file.user, file.day) == (place, day) and not file.withdrawn
            ],
        )


def to_the_second(clocks):
    return clocks[0].replace(microsecond=0) if clocks else None


def local(plan, at):
    return at.astimezone(UTC).astimezone(plan.days.zone)

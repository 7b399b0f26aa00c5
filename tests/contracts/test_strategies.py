"""The strategies give what they promise, and local days hold for all they give."""

from __future__ import annotations

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import find, given
from hypothesis import strategies as st

from campuscore.domain.days import AFTERNOON, Days
from campuscore.domain.users import username_key
from campuscore.testing.strategies import (
    ZONES,
    campus_plans,
    clock_changes,
    instants,
    new_users,
    reaches,
    zones,
)

CHANGING = [zone for zone in ZONES if clock_changes(zone)]


@given(zones().flatmap(lambda zone: st.tuples(st.just(zone), instants(zone))))
def test_an_instant_lies_within_its_local_day(drawn):
    zone, at = drawn
    days = Days(ZoneInfo(zone))
    local = days.local(at)
    assert at.tzinfo is UTC
    assert days.start_of(local.day) <= at < days.end_of(local.day)
    assert local.is_afternoon == (local.clock >= AFTERNOON)


@pytest.mark.parametrize("zone", CHANGING)
def test_offsets_differ_on_both_sides_of_a_change(zone):
    for at in clock_changes(zone):
        before, after = (
            (at + n * timedelta(minutes=1)).astimezone(ZoneInfo(zone)) for n in (-1, 0)
        )
        assert before.utcoffset() != after.utcoffset()


@pytest.mark.parametrize("zone", CHANGING)
def test_instants_lie_near_changes_and_at_noon(zone):
    def is_near_change(at):
        return any(abs(at - change) < timedelta(hours=3) for change in clock_changes(zone))

    def is_half_past_twelve(at):
        return at.astimezone(ZoneInfo(zone)).time() == AFTERNOON

    find(instants(zone), is_near_change)
    find(instants(zone), is_half_past_twelve)


@given(new_users())
def test_users_break_no_rule(new):
    new.check()


@given(zones().flatmap(campus_plans))
def test_plans_refer_to_what_they_hold(plan):
    assert len({username_key(new.username) for new in plan.users}) == len(plan.users)
    for place, group in enumerate(plan.groups):
        assert group.parent is None or 0 <= group.parent < place
        if group.archived:
            assert all(other.parent != place for other in plan.groups)
    for row in plan.memberships:
        assert row.user < len(plan.users)
        assert row.group < len(plan.groups)
        assert row.end is None or row.begin < row.end
    assert all(abs(at - plan.middle) < timedelta(days=4) for _, at in plan.facts)


def test_reaches_are_none_one_or_several():
    for count in (0, 1, 3):
        find(reaches(), lambda reach, count=count: len(list(reach)) == count)

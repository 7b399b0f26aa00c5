"""What is asked of both twins: lists and checks under a scope, filtered lists, pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from campuscore.domain.access import Scope
from campuscore.domain.attendance import CheckInQuery, DayQuery
from campuscore.domain.paging import Slice
from campuscore.domain.schedule import EntryQuery
from campuscore.domain.users import UserQuery
from campuscore.ports.work import Work
from campuscore.testing.attendance import micros
from campuscore.testing.contract import EVERYTHING, WHOLE
from campuscore.testing.twins import Side

__all__ = ["checks_in", "compare_pages", "events_in", "lists_in", "searches_in"]

_FILES = "/files"


def lists_in(work: Work, scope: Scope) -> list[Any]:
    """Return every list that follows a scope."""
    return [
        work.users.list(scope, UserQuery(active=None), WHOLE),
        work.users.names(scope, UserQuery(), WHOLE),
        work.groups.list(scope, WHOLE),
        work.check_ins.list(scope, CheckInQuery(), WHOLE),
        list(work.check_ins.days(scope, DayQuery(), WHOLE, _FILES)),
        work.entries.list(scope, EntryQuery(), WHOLE),
    ]


def checks_in(side: Side, work: Work, scope: Scope) -> list[Any]:
    """Return every check that follows a scope, for all rows and the days around its own."""
    users, groups = side.ids.get("user", {}), side.ids.get("group", {})
    days = [scope.today + timedelta(days=n) for n in (-2, -1, 0, 1)]
    found = [work.users.reached(scope, list(users.values()), day) for day in days]
    return [
        [sorted(side.key("user", each) for each in part) for part in found],
        [work.groups.reaches(scope, each) for each in groups.values()],
        [_lineage(side, work, each) for each in groups.values()],
        [work.memberships.members(each, day) for each in groups.values() for day in days],
        [_names(side, work, list(groups.values()), day) for day in days],
    ]


def events_in(work: Work) -> list[Any]:
    """Return the payloads of all messages, in their order."""
    return [message.payload for message in work.outbox.list(None, 0, 1000)]


def searches_in(work: Work, files: bool | None, **chosen: Any) -> list[Any]:  # noqa: FBT001 - as in the query
    """Return the filtered lists of attendance."""
    checks, days = CheckInQuery(**chosen, has_files=files), DayQuery(**chosen)
    return [
        work.check_ins.list(EVERYTHING, checks, WHOLE),
        list(work.check_ins.days(EVERYTHING, days, WHOLE, _FILES)),
        work.memberships.of_source("manual", chosen["since"] or date(2000, 1, 1)),
    ]


def compare_pages(work: Work, size: int) -> None:
    """Compare the pages of a store's lists with its whole lists."""
    _join_pages(
        size,
        lambda part: work.check_ins.list(EVERYTHING, CheckInQuery(), part),
        lambda row: (micros(row.timestamp), row.id),
    )
    _join_pages(
        size,
        lambda part: list(work.check_ins.days(EVERYTHING, DayQuery(), part, _FILES)),
        lambda row: (row.date.toordinal(), row.id),
    )
    _join_pages(
        size,
        lambda part: work.entries.list(EVERYTHING, EntryQuery(), part),
        lambda row: (row.date.toordinal(), row.id),
    )
    _join_pages(
        size,
        lambda part: work.users.list(EVERYTHING, UserQuery(), part),
        lambda row: (row.id,),
    )
    _join_pages(size, lambda part: work.groups.list(EVERYTHING, part), lambda row: (row.id,))


def _names(side: Side, work: Work, groups: list[int], day: date) -> list[Any]:
    """Return who is named, in order, and where; one person's groups come in any order."""
    rows = [
        (side.key("user", name.id), side.key("group", group), str(role))
        for group, role, name in work.memberships.names(groups, day)
    ]
    return [[user for user, _, _ in rows], sorted(rows)]


def _lineage(side: Side, work: Work, group: int) -> list[int]:
    """Return the keys of a group that is there and of all above it."""
    if work.groups.find(group) is None:
        return []
    return [side.key("group", each) for each in work.groups.lineage(group)]


def _join_pages(
    size: int, read: Callable[[Slice], Sequence[Any]], key: Callable[[Any], tuple[int, ...]]
) -> None:
    whole = list(read(WHOLE))
    found, part = list(read(Slice(size))), Slice(size)
    while len(found) < len(whole):
        part = Slice(size, key(found[-1]))
        page = list(read(part))
        assert page, "a page is empty before the end"
        found += page
    assert found == whole
    assert all(key(one) != key(other) for one, other in pairwise(whole))

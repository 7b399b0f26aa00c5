"""The aggregate of user-days: roll-ups from SQL, put together with what the directory knows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

from attrs import frozen
from sqlalchemy import Integer, bindparam, false, literal, select, type_coerce, union_all

from campuscore.adapters.sql.desk import Desk
from campuscore.adapters.sql.dialects import Record
from campuscore.adapters.sql.directory import Directory, Entry
from campuscore.adapters.sql.scope import (
    groups_within,
    people_of_group,
    people_within,
    scope_values,
    wards,
)
from campuscore.adapters.sql.tables import attachments, day_rollups, groups, users
from campuscore.domain.access import Reach, Scope
from campuscore.domain.attendance import DayQuery, DayRow
from campuscore.domain.days import clock_of
from campuscore.domain.paging import Slice
from campuscore.domain.users import username_key

__all__ = ["SqlDays"]

_day, _user = type_coerce(day_rollups.c.day, Integer), day_rollups.c.user_id
_file_day = type_coerce(attachments.c.day, Integer)
_FILES = (
    select(_file_day, attachments.c.user_id, attachments.c.id)
    .where(
        attachments.c.day >= bindparam("from_day", type_=Integer),
        attachments.c.day <= bindparam("to_day", type_=Integer),
        attachments.c.withdrawn_at.is_(None),
    )
    .order_by(attachments.c.id)
)


class _Clocks(dict[int | None, str]):
    """The JSON of each second of the day, written when it is first asked for."""

    def __missing__(self, second: int | None) -> str:
        text = "null" if second is None else f'"{clock_of(second)}"'
        self[second] = text
        return text


_CLOCKS = _Clocks()
_GROUP, _WARD = 0, 1


@frozen
class _Sight:
    """Which groups rows may name: of these people all, of others those that are seen."""

    people: frozenset[int] = frozenset()
    groups: frozenset[int] | None = None

    def of(self, user: int) -> frozenset[int] | None:
        """Return the groups that rows of a user may name; None is all."""
        return None if user in self.people else self.groups


@frozen
class _Run:
    """Some rows, and what belongs to them."""

    rows: Sequence[Record]
    entries: Mapping[int, Entry]
    files: Mapping[tuple[int, int], list[str]]


@frozen
class SqlDays:
    """Reads the aggregate."""

    desk: Desk
    directory: Directory

    def rows(self, scope: Scope, query: DayQuery, part: Slice, files: str) -> Iterator[DayRow]:
        """Yield the rows."""
        seen = self._sight(scope).of
        for run in self._runs(scope, query, part, files):
            for day, user, morning, afternoon in run.rows:
                entry = run.entries[user]
                yield DayRow(
                    user,
                    entry.username,
                    entry.full_name,
                    entry.groups_on(day, seen(user)),
                    date.fromordinal(day),
                    None if morning is None else clock_of(morning),
                    None if afternoon is None else clock_of(afternoon),
                    list(run.files.get((day, user), ())),
                )

    def texts(self, scope: Scope, query: DayQuery, part: Slice, files: str) -> Iterator[str]:
        """Yield runs of JSON objects, written from pieces of text that are ready."""
        seen = self._sight(scope).of
        for run in self._runs(scope, query, part, files):
            entries, clocks = run.entries, _CLOCKS
            days = {day: _day_text(day) for day in {row[0] for row in run.rows}}
            addresses = {key: json.dumps(found) for key, found in run.files.items()}
            yield ",".join(
                [
                    f"{entries[user].text_on(day, seen(user))}{days[day]}{clocks[morning]},"
                    f'"afternoon_entry":{clocks[afternoon]},'
                    f'"files":{addresses.get((day, user), "[]")}}}'
                    for day, user, morning, afternoon in run.rows
                ]
            )

    def _sight(self, scope: Scope) -> _Sight:
        if scope.everything:
            return _Sight()
        rows = self.desk.execute(_named(scope.reach), scope_values(scope)).all()
        groups = frozenset(key for kind, key in rows if kind == _GROUP)
        return _Sight(frozenset([scope.user, *(k for kind, k in rows if kind == _WARD)]), groups)

    def _runs(self, scope: Scope, query: DayQuery, part: Slice, files: str) -> Iterator[_Run]:
        statement = _list(scope.reach, _shape(query, part))
        for rows in self.desk.stream(statement, _values(scope, query, part)).runs():
            entries = self.directory.look_up(self.desk, {row[1] for row in rows})
            yield _Run(rows, entries, _files_of(self.desk, rows[0][0], rows[-1][0], files))


@cache
def _named(reach: Reach) -> Any:
    """Return what finds the groups that rows of others may name, and the people named in full."""
    found = select(literal(_GROUP).label("kind"), groups.c.id).where(
        groups.c.archived == false(), groups_within(reach | Reach.FELLOW, groups.c.id)
    )
    if Reach.WARD not in reach:
        return found
    return union_all(found, wards(literal(_WARD)))


def _files_of(desk: Desk, first: int, last: int, prefix: str) -> dict[tuple[int, int], list[str]]:
    found: dict[tuple[int, int], list[str]] = {}
    for day, user, file_id in desk.execute(_FILES, {"from_day": first, "to_day": last}).all():
        found.setdefault((day, user), []).append(f"{prefix}/{file_id}/")
    return found


def _day_text(day: int) -> str:
    return f',"date":"{date.fromordinal(day)}","morning_entry":'


def _shape(query: DayQuery, part: Slice) -> frozenset[str]:
    given = {
        "user": query.user is not None,
        "username": query.username is not None,
        "role": query.role is not None,
        "since": query.since is not None,
        "until": query.until is not None,
        "group": query.group is not None,
        "after": part.after is not None,
    }
    return frozenset(name for name, used in given.items() if used)


def _values(scope: Scope, query: DayQuery, part: Slice) -> dict[str, Any]:
    after = part.after or (0, 0)
    return {
        **scope_values(scope),
        "of_user": query.user,
        "named": username_key(query.username or ""),
        "of_role": query.role,
        "first_day": query.since,
        "last_day": query.until,
        "of_group": query.group,
        "after_day": after[0],
        "after_user": after[1],
        "most": part.limit,
    }


@cache
def _list(reach: Reach, shape: frozenset[str]) -> Any:
    return (
        select(
            _day,
            _user,
            type_coerce(day_rollups.c.morning_second, Integer),
            type_coerce(day_rollups.c.afternoon_second, Integer),
        )
        .where(people_within(reach, _user, day_rollups.c.day))
        .where(*(condition for name, condition in _FILTERS.items() if name in shape))
        .order_by(_day, _user)
        .limit(bindparam("most", type_=Integer))
    )


_FILTERS = {
    "user": _user == bindparam("of_user"),
    "username": _user.in_(select(users.c.id).where(users.c.username_key == bindparam("named"))),
    "role": _user.in_(
        select(users.c.id).where(users.c.role == bindparam("of_role", type_=users.c.role.type))
    ),
    "since": day_rollups.c.day >= bindparam("first_day", type_=day_rollups.c.day.type),
    "until": day_rollups.c.day <= bindparam("last_day", type_=day_rollups.c.day.type),
    "group": people_of_group(_user, day_rollups.c.day),
    "after": (_day > bindparam("after_day", type_=Integer))
    | ((_day == bindparam("after_day", type_=Integer)) & (_user > bindparam("after_user"))),
}

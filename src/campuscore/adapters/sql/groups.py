"""Groups and memberships in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import (
    Integer,
    bindparam,
    delete,
    exists,
    false,
    insert,
    literal,
    select,
    true,
    type_coerce,
    update,
)

from campuscore.adapters.sql.columns import OPEN_END
from campuscore.adapters.sql.desk import Desk
from campuscore.adapters.sql.dialects import among, bytewise, ids_text
from campuscore.adapters.sql.scope import covers, groups_within, scope_values
from campuscore.adapters.sql.tables import groups, memberships, users
from campuscore.adapters.sql.trouble import translated
from campuscore.domain.access import Reach, Scope
from campuscore.domain.groups import Group, Member, Membership, NewGroup
from campuscore.domain.paging import Slice
from campuscore.domain.users import Role, UserName
from campuscore.errors import Conflict, NotFound

__all__ = ["SqlGroups", "SqlMemberships"]

_COLUMNS = tuple(groups.c)[:6]
_DAY = bindparam("on_day", type_=Integer)
_GROUP = bindparam("group_id", type_=Integer)
_BY_NAME = (bytewise(users.c.last_name), bytewise(users.c.first_name), users.c.id)

_FIND = select(*_COLUMNS).where(groups.c.id == _GROUP, groups.c.archived == false())
_ADD = insert(groups)
_SAVE = update(groups).where(groups.c.id == _GROUP, groups.c.archived == false())
_ARCHIVE = _SAVE.values(archived=true())
_HAS_CHILDREN = select(exists().where(groups.c.parent_id == _GROUP, groups.c.archived == false()))

_up = (
    select(groups.c.id, groups.c.parent_id, literal(0).label("depth"))
    .where(groups.c.id == _GROUP)
    .cte("lineage", recursive=True)
)
_up = _up.union(
    select(groups.c.id, groups.c.parent_id, _up.c.depth + 1)
    .join(_up, groups.c.id == _up.c.parent_id)
    .where(_up.c.depth < 64)  # noqa: PLR2004 - stops where stored parents form a ring
)
_LINEAGE = select(_up.c.id).order_by(_up.c.depth)

_NAMES = (
    select(memberships.c.group_id, memberships.c.role, *tuple(users.c)[:5])
    .join(users, users.c.id == memberships.c.user_id)
    .where(
        among(memberships.c.group_id, "group_ids"),
        covers(_DAY),
        users.c.active == true(),
    )
    .order_by(*_BY_NAME)
)
_MEMBERS = (
    select(
        users.c.id,
        users.c.username,
        users.c.first_name,
        users.c.last_name,
        memberships.c.role,
        memberships.c.begin_day,
        memberships.c.end_day,
    )
    .join(users, users.c.id == memberships.c.user_id)
    .where(memberships.c.group_id == _GROUP, covers(_DAY))
    .order_by(*_BY_NAME, bytewise(memberships.c.role))
)
_MEMBERSHIP = tuple(memberships.c)
_FIND_MEMBERSHIP = select(*_MEMBERSHIP).where(
    memberships.c.group_id == _GROUP,
    memberships.c.user_id == bindparam("user_id"),
    memberships.c.role == bindparam("held_role", type_=memberships.c.role.type),
    covers(_DAY),
)
_OF_SOURCE = (
    select(*_MEMBERSHIP)
    .where(
        memberships.c.source == bindparam("from_source"),
        memberships.c.end_day.op(">", is_comparison=True)(_DAY),
    )
    .order_by(memberships.c.id)
)
_ADD_MEMBERSHIP = insert(memberships)
_END = (
    update(memberships)
    .where(
        among(memberships.c.id, "ids"),
        memberships.c.end_day > bindparam("new_end", type_=memberships.c.end_day.type),
    )
    .values(end_day=bindparam("new_end", type_=memberships.c.end_day.type))
)
_DROP_EMPTY = delete(memberships).where(
    among(memberships.c.id, "ids"),
    memberships.c.begin_day >= memberships.c.end_day,
)


class SqlGroups:
    """The repository of groups."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def find(self, group_id: int) -> Group | None:
        row = self._desk.execute(_FIND, {"group_id": group_id}).first()
        return None if row is None else Group(*row)

    def reaches(self, scope: Scope, group_id: int) -> bool:
        values = {**scope_values(scope), "group_id": group_id}
        return self._desk.execute(_reaches(scope.reach), values).first() is not None

    def list(self, scope: Scope, part: Slice) -> list[Group]:
        values = {
            **scope_values(scope),
            "after": part.after[0] if part.after else 0,
            "most": part.limit,
        }
        return self._desk.execute(_list(scope.reach), values).build(Group)

    def lineage(self, group_id: int) -> Sequence[int]:
        return [*self._desk.execute(_LINEAGE, {"group_id": group_id}).scalars()]

    def add(self, new: NewGroup) -> Group:
        group = Group(0, new.name, new.kind, new.parent, new.code, new.term)
        with translated(missing=_missing()):
            group.id = self._desk.insert(_ADD, {**_values(group), "archived": False})
        return group

    def save(self, group: Group) -> None:
        with translated(missing=_missing()):
            result = self._desk.execute(_SAVE, {"group_id": group.id, **_values(group)})
        self._desk.revised |= {"days", "people"}
        if result.rowcount == 0:
            raise _not_found(group.id)

    def archive(self, group_id: int) -> None:
        if self._desk.execute(_HAS_CHILDREN, {"group_id": group_id}).scalar():
            raise Conflict(f"groups hang under group {group_id}", code="group_has_children")
        if self._desk.execute(_ARCHIVE, {"group_id": group_id}).rowcount == 0:
            raise _not_found(group_id)
        self._desk.revised |= {"days", "people"}


class SqlMemberships:
    """The repository of memberships."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def names(self, groups: Sequence[int], day: date) -> list[tuple[int, Role, UserName]]:
        values = {"group_ids": ids_text(groups), "on_day": day.toordinal()}
        rows = self._desk.execute(_NAMES, values).all()
        return [(row[0], row[1], UserName(*row[2:])) for row in rows]

    def members(self, group_id: int, day: date) -> list[Member]:
        values = {"group_id": group_id, "on_day": day.toordinal()}
        return self._desk.execute(_MEMBERS, values).build(Member)

    def find(self, group_id: int, user_id: int, role: Role, day: date) -> Membership | None:
        values = {
            "group_id": group_id,
            "user_id": user_id,
            "held_role": role,
            "on_day": day.toordinal(),
        }
        row = self._desk.execute(_FIND_MEMBERSHIP, values).first()
        return None if row is None else Membership(*row)

    def of_source(self, source: str, day: date) -> list[Membership]:
        values = {"from_source": source, "on_day": day.toordinal()}
        return self._desk.execute(_OF_SOURCE, values).build(Membership)

    def add(self, rows: Sequence[Membership]) -> None:
        if not rows:
            return
        self._check_overlaps(rows)
        values = [
            {
                "group_id": row.group,
                "user_id": row.user,
                "role": row.role,
                "begin_day": row.begin,
                "end_day": row.end,
                "source": row.source,
            }
            for row in rows
        ]
        with translated(missing=Conflict("the group or the user is not there")):
            self._desk.execute_many(_ADD_MEMBERSHIP, values)
        self._desk.revised |= {"days", "people"}

    def end(self, membership_ids: Sequence[int], day: date) -> None:
        if membership_ids:
            self._desk.revised |= {"days", "people"}
            ids = ids_text(membership_ids)
            self._desk.execute(_END, {"ids": ids, "new_end": day})
            self._desk.execute(_DROP_EMPTY, {"ids": ids})

    def _check_overlaps(self, rows: Sequence[Membership]) -> None:
        known: dict[tuple[int, int, str], list[tuple[int, int]]] = {}
        users_of = ids_text(sorted({row.user for row in rows}))
        for *key, begin, end in self._desk.execute(_INTERVALS, {"user_ids": users_of}).all():
            known.setdefault((key[0], key[1], str(key[2])), []).append((begin, end))
        for row in rows:
            begin = row.begin.toordinal()
            end = OPEN_END if row.end is None else row.end.toordinal()
            taken = known.setdefault((row.group, row.user, str(row.role)), [])
            if begin >= end or any(begin < e and b < end for b, e in taken):
                text = f"user {row.user} already is {row.role} in group {row.group} on these days"
                raise Conflict(text, code="membership_overlaps")
            taken.append((begin, end))


_INTERVALS = select(
    memberships.c.group_id,
    memberships.c.user_id,
    memberships.c.role,
    type_coerce(memberships.c.begin_day, Integer),
    type_coerce(memberships.c.end_day, Integer),
).where(among(memberships.c.user_id, "user_ids"))


@cache
def _reaches(reach: Reach) -> Any:
    return select(groups.c.id).where(
        groups.c.id == _GROUP, groups.c.archived == false(), groups_within(reach, groups.c.id)
    )


@cache
def _list(reach: Reach) -> Any:
    return (
        select(*_COLUMNS)
        .where(
            groups.c.id > bindparam("after", type_=Integer),
            groups.c.archived == false(),
            groups_within(reach, groups.c.id),
        )
        .order_by(groups.c.id)
        .limit(bindparam("most", type_=Integer))
    )


def _values(group: Group) -> dict[str, Any]:
    return {
        "name": group.name,
        "kind": group.kind,
        "parent_id": group.parent,
        "code": group.code,
        "term_id": group.term,
    }


def _missing() -> Conflict:
    return Conflict("the parent or the term is not there", code="reference_missing")


def _not_found(group_id: int) -> NotFound:
    return NotFound(f"there is no group {group_id}", code="group_not_found")

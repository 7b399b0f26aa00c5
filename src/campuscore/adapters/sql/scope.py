"""Scopes as SQL: the same predicates for lists and for single objects.

Each predicate is built once for a reach; whose reach, and on which day, are parameters.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    and_,
    bindparam,
    exists,
    false,
    literal,
    or_,
    select,
    true,
)

from campuscore.adapters.sql.tables import groups, guardianships, memberships
from campuscore.domain.access import Reach, Scope
from campuscore.domain.users import Role

__all__ = ["covers", "groups_within", "people_of_group", "people_within", "scope_values", "wards"]

_ME = bindparam("scope_user", type_=Integer)
_TODAY = bindparam("scope_today", type_=Integer)


def scope_values(scope: Scope) -> dict[str, Any]:
    """Return the parameters of a scope's predicates."""
    return {"scope_user": scope.user, "scope_today": scope.today.toordinal()}


def wards(*columns: Any) -> Any:
    """Select columns and the id of each ward."""
    return select(*columns, guardianships.c.student_id).where(guardianships.c.guardian_id == _ME)


def covers(day: Any, table: Any = memberships) -> ColumnElement[bool]:
    """Say that a membership holds on a day, given as an ordinal or a column of ordinals."""
    return and_(
        table.c.begin_day.op("<=", is_comparison=True)(day),
        table.c.end_day.op(">", is_comparison=True)(day),
    )


@cache
def people_within(reach: Reach, user: Any, day: Any) -> ColumnElement[bool]:
    """Say that what belongs to a user on a day is within reach."""
    if Reach.ALL in reach:
        return true()
    parts: list[ColumnElement[bool]] = []
    if Reach.SELF in reach:
        parts.append(user == _ME)
    theirs = memberships.alias()
    if reach.leading_roles:
        led = _led(reach)
        found = exists().where(
            theirs.c.user_id == user,
            theirs.c.role == literal(str(Role.STUDENT)),
            covers(day, theirs),
            theirs.c.group_id.in_(select(led.c.id)),
        )
        parts.append(found)
    if Reach.WARD in reach:
        parts.append(user.in_(wards()))
    if Reach.FELLOW in reach:
        mine = memberships.alias()
        shared = theirs.join(mine, theirs.c.group_id == mine.c.group_id).join(
            groups, groups.c.id == mine.c.group_id
        )
        found = (
            exists()
            .select_from(shared)
            .where(
                theirs.c.user_id == user,
                covers(day, theirs),
                mine.c.user_id == _ME,
                covers(_TODAY, mine),
                groups.c.archived == false(),
            )
        )
        parts.append(found)
    return or_(*parts) if parts else false()


@cache
def groups_within(reach: Reach, group: Any) -> ColumnElement[bool]:
    """Say that what belongs to a group is within reach."""
    if Reach.ALL in reach:
        return true()
    parts: list[ColumnElement[bool]] = []
    if reach.leading_roles:
        parts.append(group.in_(select(_led(reach).c.id)))
    if Reach.WARD in reach:
        theirs = memberships.alias()
        parts.append(
            exists().where(
                theirs.c.group_id == group, theirs.c.user_id.in_(wards()), covers(_TODAY, theirs)
            )
        )
    if Reach.FELLOW in reach:
        mine = memberships.alias()
        parts.append(
            exists().where(mine.c.group_id == group, mine.c.user_id == _ME, covers(_TODAY, mine))
        )
    return or_(*parts) if parts else false()


def people_of_group(user: Any, day: Any) -> ColumnElement[bool]:
    """Say that a user was, on a day, in the group ``of_group`` or in one below it.

    The first part lets the database begin with the few members instead of with all days.
    """
    top = select(groups.c.id).where(groups.c.id == bindparam("of_group", type_=Integer))
    tree = top.cte("tree", recursive=True)
    tree = tree.union(select(groups.c.id).join(tree, groups.c.parent_id == tree.c.id))
    within = memberships.c.group_id.in_(select(tree.c.id))
    return and_(
        user.in_(select(memberships.c.user_id).where(within)),
        exists().where(within, memberships.c.user_id == user, covers(day)),
    )


def _led(reach: Reach) -> CTE:
    """Return the groups where one holds a leading role today, and all groups below them."""
    roles = [literal(str(role)) for role in reach.leading_roles]
    top = (
        select(memberships.c.group_id.label("id"))
        .join(groups, groups.c.id == memberships.c.group_id)
        .where(
            memberships.c.user_id == _ME,
            memberships.c.role.in_(roles),
            covers(_TODAY),
            groups.c.archived == false(),
        )
        .cte("led", recursive=True)
    )
    below = select(groups.c.id).join(top, groups.c.parent_id == top.c.id)
    return top.union(below.where(groups.c.archived == false()))

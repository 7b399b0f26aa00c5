"""Users in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import Integer, String, bindparam, insert, select, update

from campuscore.adapters.sql.desk import Answer, Desk
from campuscore.adapters.sql.dialects import among, ids_text
from campuscore.adapters.sql.scope import people_within, scope_values
from campuscore.adapters.sql.tables import users
from campuscore.adapters.sql.trouble import translated
from campuscore.domain.access import Reach, Scope
from campuscore.domain.paging import Slice
from campuscore.domain.users import NewUser, User, UserName, UserQuery, username_key
from campuscore.errors import Conflict, NotFound

__all__ = ["SqlUsers"]

_WHOLE = tuple(users.c)[:9]
_NAME = tuple(users.c)[:5]

_FIND = select(*_WHOLE).where(users.c.id == bindparam("user_id"))
_FIND_NAMED = select(*_WHOLE).where(among(users.c.username_key, "keys")).order_by(users.c.id)
_ADD = insert(users)
_SAVE = update(users).where(users.c.id == bindparam("user_id"))
_DAY = bindparam("on_day", type_=Integer)


class SqlUsers:
    """The repository of users."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def find(self, user_id: int) -> User | None:
        row = self._desk.execute(_FIND, {"user_id": user_id}).first()
        return None if row is None else User(*row)

    def find_named(self, usernames: Sequence[str]) -> list[User]:
        values = {"keys": ids_text(sorted({username_key(name) for name in usernames}))}
        return self._desk.execute(_FIND_NAMED, values).build(User)

    def reached(self, scope: Scope, user_ids: Sequence[int], day: date) -> set[int]:
        values = {
            **scope_values(scope),
            "on_day": day.toordinal(),
            "ids": ids_text(user_ids),
        }
        return set(self._desk.execute(_reached(scope.reach), values).scalars())

    def names(self, scope: Scope, query: UserQuery, part: Slice) -> list[UserName]:
        return self._answer(_NAME, scope, query, part).build(UserName)

    def list(self, scope: Scope, query: UserQuery, part: Slice) -> list[User]:
        return self._answer(_WHOLE, scope, query, part).build(User)

    def add(self, new: NewUser, created_at: datetime) -> User:
        user = User(
            0,
            new.username,
            new.first_name,
            new.last_name,
            new.role,
            new.email,
            new.locale,
            active=True,
            created_at=created_at,
        )
        with translated(taken=_taken(new.username)):
            user.id = self._desk.insert(_ADD, {**_values(user), "security_version": 1})
        return user

    def save(self, user: User) -> None:
        with translated(taken=_taken(user.username)):
            result = self._desk.execute(_SAVE, {"user_id": user.id, **_values(user)})
        if result.rowcount == 0:
            raise NotFound(f"there is no user {user.id}", code="user_not_found")
        self._desk.revised |= {"days", "people"}

    def _answer(self, columns: Any, scope: Scope, query: UserQuery, part: Slice) -> Answer:
        statement = _list(
            columns,
            scope.reach,
            query.active is not None,
            query.role is not None,
            bool(query.search),
        )
        pattern = (
            username_key(query.search).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        )
        values = {
            **scope_values(scope),
            "on_day": scope.today.toordinal(),
            "active": query.active,
            "wanted_role": query.role,
            "pattern": f"%{pattern}%",
            "after": part.after[0] if part.after else 0,
            "most": part.limit,
        }
        return self._desk.execute(statement, values)


@cache
def _reached(reach: Reach) -> Any:
    return select(users.c.id).where(
        among(users.c.id, "ids"), people_within(reach, users.c.id, _DAY)
    )


@cache
def _list(columns: Any, reach: Reach, active: bool, role: bool, search: bool) -> Any:  # noqa: FBT001
    statement = (
        select(*columns)
        .where(
            users.c.id > bindparam("after", type_=Integer), people_within(reach, users.c.id, _DAY)
        )
        .order_by(users.c.id)
        .limit(bindparam("most", type_=Integer))
    )
    if active:
        statement = statement.where(users.c.active == bindparam("active"))
    if role:
        statement = statement.where(users.c.role == bindparam("wanted_role"))
    if search:
        wanted = bindparam("pattern", type_=String)
        statement = statement.where(users.c.search_key.like(wanted, escape="\\"))
    return statement


def _values(user: User) -> dict[str, Any]:
    return {
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "role": user.role,
        "email": user.email,
        "locale": user.locale,
        "active": user.active,
        "created_at": user.created_at,
        "username_key": username_key(user.username),
        "search_key": username_key(f"{user.username}\n{user.first_name}\n{user.last_name}"),
    }


def _taken(username: str) -> Conflict:
    return Conflict(f"the username {username!r} is taken", code="username_taken")

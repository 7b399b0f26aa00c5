"""Users in memory."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from datetime import date, datetime

from attrs import frozen

from campuscore.adapters.memory.access import see
from campuscore.adapters.memory.store import Tables
from campuscore.domain.access import Scope
from campuscore.domain.paging import Slice
from campuscore.domain.users import NewUser, User, UserName, UserQuery, username_key
from campuscore.errors import Conflict

__all__ = ["MemoryUsers"]


@frozen
class MemoryUsers:
    """The port ``Users``."""

    tables: Tables

    def find(self, user_id: int) -> User | None:
        return self.tables.users.find(user_id)

    def find_named(self, usernames: Sequence[str]) -> list[User]:
        keys = {username_key(name) for name in usernames}
        found = [copy(row) for key in keys for row in self.tables.users.having(key)]
        return sorted(found, key=lambda row: row.id)

    def reached(self, scope: Scope, user_ids: Sequence[int], day: date) -> set[int]:
        sight = see(self.tables, scope)
        known = self.tables.users.rows
        return {each for each in user_ids if each in known and sight.covers_person(each, day)}

    def names(self, scope: Scope, query: UserQuery, part: Slice) -> list[UserName]:
        rows = self.list(scope, query, part)
        return [UserName(r.id, r.username, r.first_name, r.last_name, r.role) for r in rows]

    def add(self, new: NewUser, created_at: datetime) -> User:
        self._require_free(new.username, None)
        user = User(
            self.tables.users.next_id(),
            new.username,
            new.first_name,
            new.last_name,
            new.role,
            new.email,
            new.locale,
            active=True,
            created_at=created_at,
        )
        self.tables.users.put(user.id, user)
        return user

    def save(self, user: User) -> None:
        self.tables.require_user(user.id)
        self._require_free(user.username, user.id)
        self.tables.users.put(user.id, user)

    def _require_free(self, username: str, user_id: int | None) -> None:
        if any(row.id != user_id for row in self.tables.users.having(username_key(username))):
            raise Conflict(f"the username {username!r} is taken", code="username_taken")

    def list(self, scope: Scope, query: UserQuery, part: Slice) -> list[User]:
        sight = see(self.tables, scope)
        after = part.after[0] if part.after else 0
        found = [
            copy(row)
            for key, row in sorted(self.tables.users.rows.items())
            if key > after and _matches(row, query) and sight.covers_person(key, scope.today)
        ]
        return found[: part.limit]


def _matches(row: User, query: UserQuery) -> bool:
    if query.active is not None and row.active is not query.active:
        return False
    if query.role is not None and row.role is not query.role:
        return False
    part = username_key(query.search)
    return any(part in username_key(t) for t in (row.username, row.first_name, row.last_name))

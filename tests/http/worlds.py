"""People and groups of a campus, to call it as."""

from __future__ import annotations

from datetime import date
from itertools import count

from attrs import define, field

from campuscore import NewUser, Role
from campuscore.bootstrap import Campus
from campuscore.domain.auth import NewApiToken
from campuscore.domain.groups import Membership, NewGroup

from .client import Client

__all__ = ["LONG_AGO", "People", "World", "mint"]

LONG_AGO = date(2024, 1, 1)
_NUMBERS = count(1)


def mint(campus: Campus, user_id: int) -> str:
    return campus.auth.tokens.mint(campus.operator, NewApiToken(name="test"), user_id).token


@define
class People:
    """Users and groups, by what they are called in a test; on the campus their names are new."""

    campus: Campus
    number: int = field(factory=lambda: next(_NUMBERS))
    users: dict[str, int] = field(factory=dict)
    groups: dict[str, int] = field(factory=dict)

    def name(self, who: str) -> str:
        return f"{who}.{self.number}"

    def add(self, who: str, role: Role = Role.STUDENT, **fields: str) -> int:
        new = NewUser(
            username=self.name(who),
            role=role,
            first_name=fields.pop("first_name", who.title()),
            last_name=f"Of{self.number}",
            **fields,
        )
        self.users[who] = self.campus.users.create(self.campus.operator, new).id
        return self.users[who]

    def group(self, name: str, parent: str | None = None) -> int:
        above = self.groups[parent] if parent else None
        new = NewGroup(name=self.name(name), parent=above)
        self.groups[name] = self.campus.groups.create(self.campus.operator, new).id
        return self.groups[name]

    def join(self, group: str, who: str, role: Role, begin: date = LONG_AGO) -> None:
        row = Membership(0, self.groups[group], self.users[who], role, begin, None, "manual")
        with self.campus.groups.store.write() as work:
            work.memberships.add([row])
            work.commit()


@define
class World(People):
    """People who call a server."""

    anybody: Client = field(kw_only=True)

    def client(self, who: str) -> Client:
        return self.anybody.bearer(mint(self.campus, self.users[who]))

"""A campus with two sides, and somebody who calls it and is never shut out."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from attrs import define, field

from campuscore import NewUser, Role, Settings, UserChange, open_campus
from campuscore.bootstrap import Campus
from campuscore.errors import Unauthenticated

from .sides import FAR, PASSWORD, Side

__all__ = ["PEOPLE", "Caller", "Stage", "open_stage"]

PEOPLE: Final = {
    "administrator": (),
    "teacher": ("own",),
    "student": ("own", "directory"),
    "nobody": ("own", "directory", "house"),
}
"""Who calls, and which texts of the far side nobody tells them."""

_ADMIN: Final = "administrator"
_UNKNOWN: Final = "brisk walnut harbour 58"
"""The password of the far side, which is in no request."""


@define
class Caller:
    """A user with a session; what a request did to it is undone before the next one."""

    campus: Campus
    user: int
    username: str
    role: Role
    access: str = field(default="", repr=False)

    def token(self) -> str:
        """Return an access token that counts."""
        users, operator = self.campus.users, self.campus.operator
        found = users.get(operator, self.user)
        if (found.username, found.role, found.active) != (self.username, self.role, True):
            change = UserChange(username=self.username, role=self.role, active=True)
            users.update(operator, self.user, change)
        try:
            self.campus.auth.authenticate(self.access)
        except Unauthenticated:
            users.set_password(operator, self.user, PASSWORD)
            self.access = self.campus.auth.login(self.username, PASSWORD).access
        return self.access

    @property
    def session(self) -> int:
        """The session of the token."""
        return self.campus.auth.authenticate(self.token()).session_id or 0


@define
class Stage:
    """Two sides of a campus, and who calls; ``caller`` is None where nobody is logged in."""

    campus: Campus
    person: str
    near: Side = field(init=False)
    far: Side = field(init=False)
    caller: Caller | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        """Begin with the administrator, who stays."""
        if self.person == _ADMIN:
            new = NewUser(username=_ADMIN, role=Role.ADMIN, password=PASSWORD)
            user = self.campus.users.create(self.campus.operator, new)
            self.caller = Caller(self.campus, user.id, _ADMIN, user.role)
        self.renew()

    def renew(self) -> None:
        """Make new sides, and with them a new caller: nobody has been given rights over them."""
        known = ("student", "teacher") if self.person == "teacher" else ("student",)
        self.near = near = Side(self.campus, mark="plain", with_password=known)
        self.far = Side(self.campus, mark=FAR, password=_UNKNOWN)
        if self.person in near.users:
            name, user = near.name(self.person), near.users[self.person]
            access = near.logins[self.person].access
            self.caller = Caller(self.campus, user, name, Role(self.person), access)


def open_stage(person: str, home: Path) -> Stage:
    """Return a new campus with two sides; close its campus."""
    settings = Settings(
        home=str(home),
        blob_url="memory://",
        sqlite_synchronous="normal",
        login_throttle=False,  # thousands of passwords are tried from one address
    )
    return Stage(open_campus(settings), person)

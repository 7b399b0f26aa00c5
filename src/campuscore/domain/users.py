"""Users: who acts or is recorded."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from enum import StrEnum

from attrs import define, field, frozen

from campuscore.domain.checks import check_kind, check_text, member_of
from campuscore.domain.unset import UNSET, Unset, given
from campuscore.errors import Invalid, Problem

__all__ = ["NewUser", "Role", "User", "UserChange", "UserName", "UserQuery", "username_key"]


class Role(StrEnum):
    """A named bundle of rights."""

    STUDENT = "student"
    TEACHER = "teacher"
    ASSISTANT = "assistant"
    GUARDIAN = "guardian"
    ADMIN = "admin"
    DEVICE = "device"


def _role(value: Role | str) -> Role:
    return member_of(Role, value, "/role")


def _role_if_given(value: Role | str | Unset) -> Role | Unset:
    return value if isinstance(value, Unset) else _role(value)


def _role_or_none(value: Role | str | None) -> Role | None:
    return None if value is None else _role(value)


@define
class User:
    """An identity that acts or is recorded, human or device; never a password."""

    id: int
    username: str
    first_name: str
    last_name: str
    role: Role
    email: str
    locale: str
    active: bool
    created_at: datetime

    @property
    def full_name(self) -> str:
        """The name as sheets show it: last name first."""
        return f"{self.last_name} {self.first_name}".strip(" ")


@define
class UserName:
    """What a directory shows of a user."""

    id: int
    username: str
    first_name: str
    last_name: str
    role: Role


@frozen(kw_only=True)
class NewUser:
    """A user to create; without a password nobody can log in as them until one is set."""

    username: str
    first_name: str = ""
    last_name: str = ""
    role: Role = field(default=Role.STUDENT, converter=_role)
    email: str = ""
    locale: str = ""
    password: str | None = field(default=None, repr=False)

    def check(self) -> None:
        """Raise Invalid with every field that breaks a rule."""
        _check_fields(self.username, self.first_name, self.last_name, self.email, self.locale)


@frozen(kw_only=True)
class UserChange:
    """What to change of a user; what is not given stays as it is."""

    username: str | Unset = UNSET
    first_name: str | Unset = UNSET
    last_name: str | Unset = UNSET
    role: Role | Unset = field(default=UNSET, converter=_role_if_given)
    email: str | Unset = UNSET
    locale: str | Unset = UNSET
    active: bool | Unset = UNSET
    password: str | Unset | None = field(default=UNSET, repr=False)

    def check(self) -> None:
        """Raise Invalid with every field that breaks a rule."""
        _check_fields(
            given(self.username, "x"),
            given(self.first_name, ""),
            given(self.last_name, ""),
            given(self.email, ""),
            given(self.locale, ""),
        )


@frozen(kw_only=True)
class UserQuery:
    """Which users to list: ``active`` is None for all; ``search`` finds part of a name."""

    active: bool | None = True
    role: Role | None = field(default=None, converter=_role_or_none)
    search: str = ""


def username_key(username: str) -> str:
    """Fold a username so that names that differ in case or composition are one.

    >>> username_key("ALICE") == username_key("alice")
    True
    """
    check_kind(username, str, "/username")
    return unicodedata.normalize("NFKC", username).casefold()


def _check_fields(username: str, first: str, last: str, email: str, locale: str) -> None:
    """Gather every broken rule of the text fields of a user."""
    problems = [*_check_username(username)]
    for path, value in (("/first_name", first), ("/last_name", last)):
        problems += check_text(path, value, 150)
    if email:
        problems += check_text("/email", email, 254)
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
            problems.append(Problem("/email", "is not an e-mail address"))
    if locale and not re.fullmatch(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*", locale):
        problems.append(Problem("/locale", "is not a language tag (BCP 47), such as en or ru-RU"))
    if problems:
        raise Invalid(*problems)


def _check_username(username: str) -> list[Problem]:
    if not username:
        return [Problem("/username", "must not be empty")]
    if username != username.strip() or any(ch.isspace() for ch in username):
        return [Problem("/username", "must not contain white space")]
    problems = check_text("/username", username, 150)
    if not problems and not username.isprintable():
        return [Problem("/username", "contains a character that cannot be seen")]
    return problems

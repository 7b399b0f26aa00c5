"""Users: who acts or is recorded."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from enum import StrEnum

from attrs import define, frozen

from campuscore.domain.unset import UNSET, Unset, given
from campuscore.errors import Invalid, Problem

__all__ = ["NewUser", "Role", "User", "UserChange", "UserName", "UserQuery", "username_key"]

_FORBIDDEN_IN_NAMES = re.compile(r"[\x00-\x1f\x7f]")


class Role(StrEnum):
    """A named bundle of rights."""

    STUDENT = "student"
    TEACHER = "teacher"
    ASSISTANT = "assistant"
    GUARDIAN = "guardian"
    ADMIN = "admin"
    DEVICE = "device"


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
    role: Role = Role.STUDENT
    email: str = ""
    locale: str = ""
    password: str | None = None

    def check(self) -> None:
        """Raise Invalid with every field that breaks a rule."""
        _check_fields(self.username, self.first_name, self.last_name, self.email, self.locale)


@frozen(kw_only=True)
class UserChange:
    """What to change of a user; what is not given stays as it is."""

    username: str | Unset = UNSET
    first_name: str | Unset = UNSET
    last_name: str | Unset = UNSET
    role: Role | Unset = UNSET
    email: str | Unset = UNSET
    locale: str | Unset = UNSET
    active: bool | Unset = UNSET
    password: str | Unset | None = UNSET

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
    role: Role | None = None
    search: str = ""


def username_key(username: str) -> str:
    """Fold a username so that names that differ in case or composition are one.

    >>> username_key("ALICE") == username_key("alice")
    True
    """
    return unicodedata.normalize("NFKC", username).casefold()


def _check_fields(username: str, first: str, last: str, email: str, locale: str) -> None:
    """Gather every broken rule of the text fields of a user."""
    problems = [*_check_username(username)]
    for path, value in (("/first_name", first), ("/last_name", last)):
        problems += _check_text(path, value, 150)
    if email:
        problems += _check_text("/email", email, 254)
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
    return _check_text("/username", username, 150)


def _check_text(path: str, value: str, longest: int) -> list[Problem]:
    if len(value) > longest:
        return [Problem(path, f"is longer than {longest} characters")]
    if _FORBIDDEN_IN_NAMES.search(value):
        return [Problem(path, "contains a control character")]
    return _check_unicode(path, value)


def _check_unicode(path: str, value: str) -> list[Problem]:
    if any("\ud800" <= ch <= "\udfff" for ch in value):
        return [Problem(path, "contains half of a surrogate pair")]
    return []

"""Groups, and who belonged to them when."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from attrs import define, field, frozen

from campuscore.domain.checks import check_text, member_of
from campuscore.domain.unset import UNSET, Unset, given
from campuscore.domain.users import Role, UserName
from campuscore.errors import Invalid, Problem

__all__ = [
    "MEMBER_ROLES",
    "Group",
    "GroupChange",
    "GroupKind",
    "GroupView",
    "Member",
    "Membership",
    "NewGroup",
]

MEMBER_ROLES = frozenset({Role.STUDENT, Role.TEACHER, Role.ASSISTANT})
"""The roles a user can hold in a group."""


class GroupKind(StrEnum):
    """What a group stands for."""

    ORGANISATION = "organisation"
    SCHOOL = "school"
    COLLEGE = "college"
    DEPARTMENT = "department"
    COURSE = "course"
    CLASS = "class"
    LAB = "lab"
    COHORT = "cohort"
    TEAM = "team"
    PROJECT = "project"


def _kind(value: GroupKind | str) -> GroupKind:
    return member_of(GroupKind, value, "/kind")


def _kind_if_given(value: GroupKind | str | Unset) -> GroupKind | Unset:
    return value if isinstance(value, Unset) else _kind(value)


@define
class Group:
    """A set of members, which may hang under another group."""

    id: int
    name: str
    kind: GroupKind
    parent: int | None
    code: str
    term: int | None


@define
class GroupView:
    """A group with the names of those who teach and study in it today."""

    id: int
    name: str
    teachers: list[UserName]
    students: list[UserName]
    kind: GroupKind
    parent: int | None
    code: str
    term: int | None


@define
class Membership:
    """A user in a group with a role, on the days of the half-open interval [begin, end)."""

    id: int
    group: int
    user: int
    role: Role
    begin: date
    end: date | None
    source: str

    def covers(self, day: date) -> bool:
        """Say whether the membership holds on a local day."""
        return self.begin <= day and (self.end is None or day < self.end)


@define
class Member:
    """A membership as lists show it: the person, the role in the group, and the days."""

    id: int
    username: str
    first_name: str
    last_name: str
    role: Role
    begin: date
    end: date | None


@frozen(kw_only=True)
class NewGroup:
    """A group to create."""

    name: str
    kind: GroupKind = field(default=GroupKind.CLASS, converter=_kind)
    parent: int | None = None
    code: str = ""
    term: int | None = None

    def check(self) -> None:
        """Raise Invalid with every field that breaks a rule."""
        _check_fields(self.name, self.code)


@frozen(kw_only=True)
class GroupChange:
    """What to change of a group; what is not given stays as it is, None clears."""

    name: str | Unset = UNSET
    kind: GroupKind | Unset = field(default=UNSET, converter=_kind_if_given)
    parent: int | Unset | None = UNSET
    code: str | Unset = UNSET
    term: int | Unset | None = UNSET

    def check(self) -> None:
        """Raise Invalid with every field that breaks a rule."""
        _check_fields(given(self.name, "x"), given(self.code, ""))


def _check_fields(name: str, code: str) -> None:
    problems: list[Problem] = []
    if not name.strip():
        problems.append(Problem("/name", "must not be empty"))
    problems += [*check_text("/name", name, 200), *check_text("/code", code, 64)]
    if problems:
        raise Invalid(*problems)

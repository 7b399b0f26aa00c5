"""A small faculty, and who in it reaches whom: one table for every contract with a scope.

faculty > course > lab, and beside them ``other`` and ``closed``, which is archived.
"""

from __future__ import annotations

from datetime import date

from attrs import frozen

from campuscore.domain.access import Reach, Scope
from campuscore.domain.users import Role
from campuscore.ports.work import Work, WorkFactory
from campuscore.testing.contract import (
    MONDAY,
    NOON,
    TODAY,
    TOMORROW,
    YESTERDAY,
    add_group,
    add_user,
    join,
)

__all__ = ["GROUP_CASES", "PERSON_CASES", "Faculty", "GroupCase", "PersonCase", "found_faculty"]

_TEACHER, _ASSISTANT, _STUDENT = Role.TEACHER, Role.ASSISTANT, Role.STUDENT
_TAUGHT = frozenset({"student", "classmate"})
_EVERYBODY = _TAUGHT | {
    "teacher",
    "assistant",
    "former",
    "later",
    "retired",
    "stranger",
    "ghost",
    "guardian",
}


@frozen
class Faculty:
    """The ids of users and groups by name."""

    users: dict[str, int]
    groups: dict[str, int]

    def scope(self, reach: Reach, principal: str) -> Scope:
        """Return the scope of one of the users today."""
        return Scope(reach, self.users[principal], TODAY)

    def user_names(self, ids: set[int]) -> set[str]:
        """Return the names of users."""
        return {name for name, key in self.users.items() if key in ids}

    def group_names(self, ids: set[int]) -> set[str]:
        """Return the names of groups."""
        return {name for name, key in self.groups.items() if key in ids}


@frozen
class PersonCase:
    """Whom a principal reaches today, looking at what happened on a day."""

    principal: str
    reach: Reach
    day: date
    reached: frozenset[str]

    @property
    def label(self) -> str:
        """The case in words."""
        return f"{self.principal}-{self.reach}-{self.day}"


@frozen
class GroupCase:
    """Which groups a principal reaches today."""

    principal: str
    reach: Reach
    reached: frozenset[str]

    @property
    def label(self) -> str:
        """The case in words."""
        return f"{self.principal}-{self.reach}"


PERSON_CASES = [
    PersonCase("student", Reach.NONE, TODAY, frozenset()),
    PersonCase("student", Reach.SELF, TODAY, frozenset({"student"})),
    PersonCase("student", Reach.FELLOW, TODAY, frozenset({"student", "classmate"})),
    PersonCase("student", Reach.FELLOW, YESTERDAY, frozenset({"student", "classmate", "former"})),
    PersonCase("student", Reach.TAUGHT | Reach.ASSISTED, TODAY, frozenset()),
    PersonCase("former", Reach.FELLOW, YESTERDAY, frozenset()),
    PersonCase("stranger", Reach.FELLOW, TODAY, frozenset({"stranger"})),
    PersonCase("stranger", Reach.SELF | Reach.FELLOW, MONDAY, frozenset({"stranger"})),
    PersonCase("teacher", Reach.TAUGHT, TODAY, _TAUGHT),
    PersonCase("teacher", Reach.TAUGHT, YESTERDAY, _TAUGHT | {"former"}),
    PersonCase("teacher", Reach.TAUGHT, TOMORROW, _TAUGHT | {"later"}),
    PersonCase("teacher", Reach.ASSISTED, TODAY, frozenset()),
    PersonCase("teacher", Reach.FELLOW, TODAY, frozenset({"teacher", "assistant"})),
    PersonCase("assistant", Reach.ASSISTED, TODAY, _TAUGHT),
    PersonCase("assistant", Reach.TAUGHT, TODAY, frozenset()),
    PersonCase("retired", Reach.TAUGHT, YESTERDAY, frozenset()),
    PersonCase("retired", Reach.SELF | Reach.TAUGHT, TODAY, frozenset({"retired"})),
    PersonCase("guardian", Reach.WARD, TODAY, frozenset({"student", "stranger"})),
    PersonCase("guardian", Reach.WARD, MONDAY, frozenset({"student", "stranger"})),
    PersonCase("guardian", Reach.SELF | Reach.FELLOW, TODAY, frozenset({"guardian"})),
    PersonCase("student", Reach.WARD, TODAY, frozenset()),
    PersonCase("stranger", Reach.ALL, TODAY, _EVERYBODY),
]

GROUP_CASES = [
    GroupCase("student", Reach.NONE, frozenset()),
    GroupCase("student", Reach.SELF, frozenset()),
    GroupCase("student", Reach.FELLOW, frozenset({"lab"})),
    GroupCase("former", Reach.FELLOW, frozenset()),
    GroupCase("later", Reach.FELLOW, frozenset()),
    GroupCase("teacher", Reach.FELLOW, frozenset({"course"})),
    GroupCase("teacher", Reach.TAUGHT, frozenset({"course", "lab"})),
    GroupCase("teacher", Reach.ASSISTED, frozenset()),
    GroupCase("assistant", Reach.ASSISTED, frozenset({"course", "lab"})),
    GroupCase("assistant", Reach.TAUGHT | Reach.FELLOW, frozenset({"course"})),
    GroupCase("retired", Reach.TAUGHT, frozenset()),
    GroupCase("guardian", Reach.WARD, frozenset({"lab", "other"})),
    GroupCase("guardian", Reach.SELF | Reach.FELLOW, frozenset()),
    GroupCase("stranger", Reach.ALL, frozenset({"faculty", "course", "lab", "other"})),
]


def found_faculty(store: WorkFactory) -> Faculty:
    """Fill an empty store with the faculty."""
    with store.write() as work:
        faculty = Faculty({}, _add_groups(work))
        for name in sorted(_EVERYBODY):
            faculty.users[name] = add_user(work, name)
        _join_all(work, faculty)
        for ward in ("student", "stranger"):
            work.guardians.add(faculty.users["guardian"], faculty.users[ward], NOON)
        work.groups.archive(faculty.groups["closed"])
        work.commit()
    return faculty


def _add_groups(work: Work) -> dict[str, int]:
    top = add_group(work, "faculty")
    course = add_group(work, "course", top)
    return {
        "faculty": top,
        "course": course,
        "lab": add_group(work, "lab", course),
        "other": add_group(work, "other"),
        "closed": add_group(work, "closed"),
    }


def _join_all(work: Work, faculty: Faculty) -> None:
    rows: list[tuple[str, str, Role, date, date | None]] = [
        ("course", "teacher", _TEACHER, MONDAY, None),
        ("course", "retired", _TEACHER, MONDAY, TODAY),
        ("course", "assistant", _ASSISTANT, MONDAY, None),
        ("lab", "student", _STUDENT, MONDAY, None),
        ("lab", "classmate", _STUDENT, MONDAY, None),
        ("lab", "former", _STUDENT, MONDAY, TODAY),
        ("lab", "later", _STUDENT, TOMORROW, None),
        ("other", "stranger", _STUDENT, MONDAY, None),
        ("closed", "ghost", _STUDENT, MONDAY, None),
        ("closed", "teacher", _TEACHER, MONDAY, None),
    ]
    for group, user, role, begin, end in rows:
        join(work, faculty.groups[group], faculty.users[user], role, begin=begin, end=end)

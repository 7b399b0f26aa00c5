"""The words that rosters use for roles."""

from __future__ import annotations

from campuscore.adapters.rosters.tables import Row, fold
from campuscore.domain.users import Role

__all__ = ["role_in"]

# Staff who do not teach become assistants: on the campus that role has no rights of its own.
# Whatever administers becomes admin, which the roster's check refuses with file and line.
_WORDS = {
    Role.STUDENT: "student pupil learner",
    Role.TEACHER: "teacher professor faculty lecturer instructor adjunct coteacher leadteacher",
    Role.ASSISTANT: (
        "assistant aide ta tutor teachingassistant teacherassistant teacheraide proctor coach"
        " substitute staff counselor librarian nurse principal assistantprincipal officestaff"
        " paraprofessional specialist researcher"
    ),
    Role.GUARDIAN: "guardian parent relative",
    Role.ADMIN: (
        "admin administrator sysadmin systemadministrator siteadministrator"
        " districtadministrator itadmin"
    ),
    Role.DEVICE: "device kiosk",
}
_ROLES = {word: role for role, words in _WORDS.items() for word in words.split()}


def role_in(row: Row, field: str) -> Role | None:
    """Read a role; None where the cell is empty, or holds an unknown word, which is a fault."""
    word = row[field]
    role = _ROLES.get(fold(word))
    if word and role is None:
        known = ", ".join(sorted(Role))
        row.fault(field, f"{word!r} is not a known role, such as {known}")
    return role

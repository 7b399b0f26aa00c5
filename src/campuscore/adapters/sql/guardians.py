"""Guardians in SQL."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, delete, select

from campuscore.adapters.sql.desk import Desk
from campuscore.adapters.sql.dialects import upsert
from campuscore.adapters.sql.tables import guardianships, users
from campuscore.adapters.sql.trouble import translated
from campuscore.domain.users import UserName
from campuscore.errors import NotFound

__all__ = ["SqlGuardians"]

_NAME = (users.c.id, users.c.username, users.c.first_name, users.c.last_name, users.c.role)
_link = guardianships.c

_ADD = upsert(guardianships).on_conflict_do_nothing(index_elements=["guardian_id", "student_id"])
_REMOVE = delete(guardianships).where(
    _link.guardian_id == bindparam("guardian"), _link.student_id == bindparam("student")
)
_OF = (
    select(*_NAME)
    .join(guardianships, _link.guardian_id == users.c.id)
    .where(_link.student_id == bindparam("student"))
    .order_by(users.c.id)
)
_WARDS = (
    select(*_NAME)
    .join(guardianships, _link.student_id == users.c.id)
    .where(_link.guardian_id == bindparam("guardian"))
    .order_by(users.c.id)
)


class SqlGuardians:
    """The port ``Guardians``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add(self, guardian: int, student: int, at: datetime) -> bool:
        values = {"guardian_id": guardian, "student_id": student, "created_at": at}
        with translated(missing=NotFound("there is no such user", code="user_not_found")):
            added = self._desk.execute(_ADD, values).rowcount == 1
        self._desk.revised.add("days")
        return added

    def remove(self, guardian: int, student: int) -> bool:
        values = {"guardian": guardian, "student": student}
        self._desk.revised.add("days")  # whose days the guardian sees
        return self._desk.execute(_REMOVE, values).rowcount == 1

    def of(self, student: int) -> list[UserName]:
        return self._desk.execute(_OF, {"student": student}).build(UserName)

    def wards(self, guardian: int) -> list[UserName]:
        return self._desk.execute(_WARDS, {"guardian": guardian}).build(UserName)

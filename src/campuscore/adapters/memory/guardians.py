"""Guardians in memory."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from attrs import frozen

from campuscore.adapters.memory.store import Tables
from campuscore.domain.users import UserName

__all__ = ["MemoryGuardians"]


@frozen
class MemoryGuardians:
    """The port ``Guardians``."""

    tables: Tables

    def add(self, guardian: int, student: int, at: datetime) -> bool:
        for user in (guardian, student):
            self.tables.require_user(user)
        if (guardian, student) in self.tables.guardianships.rows:
            return False
        self.tables.guardianships.put((guardian, student), at)
        return True

    def remove(self, guardian: int, student: int) -> bool:
        known = (guardian, student) in self.tables.guardianships.rows
        self.tables.guardianships.drop((guardian, student))
        return known

    def of(self, student: int) -> list[UserName]:
        return self._names(one for one, ward in self.tables.guardianships.rows if ward == student)

    def wards(self, guardian: int) -> list[UserName]:
        return self._names(self.tables.wards_of(guardian))

    def _names(self, ids: Iterable[int]) -> list[UserName]:
        rows = [self.tables.users.rows[each] for each in sorted(ids)]
        return [UserName(r.id, r.username, r.first_name, r.last_name, r.role) for r in rows]

"""Which groups and persons a scope covers."""

from __future__ import annotations

from datetime import date

from attrs import frozen

from campuscore.adapters.memory.store import Tables
from campuscore.domain.access import Reach, Scope
from campuscore.domain.users import Role

__all__ = ["Sight", "see", "with_groups_below"]


@frozen
class Sight:
    """A scope with its groups looked up, good for as long as nothing is written."""

    tables: Tables
    scope: Scope
    shared: frozenset[int]
    led: frozenset[int]
    wards: frozenset[int]

    def covers_group(self, group_id: int) -> bool:
        """Say whether what belongs to the group is covered; nothing of an archived group is."""
        if not self.tables.has_group(group_id):
            return False
        if self.scope.everything or group_id in self.shared or group_id in self.led:
            return True
        today = self.scope.today
        return any(
            row.group == group_id
            for ward in self.wards
            for row in self.tables.groups_of(ward, today)
        )

    def covers_person(self, user_id: int, day: date) -> bool:
        """Say whether what belongs to the user on that local day is covered."""
        if self.scope.everything:
            return True
        if Reach.SELF in self.scope.reach and user_id == self.scope.user:
            return True
        if user_id in self.wards:
            return True
        return any(
            row.group in self.shared or (row.group in self.led and row.role is Role.STUDENT)
            for row in self.tables.groups_of(user_id, day)
        )


def see(tables: Tables, scope: Scope) -> Sight:
    """Look up the groups of a scope."""
    shared: set[int] = set()
    led: set[int] = set()
    leading = scope.reach.leading_roles
    for row in tables.groups_of(scope.user, scope.today):
        if not tables.has_group(row.group):
            continue
        if Reach.FELLOW in scope.reach:
            shared.add(row.group)
        if row.role in leading:
            led |= {g for g in with_groups_below(tables, row.group) if tables.has_group(g)}
    wards = tables.wards_of(scope.user) if Reach.WARD in scope.reach else ()
    return Sight(tables, scope, frozenset(shared), frozenset(led), frozenset(wards))


def with_groups_below(tables: Tables, group_id: int) -> set[int]:
    """Return a group and all groups below it, archived ones included."""
    found, fresh = {group_id}, [group_id]
    while fresh:
        below = [row.id for row in tables.groups.having(fresh.pop()) if row.id not in found]
        found.update(below)
        fresh += below
    return found

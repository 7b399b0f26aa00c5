"""Groups and memberships in memory."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from datetime import date

from attrs import evolve, frozen

from campuscore.adapters.memory.access import see
from campuscore.adapters.memory.store import Tables
from campuscore.domain.access import Scope
from campuscore.domain.groups import Group, Member, Membership, NewGroup
from campuscore.domain.paging import Slice
from campuscore.domain.users import Role, User, UserName
from campuscore.errors import Conflict, NotFound

__all__ = ["MemoryGroups", "MemoryMemberships"]


@frozen
class MemoryGroups:
    """The port ``Groups``."""

    tables: Tables

    def find(self, group_id: int) -> Group | None:
        return self.tables.groups.find(group_id) if self.tables.has_group(group_id) else None

    def reaches(self, scope: Scope, group_id: int) -> bool:
        return see(self.tables, scope).covers_group(group_id)

    def lineage(self, group_id: int) -> list[int]:
        found: list[int] = []
        above: int | None = group_id
        while above is not None and above not in found and self.tables.has_group(above):
            found.append(above)
            above = self.tables.groups.rows[above].parent
        return found

    def add(self, new: NewGroup) -> Group:
        self._check_references(new.parent, new.term)
        key = self.tables.groups.next_id()
        group = Group(key, new.name, new.kind, new.parent, new.code, new.term)
        self.tables.groups.put(key, group)
        return group

    def save(self, group: Group) -> None:
        self._require(group.id)
        self._check_references(group.parent, group.term)
        self.tables.groups.put(group.id, group)

    def archive(self, group_id: int) -> None:
        self._require(group_id)
        if any(self.tables.has_group(row.id) for row in self.tables.groups.having(group_id)):
            raise Conflict("groups hang under this one", code="group_has_children")
        self.tables.archived.put(group_id, row=True)

    def _require(self, group_id: int) -> None:
        if not self.tables.has_group(group_id):
            raise NotFound(f"there is no group {group_id}", code="group_not_found")

    def _check_references(self, parent: int | None, term: int | None) -> None:
        if parent is not None and parent not in self.tables.groups.rows:
            raise Conflict(f"there is no group {parent}", code="reference_missing")
        if term is not None and term not in self.tables.terms.rows:
            raise Conflict(f"there is no term {term}", code="reference_missing")

    def list(self, scope: Scope, part: Slice) -> list[Group]:
        sight = see(self.tables, scope)
        after = part.after[0] if part.after else 0
        rows = sorted(self.tables.groups.rows.items())
        found = [copy(row) for key, row in rows if key > after and sight.covers_group(key)]
        return found[: part.limit]


@frozen
class MemoryMemberships:
    """The port ``Memberships``."""

    tables: Tables

    def names(self, groups: Sequence[int], day: date) -> list[tuple[int, Role, UserName]]:
        found = [
            (row.group, row.role, UserName(u.id, u.username, u.first_name, u.last_name, u.role))
            for row, u in self._members(set(groups), day)
            if u.active
        ]
        return sorted(found, key=lambda r: (r[2].last_name, r[2].first_name, r[2].id, r[0], r[1]))

    def members(self, group_id: int, day: date) -> list[Member]:
        found = [
            Member(u.id, u.username, u.first_name, u.last_name, row.role, row.begin, row.end)
            for row, u in self._members({group_id}, day)
        ]
        return sorted(found, key=lambda m: (m.last_name, m.first_name, m.id, m.role))

    def find(self, group_id: int, user_id: int, role: Role, day: date) -> Membership | None:
        for row in self.tables.groups_of(user_id, day):
            if (row.group, row.role) == (group_id, role):
                return copy(row)
        return None

    def of_source(self, source: str, day: date) -> list[Membership]:
        return [
            copy(row)
            for _, row in sorted(self.tables.memberships.rows.items())
            if row.source == source and (row.end is None or row.end > day)
        ]

    def add(self, rows: Sequence[Membership]) -> None:
        with self.tables.log.atomic():
            for row in rows:
                self._check(row)
                key = self.tables.memberships.next_id()
                self.tables.memberships.put(key, evolve(row, id=key))

    def end(self, membership_ids: Sequence[int], day: date) -> None:
        for key in membership_ids:
            row = self.tables.memberships.rows.get(key)
            if row is None:
                continue
            if row.begin >= day:
                self.tables.memberships.drop(key)
            elif row.end is None or row.end > day:
                self.tables.memberships.put(key, evolve(row, end=day))

    def _members(self, groups: set[int], day: date) -> list[tuple[Membership, User]]:
        return [
            (row, self.tables.users.rows[row.user])
            for row in self.tables.memberships.rows.values()
            if row.group in groups and row.covers(day)
        ]

    def _check(self, row: Membership) -> None:
        if row.group not in self.tables.groups.rows or row.user not in self.tables.users.rows:
            raise Conflict("the group or the user is not there", code="reference_missing")
        if row.end is not None and row.end <= row.begin:
            raise Conflict("a membership ends after it began", code="membership_empty")
        for other in self.tables.memberships.having(row.user):
            same = (other.group, other.role) == (row.group, row.role)
            if same and _overlap(other, row):
                raise Conflict("the user is a member on these days", code="membership_overlaps")


def _overlap(one: Membership, other: Membership) -> bool:
    return (one.end is None or other.begin < one.end) and (
        other.end is None or one.begin < other.end
    )

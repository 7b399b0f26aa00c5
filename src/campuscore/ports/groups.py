"""The repositories of groups and memberships."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from campuscore.domain.access import Scope
from campuscore.domain.groups import Group, Member, Membership, NewGroup
from campuscore.domain.paging import Slice
from campuscore.domain.users import Role, UserName

__all__ = ["Groups", "Memberships"]


class Groups(Protocol):
    """The tree of groups. An archived group is gone from here; past days keep its name."""

    def find(self, group_id: int) -> Group | None:
        """Return the group with this id, unless it is archived."""
        ...

    def reaches(self, scope: Scope, group_id: int) -> bool:
        """Say whether the scope covers what belongs to this group."""
        ...

    def lineage(self, group_id: int) -> Sequence[int]:
        """Return the ids of the group and of all groups above it, nearest first."""
        ...

    def add(self, new: NewGroup) -> Group:
        """Store a new group.

        Raises
        ------
        Conflict
            The parent or the term is not there.
        """
        ...

    def save(self, group: Group) -> None:
        """Store a group that was changed.

        Raises
        ------
        Conflict
            The parent or the term is not there.
        NotFound
            There is no group with this id.
        """
        ...

    def archive(self, group_id: int) -> None:
        """Take the group out of every list; its memberships and history stay.

        Raises
        ------
        Conflict
            Groups hang under it.
        NotFound
            There is no group with this id.
        """
        ...

    def list(self, scope: Scope, part: Slice) -> list[Group]:
        """Return groups within the scope, in the order of their ids."""
        ...


class Memberships(Protocol):
    """Who belongs to which group, in which role, on which days."""

    def names(self, groups: Sequence[int], day: date) -> list[tuple[int, Role, UserName]]:
        """Return group id, role in it and name of the active members on a day, by name."""
        ...

    def members(self, group_id: int, day: date) -> list[Member]:
        """Return the members of a group on a local day, by last and first name, then id."""
        ...

    def find(self, group_id: int, user_id: int, role: Role, day: date) -> Membership | None:
        """Return the membership in this role that covers the day."""
        ...

    def of_source(self, source: str, day: date) -> list[Membership]:
        """Return the memberships from one source that cover the day or begin after it, by id."""
        ...

    def add(self, rows: Sequence[Membership]) -> None:
        """Store new memberships; their ids are given by the store.

        Raises
        ------
        Conflict
            The group or the user is not there, or an interval of the same user, group and role
            overlaps a stored one.
        """
        ...

    def end(self, membership_ids: Sequence[int], day: date) -> None:
        """End memberships so that this day is the first outside; one that had not begun goes."""
        ...

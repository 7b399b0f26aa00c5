"""The repository of users."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from campuscore.domain.access import Scope
from campuscore.domain.paging import Slice
from campuscore.domain.users import NewUser, User, UserName, UserQuery

__all__ = ["Users"]


class Users(Protocol):
    """Users of a campus; usernames are unique when folded by ``username_key``."""

    def find(self, user_id: int) -> User | None:
        """Return the user with this id, active or not."""
        ...

    def find_named(self, usernames: Sequence[str]) -> list[User]:
        """Return the users with these names, active or not, in the order of their ids."""
        ...

    def reached(self, scope: Scope, user_ids: Sequence[int], day: date) -> set[int]:
        """Return those of the ids that are users and whose local day the scope covers."""
        ...

    def names(self, scope: Scope, query: UserQuery, part: Slice) -> list[UserName]:
        """Return the same users as ``list`` would, with only what a directory shows."""
        ...

    def add(self, new: NewUser, created_at: datetime) -> User:
        """Store a new active user.

        Raises
        ------
        Conflict
            The username is taken.
        """
        ...

    def save(self, user: User) -> None:
        """Store a user that was changed.

        Raises
        ------
        Conflict
            The username is taken by another user.
        NotFound
            There is no user with this id.
        """
        ...

    def list(self, scope: Scope, query: UserQuery, part: Slice) -> list[User]:
        """Return users within the scope as of its day, in the order of their ids."""
        ...

"""The repository of users."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from campuscore.domain.access import Scope
from campuscore.domain.paging import Slice
from campuscore.domain.users import NewUser, User, UserName, UserQuery

__all__ = ["Guardians", "Users"]


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


class Guardians(Protocol):
    """Who is guardian of whom."""

    def add(self, guardian: int, student: int, at: datetime) -> bool:
        """Make a user the guardian of another; say whether they were not yet.

        Raises
        ------
        NotFound
            There is no such user.
        """
        ...

    def remove(self, guardian: int, student: int) -> bool:
        """Undo that; say whether it was so."""
        ...

    def of(self, student: int) -> list[UserName]:
        """Return the guardians of a user, by id."""
        ...

    def wards(self, guardian: int) -> list[UserName]:
        """Return those whose guardian a user is, by id."""
        ...

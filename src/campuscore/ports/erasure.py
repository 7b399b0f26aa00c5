"""The port of erasure: taking records away as if they had never been, facts included."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Protocol

from attrs import field, frozen

__all__ = ["Dependent", "Erasable", "Erasure"]


def _ids() -> frozenset[int]:
    return frozenset()


@frozen(kw_only=True)
class Erasable:
    """What is to go, by ids of each kind."""

    users: Collection[int] = field(factory=_ids)
    groups: Collection[int] = field(factory=_ids)
    terms: Collection[int] = field(factory=_ids)
    rooms: Collection[int] = field(factory=_ids)
    projects: Collection[int] = field(factory=_ids)


@frozen
class Dependent:
    """Something that stays and refers to something that is to go.

    ``kind`` is ``membership`` (``id`` is the user's), ``group``, ``entry`` or ``file``.
    """

    kind: str
    id: int
    detail: str


class Erasure(Protocol):
    """Removes people, groups, terms, rooms and projects with everything that is theirs.

    Everything else keeps facts for good. This is for records that were never true, such as those
    of a demonstration.
    """

    def dependents(self, what: Erasable, day: date) -> list[Dependent]:
        """Return what others have in it, by kind and id.

        That is: memberships on or after the day that join it with a user or a group which stays;
        groups in use that hang under its groups or refer to its terms; schedule entries of other
        groups in its rooms; files of its projects that other users uploaded.
        """
        ...

    def erase(self, what: Erasable) -> list[str]:
        """Remove it all, and return the SHA-256 of blobs that its records named, sorted.

        What users did and was recorded of them goes, with credentials, sessions, tokens and roster
        links; the names of files of its projects are free again. Projects and files that stay lose
        an owner or uploader who goes; archived groups lose a parent or a term.

        Raises
        ------
        Conflict
            A group in use or a schedule entry that stays refers to something that is to go.
        """
        ...

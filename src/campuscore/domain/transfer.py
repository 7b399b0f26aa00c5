"""What another system's database says, on its way in: a stream of each kind of record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from typing import Final

from attrs import frozen

from campuscore.domain.attendance import CheckInMethod, NewAttachment
from campuscore.domain.groups import MEMBER_ROLES, NewGroup
from campuscore.domain.roster import Ignored, Place
from campuscore.domain.schedule import NewEntry
from campuscore.domain.users import NewUser, Role
from campuscore.errors import Problem

__all__ = [
    "KINDS",
    "Broken",
    "ForeignCheckIn",
    "ForeignEntry",
    "ForeignFile",
    "ForeignGroup",
    "ForeignMembership",
    "ForeignPackage",
    "ForeignUser",
    "Transfer",
    "member_role",
]

KINDS: Final = ("user", "group", "membership", "check-in", "entry", "file", "package")
"""The kinds of records, in the order in which they come in."""


@frozen
class Broken:
    """A row that cannot be read: where it stands, in which column, and what is wrong."""

    place: Place
    column: str
    detail: str

    @property
    def problem(self) -> Problem:
        """The same as a problem, whose path is table, primary key and column."""
        return Problem(f"{self.place.file}:{self.place.line}:{self.column}", self.detail)


@frozen
class ForeignUser:
    """A user; ``stored`` is a password hash that our hasher reads, or empty, for the reason why."""

    key: str
    place: Place
    new: NewUser
    active: bool
    created_at: datetime | None
    stored: str
    no_password: str = ""


@frozen
class ForeignGroup:
    """A group; the keys of its parents are theirs."""

    key: str
    place: Place
    new: NewGroup
    parent_key: str = ""


@frozen
class ForeignMembership:
    """A user in a group; ``role`` None means the one that the user has on the campus."""

    place: Place
    user_key: str
    group_key: str
    role: Role | None
    since: datetime | None


@frozen
class ForeignCheckIn:
    """A check-in."""

    key: str
    place: Place
    user_key: str
    at: datetime
    method: CheckInMethod
    ip_address: str | None
    user_agent: str | None


@frozen
class ForeignEntry:
    """A schedule entry; ``new.group`` is still to be filled in, and the room goes by name."""

    key: str
    place: Place
    group_key: str
    room: str
    new: NewEntry


@frozen
class ForeignFile:
    """A file of a user's day, given as an instant where the other system kept one.

    ``open`` returns its bytes in blocks, or raises NotFound.
    """

    key: str
    place: Place
    user_key: str
    day: date | datetime
    filename: str
    content_type: str
    open: Callable[[], Iterator[bytes]]

    def new(self, user: int, day: date) -> NewAttachment:
        """Return the file to attach."""
        name, kind = self.filename, self.content_type
        return NewAttachment(user=user, date=day, filename=name, content_type=kind)


@frozen
class ForeignPackage:
    """A file for the package index."""

    place: Place
    filename: str
    open: Callable[[], Iterator[bytes]]


@frozen(kw_only=True)
class Transfer:
    """Everything that one source says, in the order of the fields.

    ``Broken`` stands in a stream for each row that cannot be read. Streams of records may be read
    anew from their beginning, so that they are no iterators.
    """

    source: str
    users: Iterable[ForeignUser | Broken] = ()
    groups: Iterable[ForeignGroup | Broken] = ()
    memberships: Iterable[ForeignMembership | Broken] = ()
    check_ins: Iterable[ForeignCheckIn | Broken] = ()
    entries: Iterable[ForeignEntry | Broken] = ()
    files: Iterable[ForeignFile | Broken] = ()
    packages: Iterable[ForeignPackage | Broken] = ()
    ignored: tuple[Ignored, ...] = ()


def member_role(said: Role | None, campus: Role) -> Role:
    """Return the role that a member holds in a group: who leads it teaches, all others study.

    >>> member_role(None, Role.ADMIN)
    <Role.TEACHER: 'teacher'>
    """
    role = said or campus
    if role in MEMBER_ROLES:
        return role
    return Role.TEACHER if role is Role.ADMIN else Role.STUDENT

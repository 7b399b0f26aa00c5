"""What a roster says, each record with its place in a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from attrs import evolve, field, frozen

from campuscore.domain.groups import Group, GroupKind, NewGroup
from campuscore.domain.schedule import NewTerm, Term
from campuscore.domain.users import NewUser, Role, User, username_key

__all__ = [
    "Ignored",
    "Place",
    "Roster",
    "RosterGroup",
    "RosterMembership",
    "RosterTerm",
    "RosterUser",
    "group_name_key",
]

_KEPT_ROLES = frozenset({Role.ADMIN, Role.DEVICE})


@frozen
class Place:
    """Where a record stands: the file, and the line in it, counted from 1."""

    file: str
    line: int


@frozen
class RosterUser:
    """A person in a roster; ``role`` None and empty texts say nothing about what stands."""

    key: str
    username: str
    first_name: str
    last_name: str
    role: Role | None
    email: str
    place: Place

    def new(self) -> NewUser:
        """Return the user to create; without a role a student, and never with a password."""
        return NewUser(
            username=self.username,
            first_name=self.first_name,
            last_name=self.last_name,
            role=self.role or Role.STUDENT,
            email=self.email,
        )

    def over(self, user: User) -> User:
        """Return what a user becomes; whoever is admin or device stays so."""
        same_name = username_key(self.username) == username_key(user.username)
        return evolve(
            user,
            username=user.username if same_name else self.username,
            first_name=self.first_name or user.first_name,
            last_name=self.last_name or user.last_name,
            role=user.role if user.role in _KEPT_ROLES else self.role or user.role,
            email=self.email or user.email,
        )


@frozen
class RosterGroup:
    """A group in a roster; empty texts say nothing about what stands."""

    key: str
    name: str
    kind: GroupKind
    parent_key: str
    code: str
    term_key: str
    place: Place

    @property
    def known_by_name(self) -> bool:
        """Say whether the file knows no more of the group than its name."""
        return self.key == group_name_key(self.name)

    def new(self, parent: int | None, term: int | None) -> NewGroup:
        """Return the group to create."""
        return NewGroup(name=self.name, kind=self.kind, parent=parent, code=self.code, term=term)

    def over(self, group: Group, parent: int | None, term: int | None) -> Group:
        """Return what a group becomes; one known by its name only stays as it is."""
        if self.known_by_name:
            return group
        return evolve(
            group,
            name=self.name,
            kind=self.kind,
            parent=group.parent if parent is None else parent,
            code=self.code or group.code,
            term=group.term if term is None else term,
        )


@frozen
class RosterTerm:
    """A term in a roster; both days are included."""

    key: str
    name: str
    first_day: date
    last_day: date
    place: Place

    def new(self) -> NewTerm:
        """Return the term to create."""
        return NewTerm(name=self.name, first_day=self.first_day, last_day=self.last_day)

    def over(self, term: Term) -> Term:
        """Return what a term becomes."""
        return evolve(term, name=self.name, first_day=self.first_day, last_day=self.last_day)


@frozen
class RosterMembership:
    """A membership in a roster on [begin, end); None leaves a side open."""

    group_key: str
    user_key: str
    role: Role
    begin: date | None
    end: date | None
    place: Place

    @property
    def key(self) -> str:
        """The group and the user, as reports name them."""
        return f"{self.group_key}/{self.user_key}"


@frozen
class Ignored:
    """What was read and not kept: a file or a column of it, and in how many rows it was filled."""

    file: str
    what: str
    rows: int


@frozen(kw_only=True)
class Roster:
    """Everything that one source says.

    ``columns`` tells, for each file, how it calls a field such as ``membership.user_key``.
    """

    source: str
    users: tuple[RosterUser, ...] = ()
    groups: tuple[RosterGroup, ...] = ()
    terms: tuple[RosterTerm, ...] = ()
    memberships: tuple[RosterMembership, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    columns: Mapping[str, Mapping[str, str]] = field(factory=dict[str, Mapping[str, str]])

    def path(self, place: Place, name: str) -> str:
        """Return the path of a field, such as ``StudentEnrollment.csv:12:SIS ID``."""
        column = self.columns.get(place.file, {}).get(name) or name.partition(".")[2]
        return f"{place.file}:{place.line}:{column}"


def group_name_key(name: str) -> str:
    """Fold the name of a group, so that case and extra spaces do not make another group.

    >>> group_name_key(" CS  101 ")
    'cs 101'
    """
    return " ".join(username_key(name).split())

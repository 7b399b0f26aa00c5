"""Principals, credentials, sessions and API tokens."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from attrs import define, field, frozen

from campuscore.domain.checks import check_text
from campuscore.domain.packages import project_key
from campuscore.domain.users import Role, User
from campuscore.errors import Invalid, Problem

__all__ = [
    "ANONYMOUS",
    "LONGEST_IMPERSONATION",
    "OPERATOR",
    "ApiToken",
    "Claims",
    "Credential",
    "Impersonation",
    "Lifetimes",
    "MintedToken",
    "NewApiToken",
    "NewImpersonation",
    "Origin",
    "Principal",
    "Session",
    "SessionEnd",
    "SessionState",
    "TokenPair",
    "may_authenticate",
]

_LONGEST_NAME = 100
_LONGEST_REASON = 500
_MOST_MINUTES = 60

LONGEST_IMPERSONATION = timedelta(minutes=_MOST_MINUTES)
"""How long an administrator acts in a user's name at the most."""
_SCOPES = "*, attendance.*, users.read or packages.upload:demo-lab"
_OF_PROJECTS = frozenset({"packages.upload", "packages.manage"})
"""The scopes that can be limited to a project; the index is read as a whole."""


@frozen
class Origin:
    """Where a request came from; ``request_id`` is how logs and audit name it."""

    ip_address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None


@frozen
class Principal:
    """Who acts: the user, the session or token they came with, and what it is limited to.

    ``user_id`` is 0 for the trusted local operator. ``scopes`` limits an API token to actions:
    ``*`` for all of the user's rights, ``attendance.*`` for a feature, ``attendance.read`` for one,
    ``packages.upload:demo`` for one on the project with this normalized name. ``actor`` is the
    administrator who acts in the user's name (RFC 8693, section 4.1), None where it is the user.
    """

    user_id: int
    username: str
    role: Role
    method: str = "session"
    session_id: int | None = None
    scopes: tuple[str, ...] = ("*",)
    actor: int | None = None
    origin: Origin | None = field(default=None, eq=False)

    def within(self, action: str, project: str = "") -> bool:
        """Say whether the scopes let this action through, on a project where one is named."""
        return any(_covers(scope, action, project) for scope in self.scopes)


def _covers(scope: str, action: str, project: str) -> bool:
    known, _, only = scope.partition(":")
    feature = action.partition(".")[0]
    below = "." in known and action.startswith(f"{known}.")
    covers = below or known in {"*", f"{feature}.*", action}
    return covers and (not only or project in {"", only})


OPERATOR = Principal(0, "operator", Role.ADMIN, method="operator")
"""Whoever runs a program on the machine itself: the library's and the command line's principal."""


ANONYMOUS = Principal(-1, "anonymous", Role.STUDENT, method="none", scopes=("packages.read",))
"""Somebody who did not log in, and may do no more than read the package index."""


@define
class Credential:
    """What a login needs of a user: the stored hash, empty where no password was set.

    ``version`` is the security version: a new password or role counts it up.
    """

    user: User
    version: int
    password_hash: str = field(repr=False)


@define
class Session:
    """A login that lives through refreshes; ``actor`` is whoever acts in the user's name."""

    id: int
    user: int
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ip_address: str | None
    user_agent: str | None
    actor: int | None


class SessionEnd(StrEnum):
    """Why a session ended."""

    LOGOUT = "logout"
    EVERYWHERE = "everywhere"
    PASSWORD = "password"  # noqa: S105 - a reason, not a secret
    DEACTIVATED = "deactivated"
    REPLAY = "replay"


def may_authenticate(user: User | SessionState) -> bool:
    """Say whether somebody may act at all.

    Everything that lets a user in asks this: a login, a refresh, each request with an access token
    or an API token.
    """
    return user.active


@define
class SessionState:
    """What each request asks of a session: whose it is, and whether it still counts.

    ``version`` is the user's security version: it is counted up when role or password change, and
    access tokens that were issued before are refused. ``actor`` is the administrator who acts in
    the user's name, and ``actor_counts`` says whether they still are an active one. ``ring`` is the
    revision of the signing keys.
    """

    user_id: int
    username: str
    role: Role
    active: bool
    version: int
    ended: bool
    expires_at: datetime
    actor: int | None
    actor_counts: bool
    ring: int = 0

    def counts(self, now: datetime) -> bool:
        """Say whether the session is open, and everybody in it may act."""
        in_time = not self.ended and now < self.expires_at
        return in_time and may_authenticate(self) and (self.actor is None or self.actor_counts)


@define
class ApiToken:
    """A long-lived secret of a user for programs; only its hash is stored."""

    id: int
    user: int
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@frozen(kw_only=True)
class NewApiToken:
    """An API token to mint; ``expires_at`` None means until revoked."""

    name: str
    scopes: tuple[str, ...] = ("*",)
    expires_at: datetime | None = None

    def check(self, actions: Collection[str], now: datetime) -> None:
        """Raise Invalid with every field that breaks a rule; ``actions`` are all there are."""
        problems = check_text("/name", self.name, len(self.name))
        if not 1 <= len(self.name.strip()) <= _LONGEST_NAME:
            problems.append(Problem("/name", f"must have 1 to {_LONGEST_NAME} characters"))
        if not self.scopes:
            problems.append(Problem("/scopes", "must name at least one scope, such as *"))
        known = {"*", *actions, *(f"{action.split('.')[0]}.*" for action in actions)}
        problems += [
            Problem(f"/scopes/{i}", f"{scope!r} is no scope; such as {_SCOPES}")
            for i, scope in enumerate(self.scopes)
            if _without_project(scope) not in known
        ]
        if self.expires_at is not None and not _lies_ahead(self.expires_at, now):
            problems.append(Problem("/expires_at", "must lie in the future, and have an offset"))
        if problems:
            raise Invalid(*problems)


def _lies_ahead(at: datetime, now: datetime) -> bool:
    try:
        return at.tzinfo is not None and now < at.astimezone(UTC)
    except OverflowError:
        return False


def _without_project(scope: str) -> str:
    """Return the action of a scope that is limited to a project of the package index."""
    action, _, project = scope.partition(":")
    if action not in _OF_PROJECTS or not project:
        return scope
    try:
        return action if project_key(project) == project else scope
    except Invalid:
        return scope


@frozen
class MintedToken:
    """A new API token with its secret, which is shown this once."""

    id: int
    name: str
    token: str = field(repr=False)
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None


@frozen(kw_only=True)
class NewImpersonation:
    """In whose name an administrator wants to act, why, and for how many minutes."""

    user_id: int
    reason: str
    minutes: int = 30

    def check(self) -> None:
        """Raise Invalid with every field that breaks a rule."""
        problems = check_text("/reason", self.reason, _LONGEST_REASON)
        if not self.reason.strip():
            problems.append(Problem("/reason", "must say why"))
        if not 1 <= self.minutes <= _MOST_MINUTES:
            problems.append(Problem("/minutes", f"must be from 1 to {_MOST_MINUTES}"))
        if problems:
            raise Invalid(*problems)


@frozen
class Impersonation:
    """An access token to act in somebody's name with; it cannot be refreshed."""

    access: str = field(repr=False)
    session_id: int
    expires_at: datetime


@frozen
class TokenPair:
    """What a login or a refresh answers."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)


@frozen
class Claims:
    """What an access token says: whose, of which session, until when.

    ``version`` is the user's security version when the token was issued; ``actor`` is the
    administrator who acts in the user's name.
    """

    user_id: int
    session_id: int
    expires_at: float
    version: int = 0
    actor: int | None = None


@frozen
class Lifetimes:
    """How long things of a login live: access token, idle session, session at the most."""

    access: timedelta = timedelta(minutes=10)
    idle: timedelta = timedelta(days=14)
    session: timedelta = timedelta(days=30)

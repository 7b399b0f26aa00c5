"""Principals, credentials, sessions and API tokens."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import define, field, frozen

from campuscore.domain.users import Role, User

__all__ = [
    "OPERATOR",
    "ApiToken",
    "Claims",
    "Credential",
    "Lifetimes",
    "MintedToken",
    "NewApiToken",
    "Origin",
    "Principal",
    "Session",
    "SessionState",
    "TokenPair",
]


@frozen
class Principal:
    """Who acts: the user, the session or token they came with, and what it is limited to.

    ``user_id`` is 0 for the trusted local operator. ``scopes`` limits an API token to actions:
    ``*`` for all of the user's rights, ``attendance.*`` for a feature, ``attendance.read`` for one.
    """

    user_id: int
    username: str
    role: Role
    method: str = "session"
    session_id: int | None = None
    scopes: tuple[str, ...] = ("*",)

    def within(self, action: str) -> bool:
        """Say whether the scopes let this action through."""
        feature = action.split(".", 1)[0] + ".*"
        return any(scope in {"*", feature, action} for scope in self.scopes)


OPERATOR = Principal(0, "operator", Role.ADMIN, method="operator")
"""Whoever runs a program on the machine itself: the library's and the command line's principal."""


@frozen
class Origin:
    """Where a request came from."""

    ip_address: str | None = None
    user_agent: str | None = None


@define
class Credential:
    """What a login needs of a user: the stored hash, empty where no password was set."""

    user: User
    password_hash: str


@define
class Session:
    """A login that lives through refreshes."""

    id: int
    user: int
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ip_address: str | None
    user_agent: str | None


@define
class SessionState:
    """What each request asks of a session: whose it is, and whether both still count."""

    user_id: int
    username: str
    role: Role
    active: bool
    ended: bool
    expires_at: datetime


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


@frozen
class MintedToken:
    """A new API token with its secret, which is shown this once."""

    id: int
    name: str
    token: str = field(repr=False)
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None


@frozen
class TokenPair:
    """What a login or a refresh answers."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)


@frozen
class Claims:
    """What a verified access token says: whose, of which session, until when."""

    user_id: int
    session_id: int
    expires_at: float


@frozen
class Lifetimes:
    """How long things of a login live: access token, idle session, session at the most."""

    access: timedelta = timedelta(minutes=10)
    idle: timedelta = timedelta(days=14)
    session: timedelta = timedelta(days=30)

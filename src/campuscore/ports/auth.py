"""The ports of auth: credentials, sessions, API tokens, the hasher and the signer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from attrs import frozen

from campuscore.domain.auth import ApiToken, Claims, Credential, Session, SessionState
from campuscore.domain.users import User

__all__ = [
    "AccessTokens",
    "ApiTokens",
    "Credentials",
    "NewSession",
    "PasswordHasher",
    "Sessions",
    "Verdict",
]


@frozen
class NewSession:
    """A session to open; ``refresh_hash`` is the SHA-256 of its first refresh token's secret."""

    user: int
    refresh_hash: bytes
    at: datetime
    expires_at: datetime
    ip_address: str | None
    user_agent: str | None


@frozen
class Verdict:
    """Whether a password fits, and whether its stored hash is weaker than today's parameters."""

    fits: bool
    stale: bool = False


class PasswordHasher(Protocol):
    """Slow, salted hashes of passwords; the stored text carries its own parameters."""

    def hash(self, password: str) -> str:
        """Return a salted hash.

        Raises
        ------
        Busy
            Too many passwords are being hashed.
        """
        ...

    def verify(self, password: str, stored: str) -> Verdict:
        """Say whether the password fits; an empty or unreadable hash costs the same, fits none.

        Raises
        ------
        Busy
            Too many passwords are being hashed.
        """
        ...


class AccessTokens(Protocol):
    """Short-lived signed pointers to sessions (RFC 7519, RFC 9068)."""

    def issue(self, user_id: int, session_id: int, at: datetime, expires_at: datetime) -> str:
        """Return a signed token."""
        ...

    def verify(self, token: str, at: datetime) -> Claims:
        """Return what a token says.

        Raises
        ------
        Unauthenticated
            It is not one of ours, was changed, is of another type, or has expired.
        """
        ...


class Credentials(Protocol):
    """Password hashes, apart from the users they belong to."""

    def find(self, username: str) -> Credential | None:
        """Return user and hash by username; the hash is empty where no password was set."""
        ...

    def find_of(self, user_id: int) -> Credential | None:
        """Return user and hash by the user's id."""
        ...

    def set(self, user_id: int, password_hash: str, at: datetime) -> None:
        """Store a hash in place of any earlier one."""
        ...

    def rehash(self, user_id: int, old_hash: str, new_hash: str) -> bool:
        """Replace a hash unless it has changed meanwhile; say whether it was replaced."""
        ...


class Sessions(Protocol):
    """Logins. A refresh token is stored only as the SHA-256 of its secret."""

    def open(self, new: NewSession) -> int:
        """Store a session and return its id."""
        ...

    def state(self, session_id: int) -> SessionState | None:
        """Return whose the session is and whether it counts, in one statement."""
        ...

    def rotate(
        self, session_id: int, old: bytes, new: bytes, at: datetime, idle: datetime
    ) -> int | None:
        """Replace the refresh hash in one conditional update, and return the user's id.

        It succeeds for just one caller, and only while the session is open, was used since
        ``idle``, has not expired at ``at``, and its user is active; None otherwise.
        """
        ...

    def list(self, user_id: int, at: datetime) -> list[Session]:
        """Return a user's open sessions, newest first."""
        ...

    def end(self, session_id: int, user_id: int, at: datetime) -> bool:
        """End one session of a user; say whether it was open."""
        ...

    def end_all(self, user_id: int, at: datetime, keep: int | None = None) -> int:
        """End all sessions of a user but one, and return how many were open."""
        ...


class ApiTokens(Protocol):
    """Long-lived tokens; only the SHA-256 of the secret is stored."""

    def add(self, token: ApiToken, secret_hash: bytes) -> ApiToken:
        """Store a token; its id is given by the store."""
        ...

    def find(self, secret_hash: bytes, at: datetime) -> tuple[ApiToken, User] | None:
        """Return the token that is neither revoked nor expired, and its user."""
        ...

    def list(self, user_id: int | None) -> Sequence[ApiToken]:
        """Return the unrevoked tokens of a user, or of all, in the order of their ids."""
        ...

    def touch(self, token_id: int, at: datetime) -> None:
        """Store when the token was last used."""
        ...

    def revoke(self, token_id: int, user_id: int | None, at: datetime) -> bool:
        """Revoke a token, where a user is given only if it is theirs; say whether one was."""
        ...

"""The ports of auth: credentials, sessions, API tokens, the hasher and the signer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from attrs import frozen

from campuscore.domain.auth import (
    ApiToken,
    Claims,
    Credential,
    Session,
    SessionEnd,
    SessionState,
)
from campuscore.domain.keys import Algorithm, KeyRing, SigningKey
from campuscore.domain.passwords import Wrapping
from campuscore.domain.rotation import Family
from campuscore.domain.users import User

__all__ = [
    "AccessTokens",
    "ApiTokens",
    "Credentials",
    "NewSession",
    "PasswordHasher",
    "Rotation",
    "Sessions",
    "Verdict",
]


@frozen
class NewSession:
    """A session to open, with the hashes of its first refresh token.

    A session in which an administrator, the ``actor``, acts in the user's name has the reason.
    """

    user: int
    family_hash: bytes
    secret_hash: bytes
    at: datetime
    expires_at: datetime
    ip_address: str | None
    user_agent: str | None
    actor: int | None = None
    reason: str = ""


@frozen
class Rotation:
    """The next refresh secret: its hash, itself sealed by the one before, who asked and when."""

    secret_hash: bytes
    successor: bytes
    at: datetime
    agent: str | None


@frozen
class Verdict:
    """Whether a password fits, and whether its stored hash is weaker than today's parameters."""

    fits: bool
    stale: bool = False


class PasswordHasher(Protocol):
    """Slow, salted hashes of passwords, sealed under SECRET_KEY.

    The stored text carries its own parameters. Passwords are composed (NFC) before they are hashed.
    """

    def hash(self, password: str) -> str:
        """Return a salted hash.

        Raises
        ------
        Busy
            Too many passwords are being hashed.
        """
        ...

    def verify(self, password: str, stored: str) -> Verdict:
        """Say whether the password fits.

        An empty or unreadable hash, one that is sealed under an unknown key, and a password that
        is too long cost the same, and fit none.

        Raises
        ------
        Busy
            Too many passwords are being hashed.
        """
        ...

    def wrapping(self, stored: str) -> Wrapping:
        """Say how a stored hash is sealed."""
        ...

    def rewrap(self, stored: str) -> str:
        """Return the same hash sealed under the current key; no password is needed for it.

        Raises
        ------
        Misconfigured
            Its key is unknown, or it was damaged: ``wrapping`` says so before.
        """
        ...


class AccessTokens(Protocol):
    """Short-lived signed pointers to sessions (RFC 7519, RFC 9068).

    It signs and verifies with the ring of keys that it was given last.
    """

    @property
    def revision(self) -> int:
        """The revision of the ring that is held; -1 before there was one."""
        ...

    def make(self, algorithm: Algorithm, at: datetime) -> SigningKey:
        """Make a key to be the next one, its private part sealed."""
        ...

    def hold(self, ring: KeyRing) -> None:
        """Sign and verify with these keys from now on.

        Secret keys that SECRET_KEY does not open verify nothing; public ones need it not.

        Raises
        ------
        Misconfigured
            A public key is none.
        """
        ...

    def opens(self, key: SigningKey) -> bool:
        """Say whether SECRET_KEY opens the private part of a key."""
        ...

    def knows(self, token: str) -> bool:
        """Say whether a token claims to be signed with a key that is held."""
        ...

    def issue(self, claims: Claims, at: datetime) -> str:
        """Return a signed token that says this.

        Raises
        ------
        Misconfigured
            SECRET_KEY does not open the active key.
        Unavailable
            No ring is held, or it has no active key.
        """
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

    def stored(self, after: int, limit: int) -> Sequence[tuple[int, str]]:
        """Return users and their hashes in the order of their ids, from behind an id on."""
        ...

    def hold(self, user_id: int) -> int:
        """Return the security version of a user; 0 for nobody.

        Until this unit of work ends nobody counts it up: who wants to waits.
        """
        ...

    def supersede(self, user_id: int) -> None:
        """Count the security version up: access tokens that were issued before do not count."""
        ...


class Sessions(Protocol):
    """Logins. Of a refresh token only the SHA-256 of its parts is stored."""

    def open(self, new: NewSession) -> int:
        """Store a session and return its id."""
        ...

    def state(self, session_id: int) -> SessionState | None:
        """Return whose the session is and whether it counts, in one statement."""
        ...

    def family(self, session_id: int) -> Family | None:
        """Return the state of a session with what it knows of its refresh tokens."""
        ...

    def rotate(self, session_id: int, old: bytes, rotation: Rotation) -> bool:
        """Put the next refresh secret in the place of the one with the hash ``old``.

        It is one conditional change: it succeeds for just one caller, and only while the session
        is open. Says whether it did.
        """
        ...

    def list(self, user_id: int, at: datetime) -> list[Session]:
        """Return a user's open sessions, newest first."""
        ...

    def addresses(self, username: str, since: datetime) -> Collection[str]:
        """Return from where somebody has opened sessions since then, ended or not, by username.

        Sessions in which others act in their name do not count; an unknown name has none, and is
        found out by the same statement.
        """
        ...

    def latest(self, limit: int) -> Sequence[Session]:
        """Return the latest sessions of everybody, ended or not, newest first."""
        ...

    def end(self, session_id: int, user_id: int, at: datetime, why: SessionEnd) -> bool:
        """End one session of a user; say whether it was open."""
        ...

    def end_all(self, user_id: int, at: datetime, why: SessionEnd, keep: int | None = None) -> int:
        """End all sessions of a user but one, and those in which they act in another's name.

        Returns how many were open.
        """
        ...


class ApiTokens(Protocol):
    """Long-lived tokens; only the SHA-256 of the secret is stored."""

    def add(self, token: ApiToken, secret_hash: bytes) -> ApiToken:
        """Store a token; its id is given by the store."""
        ...

    def find(self, secret_hash: bytes, at: datetime) -> tuple[ApiToken, User] | None:
        """Return the token that is neither revoked nor expired, and its user, active or not."""
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

    def revoke_all(self, user_id: int, at: datetime) -> int:
        """Revoke all tokens of a user, and return how many were."""
        ...

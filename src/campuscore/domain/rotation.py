"""Rotation of refresh tokens: each works once, and one that comes back ends its session.

The rules are those of RFC 9700, section 4.14.2, with one exception for answers that were lost on
their way: for ten seconds the token before gets the very same successor once more.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from attrs import define, field, frozen

from campuscore.domain.auth import Lifetimes, SessionState

__all__ = ["GRACE", "Family", "RefreshToken", "Standing", "judge"]

GRACE: Final = timedelta(seconds=10)
"""How long the answer to a refresh may be asked for once more."""

_PREFIX: Final = "ccr_"
_FAMILY: Final = 22
_SECRET: Final = 43
_LONGEST_ID: Final = 18
_INFO: Final = b"campuscore refresh successor"


@frozen
class RefreshToken:
    """A refresh token: ``ccr_<session>_`` and two random texts in base64url.

    ``family`` stays the same through all rotations of a session. Nobody else knows it, so a token
    with the right family and another secret was a right one once, and no guess.
    """

    session_id: int
    family: str = field(repr=False)
    secret: str = field(repr=False)

    @classmethod
    def new(cls, session_id: int) -> RefreshToken:
        """Make the first token of a session: 128 random bits of family, 256 of secret."""
        return cls(session_id, secrets.token_urlsafe(16), secrets.token_urlsafe(32))

    @classmethod
    def parse(cls, text: str) -> RefreshToken | None:
        """Read a token; None where it cannot be one."""
        session, _, rest = text.removeprefix(_PREFIX).partition("_")
        is_one = text.startswith(_PREFIX) and text.isascii() and len(rest) == _FAMILY + _SECRET
        if not is_one or not session.isdigit() or len(session) > _LONGEST_ID:
            return None
        token = cls(int(session), rest[:_FAMILY], rest[_FAMILY:])
        return token if str(token) == text else None

    def next(self) -> RefreshToken:
        """Make the token that follows this one."""
        return RefreshToken(self.session_id, self.family, secrets.token_urlsafe(32))

    @property
    def family_hash(self) -> bytes:
        """What is stored of the family."""
        return hashlib.sha256(self.family.encode()).digest()

    @property
    def secret_hash(self) -> bytes:
        """What is stored of the secret."""
        return hashlib.sha256(self.secret.encode()).digest()

    def seal(self, successor: RefreshToken) -> bytes:
        """Hide the successor's secret so that it takes this token to read it.

        The pad is used once and is as long as what it hides: a secret of 256 random bits.
        """
        return _xor(urlsafe_b64decode(successor.secret + "="), self._pad())

    def unseal(self, sealed: bytes) -> RefreshToken:
        """Return the successor that was sealed with this token."""
        raw = _xor(sealed, self._pad())
        secret = urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
        return RefreshToken(self.session_id, self.family, secret)

    def _pad(self) -> bytes:
        return hmac.digest(self.secret.encode(), _INFO, "sha256")

    def __str__(self) -> str:
        """Return the text that the client gets."""
        return f"{_PREFIX}{self.session_id}_{self.family}{self.secret}"


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


@define
class Family:
    """What a session knows of its refresh tokens: hashes, and the sealed latest secret.

    ``generation`` counts the rotations. ``before_hash`` is of the token before the present one,
    which was exchanged at ``rotated_at`` by the user agent ``rotated_by``.
    """

    state: SessionState
    last_used_at: datetime
    family_hash: bytes
    secret_hash: bytes
    generation: int
    before_hash: bytes | None
    successor: bytes | None
    rotated_at: datetime | None
    rotated_by: str | None


class Standing(Enum):
    """What a refresh token that was presented is."""

    CURRENT = auto()
    """The latest: it is exchanged."""
    REPEATED = auto()
    """The one before, again, soon after, by the same client: it gets the same successor."""
    REPLAYED = auto()
    """An old one: somebody has a copy, and the session ends."""
    REFUSED = auto()
    """None of this session, or of one that does not count any more."""


def judge(
    family: Family | None,
    token: RefreshToken,
    agent: str | None,
    now: datetime,
    lifetimes: Lifetimes,
) -> Standing:
    """Say what a refresh token is that a client with this user agent presents."""
    if family is None or not hmac.compare_digest(family.family_hash, token.family_hash):
        return Standing.REFUSED
    is_idle = family.last_used_at <= now - lifetimes.idle
    if is_idle or not family.state.counts(now):
        return Standing.REFUSED
    if hmac.compare_digest(family.secret_hash, token.secret_hash):
        return Standing.CURRENT
    if _is_repeated(family, token, agent, now):
        return Standing.REPEATED
    return Standing.REPLAYED


def _is_repeated(family: Family, token: RefreshToken, agent: str | None, now: datetime) -> bool:
    return (
        family.before_hash == token.secret_hash
        and family.rotated_at is not None
        and now <= family.rotated_at + GRACE  # another process may have looked at its clock later
        and family.rotated_by == agent
    )

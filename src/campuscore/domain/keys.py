"""Signing keys: which one signs, which ones still verify."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from attrs import define, field, frozen

__all__ = ["Algorithm", "KeyRing", "KeyState", "SigningKey", "SigningKeyInfo"]


class Algorithm(StrEnum):
    """What a key signs with (RFC 7518, RFC 8037)."""

    EDDSA = "EdDSA"
    ES256 = "ES256"
    HS256 = "HS256"


class KeyState(StrEnum):
    """Where a key stands in its life."""

    NEXT = "next"
    """Published, so that verifiers have it before it signs."""
    ACTIVE = "active"
    """Signs and verifies; there is one."""
    RETIRED = "retired"
    """Verifies what it signed until that has expired."""
    REVOKED = "revoked"
    """Verifies nothing."""


@define
class SigningKey:
    """A key with its private part, sealed; it belongs to one algorithm for good."""

    id: str
    algorithm: Algorithm
    state: KeyState
    created_at: datetime
    changed_at: datetime
    public: Mapping[str, str] | None
    sealed: bytes = field(repr=False)

    def verifies(self, now: datetime, life: timedelta) -> bool:
        """Say whether tokens of this key count; ``life`` is how long they live at the most."""
        if self.state is KeyState.RETIRED:
            return now < self.changed_at + life
        return self.state is not KeyState.REVOKED

    @property
    def info(self) -> SigningKeyInfo:
        """What may be shown of the key."""
        return SigningKeyInfo(self.id, self.algorithm, self.state, self.created_at, self.changed_at)


@frozen
class SigningKeyInfo:
    """What may be shown of a key: everything but its secrets."""

    id: str
    algorithm: Algorithm
    state: KeyState
    created_at: datetime
    changed_at: datetime


@frozen
class KeyRing:
    """All keys, by age, and the number of changes that led there."""

    revision: int
    keys: Sequence[SigningKey]

    @property
    def active(self) -> SigningKey | None:
        """The key that signs; None on a ring that was never used."""
        return next((key for key in self.keys if key.state is KeyState.ACTIVE), None)

    @property
    def next(self) -> SigningKey | None:
        """The key that signs after the next rotation."""
        return next((key for key in self.keys if key.state is KeyState.NEXT), None)

    def verifying(self, now: datetime, life: timedelta) -> list[SigningKey]:
        """Return the keys whose tokens count."""
        return [key for key in self.keys if key.verifies(now, life)]

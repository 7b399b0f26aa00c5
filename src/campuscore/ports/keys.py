"""The repository of signing keys."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from campuscore.domain.keys import KeyRing, KeyState, SigningKey

__all__ = ["SigningKeys"]


class SigningKeys(Protocol):
    """The ring of keys that all processes of a campus share."""

    def ring(self) -> KeyRing:
        """Return all keys in the order of their ages; its revision rises with every change."""
        ...

    def add(self, key: SigningKey) -> None:
        """Store a new key.

        Raises
        ------
        Conflict
            There is a key with this id.
        """
        ...

    def move(self, key_id: str, state: KeyState, at: datetime) -> bool:
        """Give a key another state; say whether there is such a key."""
        ...

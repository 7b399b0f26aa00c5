"""The port of passwords that others know already."""

from __future__ import annotations

from typing import Protocol

__all__ = ["BreachedPasswords"]


class BreachedPasswords(Protocol):
    """A list of passwords that are common or were breached (NIST SP 800-63B-4, 3.1.1.2)."""

    def contains(self, password: str) -> bool:
        """Say whether a password is on the list, as it is written.

        One that is on it is always found. One that is not may be taken for one that is, with a
        small probability that the adapter states.
        """
        ...

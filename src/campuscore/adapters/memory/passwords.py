"""Known passwords in memory."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field, frozen

from campuscore.ports.passwords import BreachedPasswords

__all__ = ["MemoryBreachedPasswords", "open_breached"]


@frozen
class MemoryBreachedPasswords:
    """The port ``BreachedPasswords``, without false positives."""

    passwords: frozenset[str] = field(repr=False)

    def contains(self, password: str) -> bool:
        return password in self.passwords


def open_breached(passwords: Iterable[str] = ()) -> BreachedPasswords:
    """Return a list of just these passwords."""
    return MemoryBreachedPasswords(frozenset(passwords))

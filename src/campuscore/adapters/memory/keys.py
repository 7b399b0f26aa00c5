"""Signing keys in memory."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve, frozen

from campuscore.adapters.memory.store import Tables
from campuscore.domain.keys import KeyRing, KeyState, SigningKey
from campuscore.errors import Conflict

__all__ = ["MemorySigningKeys"]


@frozen
class MemorySigningKeys:
    """The port ``SigningKeys``."""

    tables: Tables

    def ring(self) -> KeyRing:
        keys = [evolve(key) for key, _ in self.tables.keys.rows.values()]
        return KeyRing(self.tables.ring, sorted(keys, key=lambda key: self._number(key.id)))

    def add(self, key: SigningKey) -> None:
        if key.id in self.tables.keys.rows:
            raise Conflict(f"there is a key {key.id}", code="key_exists")
        self.tables.keys.put(key.id, (evolve(key), self.tables.keys.next_id()))
        self._changed()

    def move(self, key_id: str, state: KeyState, at: datetime) -> bool:
        found = self.tables.keys.rows.get(key_id)
        if found is None:
            return False
        key, number = found
        self.tables.keys.put(key_id, (evolve(key, state=state, changed_at=at), number))
        self._changed()
        return True

    def _number(self, key_id: str) -> int:
        return self.tables.keys.rows[key_id][1]

    def _changed(self) -> None:
        number = self.tables.ring_changes.next_id()
        self.tables.ring_changes.put(number, number)

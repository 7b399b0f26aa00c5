"""Roster links in memory."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from campuscore.adapters.memory.store import Tables
from campuscore.errors import Conflict

__all__ = ["MemoryLinks"]


@frozen
class MemoryLinks:
    """The port ``RosterLinks``."""

    tables: Tables

    def of(self, source: str, kind: str) -> dict[str, int]:
        rows = self.tables.links.rows.items()
        return {key: ours for (s, k, key), ours in rows if (s, k) == (source, kind)}

    def add(self, source: str, kind: str, links: Mapping[str, int]) -> None:
        for key in links:
            if (source, kind, key) in self.tables.links.rows:
                raise Conflict(f"{kind} {key!r} of {source} is already linked", code="link_taken")
        for key, ours in links.items():
            self.tables.links.put((source, kind, key), ours)

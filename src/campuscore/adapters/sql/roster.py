"""Roster links in SQL."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import bindparam, insert, select

from campuscore.adapters.sql.desk import Desk
from campuscore.adapters.sql.tables import roster_links
from campuscore.adapters.sql.trouble import translated
from campuscore.errors import Conflict

__all__ = ["SqlRosterLinks"]

_OF = select(roster_links.c.key, roster_links.c.target_id).where(
    roster_links.c.source == bindparam("from_source"), roster_links.c.kind == bindparam("of_kind")
)
_ADD = insert(roster_links)


class SqlRosterLinks:
    """The repository of links to records of outside systems."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def of(self, source: str, kind: str) -> dict[str, int]:
        rows = self._desk.execute(_OF, {"from_source": source, "of_kind": kind}).all()
        return {row[0]: row[1] for row in rows}

    def add(self, source: str, kind: str, links: Mapping[str, int]) -> None:
        rows = [
            {"source": source, "kind": kind, "key": key, "target_id": target}
            for key, target in links.items()
        ]
        if rows:
            with translated(taken=Conflict("a key of the roster is already linked")):
                self._desk.execute_many(_ADD, rows)

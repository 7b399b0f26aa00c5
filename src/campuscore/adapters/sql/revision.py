"""Revisions: numbers that move when what was derived from the records may no longer hold.

``people`` moves with users, groups and memberships; ``days`` with anything that rows of past days
show, which is people too, and with guardians, who see them.
"""

from __future__ import annotations

from sqlalchemy import bindparam, select

from campuscore.adapters.sql.desk import Desk
from campuscore.adapters.sql.dialects import upsert
from campuscore.adapters.sql.tables import revisions

__all__ = ["revise", "revision_of"]

_NEW = upsert(revisions)
_REVISE = _NEW.on_conflict_do_update(
    index_elements=["name"], set_={"number": revisions.c.number + 1}
)
_OF = select(revisions.c.number).where(revisions.c.name == bindparam("of_name"))


def revise(desk: Desk) -> None:
    """Move the revisions that the transaction's changes concern."""
    for name in sorted(desk.revised):
        desk.execute(_REVISE, {"name": name, "number": 1})


def revision_of(desk: Desk, name: str) -> int:
    """Return the number of a revision, 0 before anything moved it."""
    number: int | None = desk.execute(_OF, {"of_name": name}).scalar()
    return number or 0

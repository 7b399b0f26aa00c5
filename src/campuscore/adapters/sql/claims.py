"""Claims on blobs in SQL.

Whoever claims a blob or asks whether it is used writes the row of its name, so that on every
database the second of two such Works waits for the first, and then sees what it did.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Integer, String, bindparam, delete, exists, func, insert, literal, select

from campuscore.adapters.sql.columns import Instant
from campuscore.adapters.sql.desk import Desk
from campuscore.adapters.sql.dialects import upsert
from campuscore.adapters.sql.tables import attachments, blob_claims, blob_names, dist_files

__all__ = ["SqlClaims"]

_NAME = bindparam("named", type_=String)
_AT = bindparam("at", type_=Instant)

_new = upsert(blob_names)
_MEET = _new.on_conflict_do_update(
    index_elements=["sha256"], set_={"meetings": blob_names.c.meetings + 1}
)
_ADD = insert(blob_claims)
_REMOVE = delete(blob_claims).where(blob_claims.c.id == bindparam("claim_id", type_=Integer))
_IS_USED = (
    select(literal(1))
    .where(exists().where(blob_claims.c.sha256 == _NAME, blob_claims.c.until > _AT))
    .union_all(
        select(literal(1)).where(exists().where(attachments.c.sha256 == _NAME)),
        select(literal(1)).where(
            exists().where(dist_files.c.sha256 == _NAME, dist_files.c.removed_at.is_(None))
        ),
        select(literal(1)).where(
            exists().where(dist_files.c.metadata == _NAME, dist_files.c.removed_at.is_(None))
        ),
    )
)
_ENDED = (
    select(blob_claims.c.sha256)
    .where(blob_claims.c.until <= _AT)
    .group_by(blob_claims.c.sha256)
    .order_by(func.min(blob_claims.c.until), func.min(blob_claims.c.id))
    .limit(bindparam("most", type_=Integer))
)
_FORGET = delete(blob_claims).where(blob_claims.c.sha256 == _NAME, blob_claims.c.until <= _AT)
_PART = delete(blob_names).where(
    blob_names.c.sha256 == _NAME, ~exists().where(blob_claims.c.sha256 == _NAME)
)


class SqlClaims:
    """The repository of claims."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add(self, sha256: str, until: datetime) -> int:
        self._meet(sha256)
        return self._desk.insert(_ADD, {"sha256": sha256, "until": until})

    def remove(self, claim_id: int) -> bool:
        return self._desk.execute(_REMOVE, {"claim_id": claim_id}).rowcount == 1

    def is_used(self, sha256: str, at: datetime) -> bool:
        self._meet(sha256)
        return self._desk.execute(_IS_USED, {"named": sha256, "at": at}).first() is not None

    def ended(self, at: datetime, limit: int) -> list[str]:
        return self._desk.execute(_ENDED, {"at": at, "most": limit}).scalars()

    def forget(self, sha256: str, at: datetime) -> None:
        self._desk.execute(_FORGET, {"named": sha256, "at": at})
        # Nobody else is here: who meets next makes the row anew.
        self._desk.execute(_PART, {"named": sha256})

    def _meet(self, sha256: str) -> None:
        self._desk.execute(_MEET, {"sha256": sha256, "meetings": 1})

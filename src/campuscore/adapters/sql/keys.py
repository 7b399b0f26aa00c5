"""Signing keys in SQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ScalarSelect, bindparam, func, insert, select, update

from campuscore.adapters.sql.columns import Instant
from campuscore.adapters.sql.desk import Desk
from campuscore.adapters.sql.tables import signing_keys
from campuscore.adapters.sql.trouble import translated
from campuscore.domain.keys import KeyRing, KeyState, SigningKey
from campuscore.errors import Conflict

__all__ = ["REVISION", "SqlSigningKeys"]

_keys = signing_keys.c
_KEY = tuple(_keys)[:7]

REVISION: ScalarSelect[Any] = select(func.coalesce(func.sum(_keys.changes), 0)).scalar_subquery()
"""The number of changes that were made to the ring."""

_RING = select(*_KEY, _keys.changes).order_by(_keys.number)
_ADD = insert(signing_keys)
_MOVE = (
    update(signing_keys)
    .where(_keys.key_id == bindparam("of_key"))
    .values(
        state=bindparam("new_state", type_=_keys.state.type),
        changed_at=bindparam("at", type_=Instant),
        changes=_keys.changes + 1,
    )
)


class SqlSigningKeys:
    """The port ``SigningKeys``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def ring(self) -> KeyRing:
        rows = self._desk.execute(_RING).all()
        keys = [SigningKey(*row[: len(_KEY)]) for row in rows]
        for key in keys:
            key.public = key.public or None
        return KeyRing(sum(row[7] for row in rows), keys)

    def add(self, key: SigningKey) -> None:
        values = {
            "key_id": key.id,
            "algorithm": key.algorithm,
            "state": key.state,
            "created_at": key.created_at,
            "changed_at": key.changed_at,
            "public": dict(key.public or {}),
            "sealed": key.sealed,
            "changes": 1,
        }
        with translated(taken=Conflict(f"there is a key {key.id}", code="key_exists")):
            self._desk.insert(_ADD, values)

    def move(self, key_id: str, state: KeyState, at: datetime) -> bool:
        values = {"of_key": key_id, "new_state": state, "at": at}
        return self._desk.execute(_MOVE, values).rowcount == 1

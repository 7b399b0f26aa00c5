"""The outbox in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Integer,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from campuscore.adapters.sql.columns import Instant
from campuscore.adapters.sql.desk import Desk
from campuscore.adapters.sql.dialects import among, ids_text, upsert
from campuscore.adapters.sql.tables import leases, outbox
from campuscore.domain.events import Message, MessageState, NewMessage

__all__ = ["SqlOutbox"]

_LEASE = "outbox"
_AT = bindparam("at", type_=Instant)
_PENDING, _DONE, _DEAD = MessageState.PENDING, MessageState.DONE, MessageState.DEAD

_ADD = insert(outbox)
_new = upsert(leases)
_TAKE_LEASE = _new.on_conflict_do_update(
    index_elements=["name"],
    set_={"owner": _new.excluded.owner, "until": _new.excluded.until},
    where=or_(leases.c.owner == _new.excluded.owner, leases.c.until <= _AT),
)
_earlier = outbox.alias()
_DUE = (
    select(*outbox.c)
    .where(
        outbox.c.state == _PENDING,
        outbox.c.due_at <= _AT,
        ~exists().where(
            _earlier.c.state == _PENDING,
            _earlier.c.due_at > _AT,
            _earlier.c.key == outbox.c.key,
            _earlier.c.id < outbox.c.id,
        ),
    )
    .order_by(outbox.c.id)
    .limit(bindparam("most", type_=Integer))
)
_HAS_DUE = select(exists().where(outbox.c.state == _PENDING, outbox.c.due_at <= _AT))
_SET_DONE = (
    update(outbox)
    .where(among(outbox.c.id, "ids"))
    .values(state=_DONE, attempts=outbox.c.attempts + 1)
)
_FAILED = (
    update(outbox)
    .where(outbox.c.id == bindparam("message_id"))
    .values(
        state=bindparam("new_state", type_=outbox.c.state.type),
        attempts=outbox.c.attempts + 1,
        due_at=bindparam("next", type_=Instant),
        last_error=bindparam("error"),
    )
)
_LIST = (
    select(*outbox.c)
    .where(outbox.c.id > bindparam("after"))
    .order_by(outbox.c.id)
    .limit(bindparam("most", type_=Integer))
)
_LIST_IN = _LIST.where(outbox.c.state == bindparam("in_state", type_=outbox.c.state.type))
_COUNTS = select(outbox.c.state, func.count()).group_by(outbox.c.state)
_REVIVE = (
    update(outbox)
    .where(outbox.c.id == bindparam("message_id"), outbox.c.state == _DEAD)
    .values(state=_PENDING, attempts=0, due_at=_AT)
)
_FORGET = delete(outbox).where(
    outbox.c.state == _DONE, outbox.c.created_at < bindparam("before", type_=Instant)
)


class SqlOutbox:
    """The repository of messages."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add(self, messages: Sequence[NewMessage], at: datetime) -> None:
        rows = [
            {
                "topic": message.topic,
                "key": message.key,
                "payload": message.payload,
                "created_at": at,
                "due_at": message.due_at or at,
                "attempts": 0,
                "state": _PENDING,
                "last_error": "",
            }
            for message in messages
        ]
        self._desk.execute_many(_ADD, rows)

    def take(self, owner: str, at: datetime, until: datetime, limit: int) -> list[Message]:
        lease: dict[str, Any] = {"name": _LEASE, "owner": owner, "until": until, "at": at}
        if self._desk.execute(_TAKE_LEASE, lease).rowcount == 0:
            return []
        return self._desk.execute(_DUE, {"at": at, "most": limit}).build(Message)

    def has_due(self, at: datetime) -> bool:
        return bool(self._desk.execute(_HAS_DUE, {"at": at}).scalar())

    def done(self, message_ids: Sequence[int]) -> None:
        if message_ids:
            self._desk.execute(_SET_DONE, {"ids": ids_text(message_ids)})

    def failed(self, message: Message, error: str, due_at: datetime | None) -> None:
        values = {
            "message_id": message.id,
            "new_state": _DEAD if due_at is None else _PENDING,
            "next": due_at or message.due_at,
            "error": error,
        }
        self._desk.execute(_FAILED, values)

    def list(self, state: MessageState | None, after: int, limit: int) -> list[Message]:
        values: dict[str, Any] = {"after": after, "most": limit}
        if state is None:
            return self._desk.execute(_LIST, values).build(Message)
        values["in_state"] = state
        return self._desk.execute(_LIST_IN, values).build(Message)

    def counts(self) -> dict[MessageState, int]:
        found = {row[0]: row[1] for row in self._desk.execute(_COUNTS).all()}
        return {state: found.get(state, 0) for state in MessageState}

    def revive(self, message_id: int, at: datetime) -> bool:
        values = {"message_id": message_id, "at": at}
        return self._desk.execute(_REVIVE, values).rowcount == 1

    def forget(self, before: datetime) -> int:
        return self._desk.execute(_FORGET, {"before": before}).rowcount

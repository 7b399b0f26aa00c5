"""The outbox in memory."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime

from attrs import evolve, frozen

from campuscore.adapters.memory.store import Lease, Tables
from campuscore.domain.events import Message, MessageState, NewMessage

__all__ = ["MemoryOutbox"]

_LEASE = "outbox"


@frozen
class MemoryOutbox:
    """The port ``Outbox``."""

    tables: Tables

    def add(self, messages: Sequence[NewMessage], at: datetime) -> None:
        for new in messages:
            # Through JSON and back, so that a payload which cannot be stored elsewhere fails here.
            payload = json.loads(json.dumps(new.payload))
            key, due = self.tables.messages.next_id(), new.due_at or at
            row = Message(key, new.topic, new.key, payload, at, due, 0, MessageState.PENDING, "")
            self.tables.messages.put(key, row)

    def take(self, owner: str, at: datetime, until: datetime, limit: int) -> list[Message]:
        lease = self.tables.leases.rows.get(_LEASE)
        if lease is not None and lease.owner != owner and lease.until > at:
            return []
        self.tables.leases.put(_LEASE, Lease(owner, until))
        taken: list[Message] = []
        held: set[str] = set()
        for row in self.list(MessageState.PENDING, 0, len(self.tables.messages.rows)):
            if row.due_at > at:
                held.add(row.key)
            elif row.key not in held:
                taken.append(row)
        return taken[:limit]

    def has_due(self, at: datetime) -> bool:
        return any(
            row.state is MessageState.PENDING and row.due_at <= at
            for row in self.tables.messages.rows.values()
        )

    def done(self, message_ids: Sequence[int]) -> None:
        for key in message_ids:
            row = self.tables.messages.rows.get(key)
            if row is not None:
                self.tables.messages.put(
                    key, evolve(row, state=MessageState.DONE, attempts=row.attempts + 1)
                )

    def failed(self, message: Message, error: str, due_at: datetime | None) -> None:
        row = self.tables.messages.rows.get(message.id)
        if row is None:
            return
        failed = evolve(row, attempts=row.attempts + 1, last_error=error)
        if due_at is None:
            failed.state = MessageState.DEAD
        else:
            failed.due_at = due_at
        self.tables.messages.put(row.id, failed)

    def list(self, state: MessageState | None, after: int, limit: int) -> list[Message]:
        found = [
            row
            for key, row in sorted(self.tables.messages.rows.items())
            if key > after and state in {None, row.state}
        ]
        return deepcopy(found[:limit])

    def counts(self) -> dict[MessageState, int]:
        found = Counter(row.state for row in self.tables.messages.rows.values())
        return {state: found[state] for state in MessageState}

    def revive(self, message_id: int, at: datetime) -> bool:
        row = self.tables.messages.rows.get(message_id)
        if row is None or row.state is not MessageState.DEAD:
            return False
        revived = evolve(row, state=MessageState.PENDING, due_at=at, attempts=0)
        self.tables.messages.put(message_id, revived)
        return True

    def forget(self, before: datetime) -> int:
        old = [
            key
            for key, row in self.tables.messages.rows.items()
            if row.state is MessageState.DONE and row.created_at < before
        ]
        for key in old:
            self.tables.messages.drop(key)
        return len(old)

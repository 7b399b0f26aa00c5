"""The port of the outbox: domain events and due jobs, stored with the change that caused them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from campuscore.domain.events import Message, MessageState, NewMessage

__all__ = ["Outbox"]


class Outbox(Protocol):
    """Messages to deliver at least once, in the order of their ids within a key."""

    def add(self, messages: Sequence[NewMessage], at: datetime) -> None:
        """Store messages in the transaction of the Work."""
        ...

    def take(self, owner: str, at: datetime, until: datetime, limit: int) -> list[Message]:
        """Lease due messages to an owner, by id; none while another owner's lease is running.

        A key whose earlier message still waits for a retry is held back, so that order within a key
        holds. The lease is one for the whole outbox, so there is one runner at a time.
        """
        ...

    def has_due(self, at: datetime) -> bool:
        """Say whether any message is due, whoever holds the lease."""
        ...

    def done(self, message_ids: Sequence[int]) -> None:
        """Store that messages were delivered."""
        ...

    def failed(self, message: Message, error: str, due_at: datetime | None) -> None:
        """Store a failure: try again at ``due_at``, or None to make it a dead letter."""
        ...

    def list(self, state: MessageState | None, after: int, limit: int) -> list[Message]:
        """Return messages in a state (None for any) with ids above ``after``, by id."""
        ...

    def counts(self) -> dict[MessageState, int]:
        """Return how many messages are in each state."""
        ...

    def revive(self, message_id: int, at: datetime) -> bool:
        """Make a dead letter due again; say whether there was one."""
        ...

    def forget(self, before: datetime) -> int:
        """Remove delivered messages created before an instant; return how many."""
        ...

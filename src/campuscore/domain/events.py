"""Domain events and jobs: what the outbox carries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from attrs import define, field, frozen

__all__ = ["JSON", "MAX_ATTEMPTS", "Message", "MessageState", "NewMessage", "back_off"]

JSON: TypeAlias = str | int | float | bool | list["JSON"] | Mapping[str, "JSON"] | None
"""What a message's payload may hold."""

MAX_ATTEMPTS = 8
"""A message that failed so often is a dead letter, kept until somebody retries or drops it."""


class MessageState(StrEnum):
    """Where a message stands."""

    PENDING = "pending"
    DONE = "done"
    DEAD = "dead"


@frozen
class NewMessage:
    """A domain event, or a job when ``due_at`` lies ahead.

    ``topic`` is like ``user.created``; ``key`` names the aggregate it belongs to.
    """

    topic: str
    key: str
    payload: Mapping[str, JSON] = field(factory=dict[str, JSON])
    due_at: datetime | None = None


@define
class Message:
    """A stored message."""

    id: int
    topic: str
    key: str
    payload: Mapping[str, JSON]
    created_at: datetime
    due_at: datetime
    attempts: int
    state: MessageState
    last_error: str


def back_off(attempts: int) -> timedelta:
    """Return how long to wait after the given number of failures: doubling from 2 s to 15 min.

    >>> back_off(1), back_off(3)
    (datetime.timedelta(seconds=2), datetime.timedelta(seconds=8))
    """
    return timedelta(seconds=min(2 ** min(attempts, 16), 900))

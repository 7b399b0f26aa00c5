"""Domain events and jobs: what the outbox carries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from attrs import define, field, fields, frozen

if TYPE_CHECKING:
    from attrs import AttrsInstance

__all__ = [
    "JSON",
    "MAX_ATTEMPTS",
    "Message",
    "MessageState",
    "NewMessage",
    "back_off",
    "changed_fields",
]

_Entity = TypeVar("_Entity", bound="AttrsInstance")

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


def changed_fields(before: _Entity, after: _Entity) -> list[JSON]:
    """Name the fields in which an entity is not what it was.

    >>> changed_fields(NewMessage("a", "1"), NewMessage("b", "1"))
    ['topic']
    """
    names = [each.name for each in fields(type(before))]
    return [name for name in names if getattr(before, name) != getattr(after, name)]


def back_off(attempts: int) -> timedelta:
    """Return how long to wait after the given number of failures: doubling from 2 s to 15 min.

    >>> back_off(1), back_off(3)
    (datetime.timedelta(seconds=2), datetime.timedelta(seconds=8))
    """
    return timedelta(seconds=min(2 ** min(attempts, 16), 900))

"""What the contracts of auth begin with."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve

from campuscore.ports.auth import NewSession
from campuscore.ports.work import Work
from campuscore.testing.contract import NOON

__all__ = [
    "FAMILY",
    "HOUR",
    "NEW",
    "OLD",
    "SEALED",
    "SECOND",
    "WRONG",
    "deactivate",
    "new_session",
    "open_session",
]

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
OLD, NEW, WRONG = b"\0" * 32, b"\x01" * 32, b"\xff" * 32
FAMILY, SEALED = b"\x02" * 32, b"\x03" * 32


def deactivate(work: Work, key: int) -> None:
    """Shut a user out."""
    user = work.users.find(key)
    assert user is not None
    work.users.save(evolve(user, active=False))


def new_session(user: int) -> NewSession:
    """Return a login of an hour at noon."""
    return NewSession(user, FAMILY, OLD, NOON, NOON + HOUR, "127.0.0.1", "Bot/1")


def open_session(work: Work, user: int) -> int:
    """Log a user in, and return the id of the session."""
    return work.sessions.open(new_session(user))

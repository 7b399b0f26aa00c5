"""What every contract is made of: capabilities that an adapter declares, and small campuses."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import ClassVar

import pytest

from campuscore.domain.access import Reach, Scope
from campuscore.domain.attendance import CheckInMethod
from campuscore.domain.days import Days
from campuscore.domain.groups import Membership, NewGroup
from campuscore.domain.paging import Slice
from campuscore.domain.users import NewUser, Role
from campuscore.ports.attendance import Fact
from campuscore.ports.work import Work

__all__ = [
    "EVERYTHING",
    "MONDAY",
    "NOBODY",
    "NOON",
    "TODAY",
    "TOMORROW",
    "WHOLE",
    "YESTERDAY",
    "Contract",
    "add_group",
    "add_user",
    "fact_at",
    "join",
    "on",
]

MONDAY, YESTERDAY, TODAY, TOMORROW = (date(2026, 3, day) for day in (2, 3, 4, 5))
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
EVERYTHING = Scope(Reach.ALL, 0, TODAY)
WHOLE = Slice(1 << 62)
NOBODY = 1 << 40
"""An id that nothing has."""


class Contract:
    """The capabilities an adapter may declare; tests of others are listed as skipped.

    Attributes
    ----------
    concurrent_writers
        Several threads may write at once; they wait for one another.
    snapshot_reads
        A read Work goes on seeing its own state while another thread commits.
    durable
        What was committed is there after the process was killed; needs the fixture ``opener``.
    addresses
        Clients can fetch blobs themselves; without it no blob may have an address.
    """

    concurrent_writers: ClassVar[bool] = False
    snapshot_reads: ClassVar[bool] = False
    durable: ClassVar[bool] = False
    addresses: ClassVar[bool] = False

    def need(self, capability: str) -> None:
        """Skip the test, visibly, where the adapter does not declare a capability."""
        if not getattr(self, capability):
            pytest.skip(f"{type(self).__name__} does not declare {capability!r}")


def add_user(
    work: Work, username: str, role: Role = Role.STUDENT, *, first: str = "", last: str = ""
) -> int:
    """Add a user and return the id."""
    new = NewUser(username=username, first_name=first, last_name=last, role=role)
    return work.users.add(new, NOON).id


def add_group(work: Work, name: str, parent: int | None = None) -> int:
    """Add a group and return the id."""
    return work.groups.add(NewGroup(name=name, parent=parent)).id


def join(
    work: Work,
    group: int,
    user: int,
    role: Role = Role.STUDENT,
    *,
    begin: date = MONDAY,
    end: date | None = None,
) -> None:
    """Make a user a member on the days of [begin, end)."""
    work.memberships.add([Membership(0, group, user, role, begin, end, "manual")])


def fact_at(user: int, at: datetime, days: Days | None = None) -> Fact:
    """Return a check-in of a user at an instant, by default in a campus on UTC."""
    return Fact(user, at, (days or Days()).local(at), CheckInMethod.API)


def on(day: date, hour: int = 9, minute: int = 0, second: int = 0) -> datetime:
    """Return an instant of a day in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(
        hours=hour, minutes=minute, seconds=second
    )

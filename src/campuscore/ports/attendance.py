"""The repositories of check-ins with their day roll-ups, and of attached files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Protocol

from attrs import frozen

from campuscore.domain.access import Scope
from campuscore.domain.attendance import (
    Attachment,
    CheckIn,
    CheckInMethod,
    CheckInQuery,
    DayQuery,
    DayRow,
    NewAttachment,
)
from campuscore.domain.days import LocalMoment
from campuscore.domain.files import Blob
from campuscore.domain.paging import Slice

__all__ = ["Attachments", "CheckIns", "Fact"]


@frozen
class Fact:
    """A check-in on its way into the store, with its local moment in the campus zone."""

    user: int
    at: datetime
    local: LocalMoment
    method: CheckInMethod
    ip_address: str | None = None
    user_agent: str | None = None


class CheckIns(Protocol):
    """Append-only facts, and the roll-up of each user's local day that follows from them."""

    def add(self, facts: Sequence[Fact]) -> list[int]:
        """Store facts and fold them into the roll-ups of their days; return their ids in order.

        Raises
        ------
        NotFound
            A user is not there; ``code`` is ``user_not_found``.
        """
        ...

    def list(self, scope: Scope, query: CheckInQuery, part: Slice) -> list[CheckIn]:
        """Return check-ins within the scope, newest first; the key is (microseconds, id)."""
        ...

    def days(self, scope: Scope, query: DayQuery, part: Slice, files: str) -> Iterator[DayRow]:
        """Yield user-days within the scope by date, then user id, in constant memory.

        Rows name the person's groups of the day: all of them where the scope is everything, and for
        oneself and one's wards; of others those that the scope reaches or one is a member of.

        Parameters
        ----------
        files
            Put before the id of each file to make its address; a slash is put behind.
        part
            The key is (ordinal of the date, user id).
        """
        ...

    def days_json(self, scope: Scope, query: DayQuery, part: Slice, files: str) -> Iterator[str]:
        """Yield runs of the rows of ``days`` as JSON objects joined by commas; no run is empty."""
        ...

    def revision(self) -> int:
        """Return a number that is another one whenever ``days`` may answer otherwise than before.

        Facts recorded within an hour of their instant do not count: they concern the present day.
        """
        ...

    def rebuild(self, zone: str) -> int:
        """Compute every local day and roll-up anew in an IANA time zone; return how many facts."""
        ...


class Attachments(Protocol):
    """Files of a user's local day; the bytes lie in the blob store."""

    def find(self, attachment_id: int) -> Attachment | None:
        """Return the file with this id, unless it was withdrawn."""
        ...

    def list(self, user_id: int, day: date) -> list[Attachment]:
        """Return the files of a user's local day, in the order of their ids."""
        ...

    def add(self, new: NewAttachment, blob: Blob, created_at: datetime) -> Attachment:
        """Store that a blob is a file of a user's day.

        Raises
        ------
        NotFound
            The user is not there; ``code`` is ``user_not_found``.
        """
        ...

    def withdraw(self, attachment_id: int, at: datetime) -> None:
        """Take a file out of every list; that it was there stays on record."""
        ...

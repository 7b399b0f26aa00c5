"""The unit of work: one transaction over all repositories."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self

from campuscore.domain.audit import AuditEntry
from campuscore.domain.auth import OPERATOR, Principal
from campuscore.domain.events import NewMessage
from campuscore.ports.attendance import Attachments, CheckIns
from campuscore.ports.audit import Audit
from campuscore.ports.auth import ApiTokens, Credentials, Sessions
from campuscore.ports.erasure import Erasure
from campuscore.ports.events import Outbox
from campuscore.ports.files import BlobClaims
from campuscore.ports.groups import Groups, Memberships
from campuscore.ports.keys import SigningKeys
from campuscore.ports.packages import Packages
from campuscore.ports.roster import RosterLinks
from campuscore.ports.schedule import Entries, Rooms, Terms
from campuscore.ports.users import Guardians, Users

__all__ = ["CLOSED", "TRY_AGAIN", "Work", "WorkFactory"]

CLOSED = "campus_closed"
"""The code of Unavailable that means: the store was closed, and is not opened again."""

TRY_AGAIN = "try_again"
"""The code of Busy that means: others were faster, do the whole unit of work once more."""


class Work(Protocol):
    """One transaction. Leaving the ``with`` block without ``commit`` undoes everything.

    After a refusal a Work can only be left, unless the refusal came inside a ``savepoint``. Where
    writers do not wait for one another, any call may raise Busy with the code ``TRY_AGAIN``: then
    nothing was stored, and the same Work, done from its beginning, may succeed.

    Example
    -------
    >>> with store.write() as work:                                 # doctest: +SKIP
    ...     work.groups.archive(7)
    ...     work.commit()
    """

    @property
    def users(self) -> Users: ...
    @property
    def guardians(self) -> Guardians: ...
    @property
    def groups(self) -> Groups: ...
    @property
    def memberships(self) -> Memberships: ...
    @property
    def check_ins(self) -> CheckIns: ...
    @property
    def attachments(self) -> Attachments: ...
    @property
    def entries(self) -> Entries: ...
    @property
    def terms(self) -> Terms: ...
    @property
    def rooms(self) -> Rooms: ...
    @property
    def credentials(self) -> Credentials: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def tokens(self) -> ApiTokens: ...
    @property
    def keys(self) -> SigningKeys: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def links(self) -> RosterLinks: ...
    @property
    def packages(self) -> Packages: ...
    @property
    def claims(self) -> BlobClaims: ...
    @property
    def erasure(self) -> Erasure: ...
    @property
    def audit(self) -> Audit: ...

    def emit(self, message: NewMessage) -> None:
        """Collect a domain event; ``commit`` stores it in outbox and audit with the change."""
        ...

    def note(self, entry: AuditEntry) -> None:
        """Collect something for the audit that is no event, such as a refusal."""
        ...

    def savepoint(self) -> AbstractContextManager[None]:
        """Open a part that is undone alone, events included, when its block raises."""
        ...

    def commit(self) -> None:
        """Make everything durable at once; the Work cannot be used afterwards.

        Raises
        ------
        Busy
            Others changed the same at the same time (``TRY_AGAIN``).
        Conflict
            The store refuses the change as a whole.
        """
        ...

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class WorkFactory(Protocol):
    """Opens units of work; entering one after the store was closed is Unavailable (``CLOSED``)."""

    def read(self) -> Work:
        """Open a Work that sees one consistent state and takes no write lock."""
        ...

    def write(self, by: Principal = OPERATOR) -> Work:
        """Open a Work that may write, as if writers took turns.

        What it emits is recorded in the audit as done by this principal.

        Raises
        ------
        Busy
            Another writer held the store for too long.
        """
        ...

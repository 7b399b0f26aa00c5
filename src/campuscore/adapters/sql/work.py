"""A unit of work on one connection; repositories are made when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from campuscore.adapters.sql.attendance import SqlAttachments, SqlCheckIns
from campuscore.adapters.sql.audit import SqlAudit
from campuscore.adapters.sql.auth import SqlApiTokens, SqlCredentials, SqlSessions
from campuscore.adapters.sql.claims import SqlClaims
from campuscore.adapters.sql.directory import Directory
from campuscore.adapters.sql.erasure import SqlErasure
from campuscore.adapters.sql.events import SqlOutbox
from campuscore.adapters.sql.groups import SqlGroups, SqlMemberships
from campuscore.adapters.sql.guardians import SqlGuardians
from campuscore.adapters.sql.keys import SqlSigningKeys
from campuscore.adapters.sql.ledger import Ledger
from campuscore.adapters.sql.packages import SqlPackages
from campuscore.adapters.sql.revision import revise
from campuscore.adapters.sql.roster import SqlRosterLinks
from campuscore.adapters.sql.schedule import SqlEntries, SqlRooms, SqlTerms
from campuscore.adapters.sql.seats import Row, Seat
from campuscore.adapters.sql.trouble import translated
from campuscore.adapters.sql.users import SqlUsers
from campuscore.domain.audit import AuditEntry, entries_of
from campuscore.domain.auth import Principal
from campuscore.domain.events import NewMessage

__all__ = ["SqlWork"]


class SqlWork:
    """One transaction over all repositories."""

    def __init__(
        self,
        row: Row[Any],
        begin: str,
        now: Callable[[], datetime],
        directory: Directory,
        *,
        ledger: Ledger,
        by: Principal,
    ) -> None:
        self._ledger = ledger
        self._by = by
        self._noted: list[AuditEntry] = []
        self._now = now
        self._directory = directory
        self._row = row
        self._begin = begin
        self._events: list[NewMessage] = []
        self._depth = 0

    def __enter__(self) -> Self:
        self._seat: Seat = self._row.take(self._begin)
        self._desk = self._seat.desk
        self._desk.revised.clear()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._row.leave(self._seat)

    def emit(self, message: NewMessage) -> None:
        self._events.append(message)

    def note(self, entry: AuditEntry) -> None:
        self._noted.append(entry)

    @contextmanager
    def savepoint(self) -> Generator[None]:
        collected, noted = len(self._events), len(self._noted)
        self._depth += 1
        name = f"part_{self._depth}"
        self._seat.run(f"SAVEPOINT {name}")
        try:
            with translated():
                yield
        except BaseException:
            self._seat.run(f"ROLLBACK TO {name}")
            del self._events[collected:]
            del self._noted[noted:]
            raise
        finally:
            self._seat.run(f"RELEASE {name}")
            self._depth -= 1

    def commit(self) -> None:
        head, now = None, self._now()
        with translated():
            if self._events:
                self.outbox.add(self._events, now)
            revise(self._desk)
            entries = [*entries_of(self._by, self._events), *self._noted]
            self._events, self._noted = [], []
            if entries:
                head = self._ledger.append(self._seat, entries, now)
            self._seat.run("COMMIT")
        if head is not None:
            self._ledger.settle(head)

    @property
    def users(self) -> SqlUsers:
        return SqlUsers(self._desk)

    @property
    def keys(self) -> SqlSigningKeys:
        return SqlSigningKeys(self._desk)

    @property
    def guardians(self) -> SqlGuardians:
        return SqlGuardians(self._desk)

    @property
    def groups(self) -> SqlGroups:
        return SqlGroups(self._desk)

    @property
    def memberships(self) -> SqlMemberships:
        return SqlMemberships(self._desk)

    @property
    def check_ins(self) -> SqlCheckIns:
        return SqlCheckIns(self._desk, self._now, self._directory)

    @property
    def attachments(self) -> SqlAttachments:
        return SqlAttachments(self._desk)

    @property
    def entries(self) -> SqlEntries:
        return SqlEntries(self._desk)

    @property
    def terms(self) -> SqlTerms:
        return SqlTerms(self._desk)

    @property
    def rooms(self) -> SqlRooms:
        return SqlRooms(self._desk)

    @property
    def credentials(self) -> SqlCredentials:
        return SqlCredentials(self._desk)

    @property
    def sessions(self) -> SqlSessions:
        return SqlSessions(self._desk)

    @property
    def tokens(self) -> SqlApiTokens:
        return SqlApiTokens(self._desk)

    @property
    def outbox(self) -> SqlOutbox:
        return SqlOutbox(self._desk)

    @property
    def links(self) -> SqlRosterLinks:
        return SqlRosterLinks(self._desk)

    @property
    def packages(self) -> SqlPackages:
        return SqlPackages(self._desk)

    @property
    def claims(self) -> SqlClaims:
        return SqlClaims(self._desk)

    @property
    def audit(self) -> SqlAudit:
        return SqlAudit(self._desk, head_is_exact=self._ledger.head_is_exact)

    @property
    def erasure(self) -> SqlErasure:
        return SqlErasure(self._desk)

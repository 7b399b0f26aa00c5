"""The service of attendance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial

from attrs import evolve, field, frozen

from campuscore.domain.access import Scope
from campuscore.domain.attendance import (
    Attachment,
    CheckIn,
    CheckInMethod,
    CheckInQuery,
    DayQuery,
    DayRow,
    NewAttachment,
    NewCheckIn,
)
from campuscore.domain.auth import Origin, Principal
from campuscore.domain.checks import member_of
from campuscore.domain.days import Days
from campuscore.domain.events import JSON, Message, NewMessage
from campuscore.domain.files import Blob
from campuscore.domain.paging import Page, PageRequest, cut_page
from campuscore.errors import Invalid, NotFound, TooLarge
from campuscore.ports.attendance import Fact
from campuscore.ports.files import BlobStore
from campuscore.ports.sheets import SheetWriter
from campuscore.ports.work import Work, WorkFactory
from campuscore.services.attendance.reports import Reports
from campuscore.services.attendance.rules import (
    HEAD,
    Sheet,
    check_users,
    is_own,
    key_of,
    of_one,
    record,
    unnamed,
    without_origin,
    wrong_times,
)
from campuscore.services.intake import Intake
from campuscore.services.policy import PersonTarget, Policy
from campuscore.services.retrying import retrying
from campuscore.services.shelf import Kept, Shelf

__all__ = ["MAX_BULK", "AttendanceService"]

MAX_BULK = 10_000
"""The most check-ins in one call."""

_PAGE = 1000


@frozen
class AttendanceService:
    """Who was evidenced when, and what follows for each local day."""

    store: WorkFactory
    policy: Policy
    days: Days
    blobs: BlobStore
    intake: Intake
    sheets: Mapping[str, SheetWriter]
    max_upload: int
    shelf: Shelf = field(factory=Shelf)

    def check_in(
        self,
        principal: Principal,
        new: NewCheckIn | None = None,
        *,
        method: CheckInMethod = CheckInMethod.API,
        origin: Origin | None = None,
    ) -> CheckIn:
        """Record that a user is here: by default oneself, now.

        Raises
        ------
        Forbidden
            The principal may not record for this user, or not at another time than now.
        Invalid
            The time lies in the future, before 1970, or has no offset.
        NotFound
            There is no such user within the principal's rights.
        """
        try:
            rows = self.check_in_many(
                principal, [new or NewCheckIn()], method=method, origin=origin
            )
        except Invalid as error:
            raise of_one(error) from error
        return rows[0]

    @retrying
    def check_in_many(
        self,
        principal: Principal,
        news: Sequence[NewCheckIn],
        *,
        method: CheckInMethod = CheckInMethod.API,
        origin: Origin | None = None,
    ) -> list[CheckIn]:
        """Record up to 10,000 check-ins, all or none.

        Raises
        ------
        Invalid
            With the path of each bad row. Users that are not there have the code
            ``user_not_found``; where all are seen, but not to be recorded for, it is ``forbidden``.
        Forbidden, TooLarge
            The principal may not do this, or there are more rows than allowed.
        """
        if len(news) > MAX_BULK:
            raise TooLarge(f"at most {MAX_BULK} check-ins at once")
        now = self.days.now()
        may = self.policy.allows(principal, "attendance.record")
        own = [may and is_own(principal, new, now) for new in news]
        self.policy.scope(principal, "attendance.record" if all(own) else "attendance.record_for")
        method = member_of(CheckInMethod, method, "/method")
        wrong = wrong_times(news, now)
        timed = [evolve(new, timestamp=None) if i in wrong else new for i, new in enumerate(news)]
        facts = [self._fact(principal, new, now, method, origin or Origin()) for new in timed]
        faults = [*wrong.values(), *unnamed(principal, news)]
        with self.store.write(principal) as work:
            others = {i: fact for i, fact in enumerate(facts) if not own[i]}
            check_users(work, self.policy, principal, others, faults)
            rows = record(work, facts)
            work.commit()
        return rows

    def list(
        self,
        principal: Principal,
        query: CheckInQuery | None = None,
        page: PageRequest | None = None,
    ) -> Page[CheckIn]:
        """List check-ins within the principal's rights, newest first.

        Address and user agent are None in rows whose origin the principal may not read.

        Raises
        ------
        Invalid
            The last day lies before the first.
        """
        scope = self.policy.scope(principal, "attendance.read")
        query = query or CheckInQuery()
        query.check()
        part = (page or PageRequest()).slice(default=_PAGE, width=2)
        with self.store.read() as work:
            rows = work.check_ins.list(scope, query, part)
        if not self.policy.everywhere(principal, "attendance.origin"):
            own = principal.user_id if self.policy.allows(principal, "attendance.origin") else None
            rows = [row if row.user == own else without_origin(row) for row in rows]
        return cut_page(rows, part, key_of)

    def aggregate(
        self,
        principal: Principal,
        query: DayQuery | None = None,
        page: PageRequest | None = None,
        *,
        files: str = "/attendance/files",
    ) -> Page[DayRow]:
        """Return user-days by date, then user id; ``files`` is put before the ids of files.

        Raises
        ------
        Invalid
            The last day lies before the first.
        """
        scope, query = self._days_scope(principal, query)
        part = (page or PageRequest()).slice(default=_PAGE, width=2)
        with self.store.read() as work:
            rows = list(work.check_ins.days(scope, query, part, files))
        return cut_page(rows, part, lambda row: (row.date.toordinal(), row.id))

    def aggregate_json(
        self, principal: Principal, query: DayQuery | None = None, *, files: str
    ) -> Iterator[bytes] | Kept:
        """Return all user-days as the bytes of a JSON array.

        Days that are over come whole, with a validator, and are kept until the past is revised;
        anything else streams in constant memory. Raises as ``aggregate``.
        """
        scope, query = self._days_scope(principal, query)
        return self._reports.json(scope, query, files)

    def sheet(
        self,
        principal: Principal,
        query: DayQuery | None = None,
        *,
        form: str = "xlsx",
        files: str = "/attendance/files",
    ) -> Sheet:
        """Return the aggregate as a spreadsheet that streams in constant memory.

        Raises
        ------
        Invalid
            There is no such format, or the last day lies before the first.
        """
        scope, query = self._days_scope(principal, query)
        writer = self.sheets.get(form)
        if writer is None:
            raise Invalid.at("/format", f"must be one of {', '.join(sorted(self.sheets))}")
        rows = self._reports.cells(scope, query, files)
        chunks = writer.write("attendance", HEAD, rows)
        return Sheet(f"attendance{writer.suffix}", writer.media_type, chunks)

    def attach_file(
        self, principal: Principal, new: NewAttachment, chunks: Iterable[bytes]
    ) -> Attachment:
        """Attach a file to a user's local day; the bytes stream in constant memory.

        Raises
        ------
        Forbidden, Invalid, NotFound
            The principal may not, a field breaks a rule, or there is no such user.
        TooLarge
            The file is longer than the campus takes.
        """
        new.check()
        target = PersonTarget(new.user, new.date)
        with self.store.read() as work:
            self.policy.require(work, principal, "attendance.attach", target)
        with self.blobs.draft(chunks, self.max_upload) as draft:
            return self.intake.keep(
                [draft], partial(_record_file, new, draft.blob, self.days.now()), principal
            )

    def files(self, principal: Principal, user_id: int, day: date) -> Sequence[Attachment]:
        """List the files of a user's local day; NotFound as ``check_in``."""
        with self.store.read() as work:
            self.policy.require(work, principal, "attendance.read", PersonTarget(user_id, day))
            return work.attachments.list(user_id, day)

    def open_file(
        self, principal: Principal, attachment_id: int
    ) -> tuple[Attachment, Iterator[bytes]]:
        """Return a file and its bytes in blocks, or raise NotFound."""
        with self.store.read() as work:
            row = self._attachment(work, principal, "attendance.read", attachment_id)
        return row, self.blobs.open(row.sha256)

    def fetch_file(
        self, principal: Principal, attachment_id: int
    ) -> tuple[Attachment, str | Iterator[bytes]]:
        """Return a file and where a client can fetch it, or else its bytes as ``open_file``."""
        with self.store.read() as work:
            row = self._attachment(work, principal, "attendance.read", attachment_id)
        address = self.blobs.address(row.sha256, row.filename, row.content_type)
        return row, address or self.blobs.open(row.sha256)

    @retrying
    def withdraw_file(self, principal: Principal, attachment_id: int) -> None:
        """Take a file out of every list, or raise NotFound."""
        with self.store.write(principal) as work:
            row = self._attachment(work, principal, "attendance.withdraw", attachment_id)
            work.attachments.withdraw(attachment_id, self.days.now())
            work.emit(NewMessage("file.withdrawn", str(row.user), {"id": attachment_id}))
            work.commit()

    @retrying
    def rebuild(self, principal: Principal) -> int:
        """Compute every local day anew, as after a change of the campus time zone."""
        self.policy.scope(principal, "attendance.rebuild")
        with self.store.write(principal) as work:
            count = work.check_ins.rebuild(self.days.zone.key)
            work.emit(NewMessage("attendance.rebuilt", "attendance", {"count": count}))
            work.commit()
        return count

    @retrying
    def record_login_later(self, message: Message) -> None:
        """Record a login's check-in that failed with its login; the outbox calls this."""
        payload = message.payload
        at = datetime.fromisoformat(str(payload["at"]))
        address, agent = payload.get("ip_address"), payload.get("user_agent")
        fact = Fact(
            int(message.key),
            at,
            self.days.local(at),
            CheckInMethod.LOGIN,
            str(address) if address else None,
            str(agent) if agent else None,
        )
        with self.store.write() as work:
            record(work, [fact])
            work.commit()

    def _days_scope(self, principal: Principal, query: DayQuery | None) -> tuple[Scope, DayQuery]:
        scope = self.policy.scope(principal, "attendance.read")
        query = query or DayQuery()
        query.check()
        return scope, query

    @property
    def _reports(self) -> Reports:
        return Reports(self.store, self.days, self.shelf)

    def _fact(
        self, who: Principal, new: NewCheckIn, now: datetime, method: CheckInMethod, origin: Origin
    ) -> Fact:
        at = new.timestamp.astimezone(UTC) if new.timestamp else now
        user = who.user_id if new.user is None else new.user
        address, agent = origin.ip_address, origin.user_agent
        return Fact(user, at, self.days.local(at), method, address, agent)

    def _attachment(
        self, work: Work, principal: Principal, action: str, attachment_id: int
    ) -> Attachment:
        self.policy.scope(principal, action)
        row = work.attachments.find(attachment_id)
        gone = NotFound(f"there is no file {attachment_id}", code="file_not_found")
        if row is None:
            raise gone
        try:
            self.policy.require(work, principal, action, PersonTarget(row.user, row.date))
        except NotFound as error:
            raise gone from error
        return row


def _record_file(new: NewAttachment, blob: Blob, at: datetime, work: Work) -> Attachment:
    row = work.attachments.add(new, blob, at)
    payload: dict[str, JSON] = {"id": row.id, "date": row.date.isoformat()}
    work.emit(NewMessage("file.attached", str(row.user), payload))
    return row

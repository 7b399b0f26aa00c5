"""The audit, as administrators read it."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from campuscore.domain.audit import GENESIS, AuditHead, AuditQuery, AuditRecord, AuditVerdict
from campuscore.domain.auth import Principal
from campuscore.domain.checks import check_span
from campuscore.domain.days import Days
from campuscore.domain.paging import Page, PageRequest, cut_page
from campuscore.errors import CampusError
from campuscore.ports.work import Work, WorkFactory
from campuscore.services.policy import Policy
from campuscore.services.refusals import Refusals

__all__ = ["AuditService"]

_PAGE = 100


@frozen
class AuditService:
    """Who did what, and what was refused, in records that prove one another."""

    store: WorkFactory
    policy: Policy
    days: Days
    refusals: Refusals

    def list(
        self, principal: Principal, query: AuditQuery | None = None, page: PageRequest | None = None
    ) -> Page[AuditRecord]:
        """List records, newest first; needs ``audit.read``.

        Raises
        ------
        Forbidden, Invalid
            The principal may not, or the dates are in the wrong order.
        """
        self.policy.scope(principal, "audit.read")
        query, page = query or AuditQuery(), page or PageRequest()
        check_span(query.begin, query.end, "/to")
        part = page.slice(default=_PAGE, width=1)
        begin = None if query.begin is None else self.days.start_of(query.begin)
        end = None if query.end is None else self.days.end_of(query.end)
        before = part.after[0] if part.after else None
        with self.store.read() as work:
            rows = work.audit.list(query, begin, end, before, part.limit)
        return cut_page(rows, part, lambda row: (row.number,))

    def head(self, principal: Principal) -> AuditHead:
        """Return number and digest of the newest record, to be kept elsewhere as an anchor."""
        self.policy.scope(principal, "audit.read")
        with self.store.read() as work:
            return work.audit.head()

    def verify(self, principal: Principal, anchor: AuditHead | None = None) -> AuditVerdict:
        """Look at every record, and name the first that was changed, removed or put in.

        Parameters
        ----------
        principal
            Who asks; needs ``audit.read``.
        anchor
            A head that was noted before; it still has to be part of the chain. Without one, a
            chain that was made anew from some record on looks whole: nobody can tell who only
            looks at the database.
        """
        self.policy.scope(principal, "audit.read")
        with self.store.read() as work:
            return _verdict(work, anchor)

    def refused(self, principal: Principal, action: str, error: CampusError) -> None:
        """Note a refusal that a front end made or saw, unless it was noted where it was made."""
        self.refusals.note(principal, action, "", error)

    def settle(self) -> None:
        """Write down what was refused: front ends call this when a request is over."""
        self.refusals.settle()


def _verdict(work: Work, anchor: AuditHead | None) -> AuditVerdict:
    head, before, count = work.audit.head(), GENESIS, 0
    known = {each.number: each.digest for each in (head, anchor) if each is not None}
    for record in work.audit.walk():
        problem = _problem(record, count + 1, before, known)
        if problem:
            return AuditVerdict(head, count, count + 1, problem)
        before, count = bytes.fromhex(record.digest), count + 1
    if max(known) > count:
        return AuditVerdict(head, count, count + 1, "is missing")
    if count and not head.number:
        return AuditVerdict(head, count, count, "is the newest, and no head says so")
    return AuditVerdict(AuditHead(count, before.hex() if count else ""), count)


def _problem(record: AuditRecord, number: int, before: bytes, known: Mapping[int, str]) -> str:
    if record.number != number:
        return "is missing"
    if record.follows(before).hex() != record.digest:
        return "was changed, or one before it was"
    if known.get(number, record.digest) != record.digest:
        return "is not the one that was noted"
    return ""

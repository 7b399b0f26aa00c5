"""The audit, as administrators read it."""

from __future__ import annotations

from attrs import frozen

from campuscore.domain.audit import AuditHead, AuditQuery, AuditRecord, AuditVerdict, verdict_of
from campuscore.domain.auth import Principal
from campuscore.domain.checks import check_span
from campuscore.domain.days import Days
from campuscore.domain.paging import Page, PageRequest, cut_page
from campuscore.errors import CampusError, Unavailable
from campuscore.ports.work import WorkFactory
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
        """Return number and digest of the newest record, to be kept elsewhere as an anchor.

        Raises
        ------
        Forbidden, Unavailable
            The principal may not, or somebody removed what is known of the newest record.
        """
        self.policy.scope(principal, "audit.read")
        with self.store.read() as work:
            head = work.audit.head()
        if head is None:
            raise Unavailable("the head of the audit is gone", code="audit_broken")
        return head

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
            return verdict_of(
                work.audit.walk(), work.audit.head(), anchor, exact=work.audit.head_is_exact
            )

    def refused(self, principal: Principal, action: str, error: CampusError) -> None:
        """Note a refusal that a front end made or saw, unless it was noted where it was made."""
        self.refusals.note(principal, action, "", error)

    def settle(self) -> None:
        """Write down what was refused: front ends call this when a request is over."""
        self.refusals.settle()

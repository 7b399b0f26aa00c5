"""The audit over HTTP."""

from __future__ import annotations

from datetime import date

from campuscore.adapters.http.route import PAGING, Ask, Param, Route
from campuscore.domain.audit import AuditQuery, AuditRecord, Outcome

__all__ = ["ROUTES"]

_PARAMS = (
    Param("user", int, "Only what this user did or was refused; 0 is the operator, -1 is nobody."),
    Param("action", str, "Only this action, or those that begin so, such as session."),
    Param("target", str, "Only what was about this, such as the id of a user, or group:7."),
    Param("outcome", Outcome, "done or refused."),
    Param("from", date, "From this local date on."),
    Param("to", date, "Up to this local date, included."),
    *PAGING,
)


def list_records(ask: Ask) -> list[AuditRecord]:
    values = ask.values()
    page = ask.page(values)
    begin, end = values.pop("from", None), values.pop("to", None)
    query = AuditQuery(begin=begin, end=end, **values)
    return ask.rows(ask.campus.audit.list(ask.principal, query, page))


ROUTES = (
    Route(
        method="GET",
        path="/audit/",
        action="audit.read",
        handler=list_records,
        summary="List who did what, and what was refused, newest first.",
        answer=list[AuditRecord],
        params=_PARAMS,
    ),
)

"""The rules of recording and reporting that need no store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from attrs import evolve, frozen

from campuscore.domain.attendance import CheckIn, DayRow, NewCheckIn
from campuscore.domain.auth import Principal
from campuscore.domain.events import JSON, NewMessage
from campuscore.errors import CampusError, Forbidden, Invalid, NotFound, Problem
from campuscore.ports.attendance import Fact
from campuscore.ports.sheets import Cell
from campuscore.ports.work import Work
from campuscore.services.policy import Policy

__all__ = [
    "HEAD",
    "Sheet",
    "cells",
    "check_users",
    "is_own",
    "key_of",
    "of_one",
    "record",
    "unnamed",
    "without_origin",
    "wrong_times",
]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CLOCK_SKEW = timedelta(minutes=5)
_MICROSECOND = timedelta(microseconds=1)

HEAD = (
    "id",
    "username",
    "full_name",
    "group",
    "date",
    "morning_entry",
    "afternoon_entry",
    "files",
)


@frozen
class Sheet:
    """A spreadsheet on its way out."""

    filename: str
    media_type: str
    chunks: Iterator[bytes]


def record(work: Work, facts: Sequence[Fact]) -> list[CheckIn]:
    """Store facts, tell about them, and return them as check-ins."""
    if not facts:
        return []
    ids = work.check_ins.add(facts)
    first = facts[0]
    payload: dict[str, JSON] = {"first": ids[0], "last": ids[-1], "count": len(ids)}
    work.emit(
        NewMessage("checkin.recorded", str(first.user) if len(facts) == 1 else "bulk", payload)
    )
    return [
        CheckIn(i, f.user, f.at, f.method, f.ip_address, f.user_agent)
        for i, f in zip(ids, facts, strict=True)
    ]


def is_own(principal: Principal, new: NewCheckIn, now: datetime) -> bool:
    """Say whether a row is about the principal at (about) the present time."""
    mine = new.user is None or new.user == principal.user_id
    if not mine or new.timestamp is None or new.timestamp.tzinfo is None:
        return mine
    return abs(new.timestamp - now) <= CLOCK_SKEW


def wrong_times(news: Sequence[NewCheckIn], now: datetime) -> dict[int, Problem]:
    """Return, by its number, what is wrong with every row whose time cannot be."""
    latest = now + CLOCK_SKEW
    problems: dict[int, Problem] = {}
    for i, new in enumerate(news):
        if new.timestamp is None:
            continue
        if new.timestamp.tzinfo is None:
            problems[i] = Problem(f"/{i}/timestamp", "needs an offset, such as Z or +03:00")
        elif new.timestamp < EPOCH:
            problems[i] = Problem(f"/{i}/timestamp", "lies before 1970")
        elif new.timestamp > latest:
            problems[i] = Problem(f"/{i}/timestamp", "lies in the future")
    return problems


def unnamed(principal: Principal, news: Sequence[NewCheckIn]) -> list[Problem]:
    """Return the rows about oneself of the operator, who is no user."""
    if principal.user_id > 0:
        return []
    text = "the operator is no user; name one"
    return [Problem(f"/{i}/user", text) for i, new in enumerate(news) if new.user is None]


def check_users(
    work: Work,
    policy: Policy,
    principal: Principal,
    facts: Mapping[int, Fact],
    faults: Sequence[Problem] = (),
) -> None:
    """Raise Invalid with every row, by its number, about a user whom one may not record for.

    Rows that have other faults are told of together with these.
    """
    bad = _beyond(work, policy, principal, "attendance.record_for", facts)
    hidden = _beyond(work, policy, principal, "users.read", {i: facts[i] for i in bad})
    problems = [
        Problem(
            f"/{i}/user",
            f"there is no user {facts[i].user}"
            if i in hidden
            else f"you may not record this for user {facts[i].user}",
        )
        for i in bad
    ]
    if faults:
        raise Invalid(*faults, *problems)
    if problems:
        code = "user_not_found" if hidden else Forbidden.default_code
        whom = str(facts[bad[0]].user)
        error = Invalid(*problems, code=code)
        raise policy.note(principal, "attendance.record_for", whom, error)


def _beyond(
    work: Work, policy: Policy, principal: Principal, action: str, facts: Mapping[int, Fact]
) -> list[int]:
    """Return the numbers of the rows that are out of the action's reach."""
    scope = policy.find_scope(principal, action) if facts else None
    if scope is None:
        return list(facts)
    days = {i: scope.today if scope.everything else f.local.day for i, f in facts.items()}
    wanted: dict[date, set[int]] = {}
    for i, fact in facts.items():
        wanted.setdefault(days[i], set()).add(fact.user)
    reached = {
        (day, user)
        for day, users in wanted.items()
        for user in work.users.reached(scope, sorted(users), day)
    }
    return [i for i, fact in facts.items() if (days[i], fact.user) not in reached]


def of_one(error: Invalid) -> CampusError:
    """Turn the fault of row 0 of a bulk call into the fault of a single call."""
    alone: CampusError = Invalid(
        *(Problem(p.path.removeprefix("/0"), p.detail) for p in error.problems)
    )
    if error.code == "user_not_found":
        alone = NotFound(error.problems[0].detail, code=error.code)
    elif error.code == Forbidden.default_code:
        alone = Forbidden(error.problems[0].detail)
    alone.noted = error.noted
    return alone


def key_of(row: CheckIn) -> tuple[int, int]:
    """Return what lists of check-ins are ordered by."""
    return (row.timestamp - EPOCH) // _MICROSECOND, row.id


def without_origin(row: CheckIn) -> CheckIn:
    """Hide where a check-in came from."""
    return evolve(row, ip_address=None, user_agent=None)


def cells(row: DayRow) -> tuple[Cell, ...]:
    """Return a row of the sheet."""
    return (
        row.id,
        row.username,
        row.full_name,
        row.group,
        row.date.isoformat(),
        row.morning_entry.isoformat() if row.morning_entry else None,
        row.afternoon_entry.isoformat() if row.afternoon_entry else None,
        "\n".join(row.files),
    )

"""The audit: who did what, or was refused, in records that prove one another.

Each record carries the SHA-256 of the digest before it together with its own content, so that a
record cannot be changed, removed or put in between without breaking every one that follows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from enum import StrEnum

from attrs import define, evolve, field, frozen

from campuscore.domain.auth import Principal
from campuscore.domain.events import JSON, NewMessage

__all__ = [
    "GENESIS",
    "AuditEntry",
    "AuditHead",
    "AuditQuery",
    "AuditRecord",
    "AuditVerdict",
    "Outcome",
    "Unreadable",
    "chained",
    "entries_of",
    "verdict_of",
]

GENESIS = "0" * 64
"""The digest that the first record follows."""

_FACTS = frozenset({"checkin.recorded"})
"""Events of facts that are records of their own; one's own are not told a second time."""

_LONGEST, _LONGEST_WORD = 512, 100


class Outcome(StrEnum):
    """How it went."""

    DONE = "done"
    REFUSED = "refused"


@frozen(kw_only=True)
class AuditEntry:
    """Something to record: who (``user``, in whose name an ``actor``), by what means, from where.

    ``action`` is a topic such as ``user.created``, or the right that was missing; ``target`` is
    what it was about; ``count`` is how many alike this stands for.
    """

    user: int
    action: str
    target: str
    outcome: Outcome = Outcome.DONE
    code: str = ""
    actor: int | None = None
    method: str = "operator"
    session: int | None = None
    detail: Mapping[str, JSON] = field(factory=dict[str, JSON], eq=False)
    count: int = 1
    ip_address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None

    @classmethod
    def by(cls, principal: Principal, action: str, target: str) -> AuditEntry:
        """Make an entry of what a principal did or was refused."""
        origin = principal.origin
        return cls(
            user=principal.user_id,
            action=_storable(action, _LONGEST_WORD),
            target=_storable(target),
            actor=principal.actor,
            method=principal.method,
            session=principal.session_id,
            ip_address=_storable(origin.ip_address) if origin and origin.ip_address else None,
            user_agent=_storable(origin.user_agent) if origin and origin.user_agent else None,
            request_id=_storable(origin.request_id) if origin and origin.request_id else None,
        )

    def refused(self, code: str) -> AuditEntry:
        """Return this as something that was refused."""
        return evolve(self, outcome=Outcome.REFUSED, code=_storable(code, _LONGEST_WORD))

    def alike(self) -> AuditEntry:
        """Return what it has in common with others of the same caller, place, action and code."""
        return evolve(self, target="", session=None, user_agent=None, request_id=None)


@define
class AuditRecord:
    """A stored entry, with its place in the chain and the digest that leads to the next."""

    number: int
    at: datetime
    user: int
    actor: int | None
    method: str
    session: int | None
    action: str
    target: str
    outcome: Outcome
    code: str
    detail: Mapping[str, JSON]
    count: int
    ip_address: str | None
    user_agent: str | None
    request_id: str | None
    digest: str

    @property
    def content(self) -> bytes:
        """What the digest is over: all fields but the digest, as JSON with sorted members."""
        value = {
            "number": self.number,
            "at": self.at.astimezone(UTC).isoformat(),
            "user": self.user,
            "actor": self.actor,
            "method": self.method,
            "session": self.session,
            "action": self.action,
            "target": self.target,
            "outcome": str(self.outcome),
            "code": self.code,
            "detail": self.detail,
            "count": self.count,
            "ip_address": self.ip_address,
            "user_agent": self.user_agent,
            "request_id": self.request_id,
        }
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()

    def follows(self, before: str) -> str:
        """Return the digest that this record has to have after the digest before."""
        return hashlib.sha256(before.encode() + self.content).hexdigest()


@frozen
class Unreadable:
    """A stored record that holds what no record can hold, or not as it was written."""

    number: int


@frozen
class AuditHead:
    """The newest record: its number, 0 for none, and its digest in hexadecimal."""

    number: int
    digest: str

    def __str__(self) -> str:
        """Write it as one notes it elsewhere."""
        return f"{self.number}:{self.digest}"


@frozen
class AuditVerdict:
    """What a look at the whole chain found: the first record that is wrong, and how."""

    head: AuditHead
    records: int
    broken_at: int | None = None
    problem: str = ""

    @property
    def is_whole(self) -> bool:
        """Say whether nothing is wrong."""
        return self.broken_at is None


@frozen(kw_only=True)
class AuditQuery:
    """Which records to list; ``action`` may be the beginning of one, such as ``session.``."""

    user: int | None = None
    action: str = ""
    target: str = ""
    outcome: Outcome | None = None
    begin: date | None = None
    end: date | None = None


def chained(head: AuditHead, entries: Iterable[AuditEntry], at: datetime) -> list[AuditRecord]:
    """Return entries as the records that follow a head."""
    before = head.digest or GENESIS
    found: list[AuditRecord] = []
    for number, entry in enumerate(entries, head.number + 1):
        record = AuditRecord(
            number,
            at,
            entry.user,
            entry.actor,
            entry.method,
            entry.session,
            entry.action,
            entry.target,
            entry.outcome,
            entry.code,
            json.loads(json.dumps(entry.detail)),
            entry.count,
            entry.ip_address,
            entry.user_agent,
            entry.request_id,
            "",
        )
        before = record.digest = record.follows(before)
        found.append(record)
    return found


def verdict_of(
    records: Iterable[AuditRecord | Unreadable],
    head: AuditHead | None,
    anchor: AuditHead | None = None,
    *,
    exact: bool,
) -> AuditVerdict:
    """Judge a whole chain by its head, which is ``exact`` where no record can be behind it."""
    before, count = GENESIS, 0
    known = {each.number: each.digest for each in (head, anchor) if each and each.number}
    noted = head or AuditHead(0, "")
    for record in records:
        problem = _problem(record, count + 1, before, known)
        if problem or isinstance(record, Unreadable):
            return AuditVerdict(noted, count, min(record.number, count + 1), problem)
        before, count = record.digest, count + 1
    if count < max(known, default=0):
        return AuditVerdict(noted, count, count + 1, "is missing")
    if head is None:
        return AuditVerdict(noted, count, count, "is the newest, but the head is gone")
    if exact and head.number < count:
        return AuditVerdict(noted, count, head.number + 1, "was put in behind the head")
    return AuditVerdict(AuditHead(count, before if count else ""), count)


def _problem(
    record: AuditRecord | Unreadable, number: int, before: str, known: Mapping[int, str]
) -> str:
    if record.number > number:
        return "is missing"
    if record.number < number:
        return "was put in"
    if isinstance(record, Unreadable):
        return "was changed: it cannot be read"
    if record.follows(before) != record.digest:
        return "was changed, or one before it was"
    if known.get(number, record.digest) != record.digest:
        return "is not the one that was noted"
    return ""


def entries_of(principal: Principal, messages: Iterable[NewMessage]) -> list[AuditEntry]:
    """Return what is to be recorded of the events of a unit of work.

    Left out are jobs, and facts that the principal recorded of themselves: check-ins are immutable
    records already, with who, when and from where.
    """
    return [
        evolve(AuditEntry.by(principal, message.topic, message.key), detail=message.payload)
        for message in messages
        if message.due_at is None and not _is_own_fact(principal, message)
    ]


def _storable(text: str, longest: int = _LONGEST) -> str:
    """Return a text that every store takes: bounded, without NUL and lone surrogates."""
    cut = text[:longest].replace("\0", "\N{REPLACEMENT CHARACTER}")
    return cut.encode("utf-8", "replace").decode()


def _is_own_fact(principal: Principal, message: NewMessage) -> bool:
    return message.topic in _FACTS and message.key == str(principal.user_id)

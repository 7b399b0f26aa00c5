"""Check-ins, day roll-ups and attachments in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from copy import copy
from datetime import UTC, date, datetime, time, timedelta

from attrs import asdict, evolve, frozen

from campuscore.adapters.memory.access import Sight, see, with_groups_below
from campuscore.adapters.memory.store import Tables
from campuscore.domain.access import Reach, Scope
from campuscore.domain.attendance import (
    Attachment,
    CheckIn,
    CheckInQuery,
    DayQuery,
    DayRow,
    NewAttachment,
)
from campuscore.domain.days import Days, find_zone
from campuscore.domain.files import Blob
from campuscore.domain.paging import Slice
from campuscore.domain.users import Role, username_key
from campuscore.ports.attendance import Fact

__all__ = ["MemoryAttachments", "MemoryCheckIns"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_RUN = 100

Key = tuple[date, int]


@frozen
class MemoryCheckIns:
    """The port ``CheckIns``; a roll-up is folded from the facts whenever it is asked for."""

    tables: Tables

    def add(self, facts: Sequence[Fact]) -> list[int]:
        for fact in facts:
            self.tables.require_user(fact.user)
        keys = [self.tables.facts.next_id() for _ in facts]
        for key, fact in zip(keys, facts, strict=True):
            self.tables.facts.put(key, evolve(fact, at=fact.at.astimezone(UTC)))
        return keys

    def list(self, scope: Scope, query: CheckInQuery, part: Slice) -> list[CheckIn]:
        chosen = _Choice(see(self.tables, scope), query, None)
        found = [
            (_micros(fact), key, fact)
            for key, fact in self.tables.facts.rows.items()
            if chosen.takes(fact.user, fact.local.day) and self._has_files(fact, query)
        ]
        if part.after:
            found = [row for row in found if row[:2] < part.after]
        found.sort(key=lambda row: row[:2], reverse=True)
        return [
            CheckIn(key, f.user, f.at, f.method, f.ip_address, f.user_agent)
            for _, key, f in found[: part.limit]
        ]

    def days(self, scope: Scope, query: DayQuery, part: Slice, files: str) -> Iterator[DayRow]:
        chosen = _Choice(see(self.tables, scope), query, query.role)
        days: dict[Key, list[Fact]] = {}
        for fact in self.tables.facts.rows.values():
            if chosen.takes(fact.user, fact.local.day):
                days.setdefault((fact.local.day, fact.user), []).append(fact)
        keys = sorted(days)
        if part.after:
            keys = [key for key in keys if (key[0].toordinal(), key[1]) > part.after]
        named = see(self.tables, evolve(scope, reach=scope.reach | Reach.FELLOW))
        return iter([self._row(key, days[key], files, named) for key in keys[: part.limit]])

    def days_json(self, scope: Scope, query: DayQuery, part: Slice, files: str) -> Iterator[str]:
        texts = [_encode(row) for row in self.days(scope, query, part, files)]
        for start in range(0, len(texts), _RUN):
            yield ",".join(texts[start : start + _RUN])

    def revision(self) -> int:
        return self.tables.log.changes

    def rebuild(self, zone: str) -> int:
        days = Days(find_zone(zone))
        for key, fact in list(self.tables.facts.rows.items()):
            self.tables.facts.put(key, evolve(fact, local=days.local(fact.at)))
        return len(self.tables.facts.rows)

    def _has_files(self, fact: Fact, query: CheckInQuery) -> bool:
        wanted = query.has_files
        return wanted is None or wanted is bool(self.tables.files_of(fact.user, fact.local.day))

    def _row(self, key: Key, facts: Sequence[Fact], files: str, named: Sight) -> DayRow:
        day, user_id = key
        user = self.tables.users.rows[user_id]
        groups = {row.group for row in self.tables.groups_of(user_id, day)}
        if not (named.scope.everything or user_id in {named.scope.user, *named.wards}):
            groups &= named.shared | named.led
        names = sorted({self.tables.groups.rows[each].name for each in groups})
        first: dict[bool, time] = {}
        for fact in sorted(facts, key=lambda f: f.at):
            first.setdefault(fact.local.is_afternoon, fact.local.clock)
        return DayRow(
            user_id,
            user.username,
            user.full_name,
            ", ".join(names),
            day,
            first.get(False),
            first.get(True),
            [f"{files}/{row.id}/" for row in self.tables.files_of(user_id, day)],
        )


@frozen
class MemoryAttachments:
    """The port ``Attachments``."""

    tables: Tables

    def find(self, attachment_id: int) -> Attachment | None:
        gone = attachment_id in self.tables.withdrawn.rows
        return None if gone else self.tables.attachments.find(attachment_id)

    def list(self, user_id: int, day: date) -> list[Attachment]:
        return [copy(row) for row in self.tables.files_of(user_id, day)]

    def add(self, new: NewAttachment, blob: Blob, created_at: datetime) -> Attachment:
        self.tables.require_user(new.user)
        row = Attachment(
            self.tables.attachments.next_id(),
            new.user,
            new.date,
            new.filename,
            blob.size,
            new.content_type,
            blob.sha256,
            created_at,
        )
        self.tables.attachments.put(row.id, row)
        return row

    def withdraw(self, attachment_id: int, at: datetime) -> None:
        if self.find(attachment_id) is not None:
            self.tables.withdrawn.put(attachment_id, at)


@frozen
class _Choice:
    """Which user-days a scope and a query choose together."""

    sight: Sight
    query: CheckInQuery | DayQuery
    role: Role | None

    def takes(self, user_id: int, day: date) -> bool:
        return (
            self._in_range(day)
            and self._is_asked_for(user_id)
            and self._was_member(user_id, day)
            and self.sight.covers_person(user_id, day)
        )

    def _in_range(self, day: date) -> bool:
        since, until = self.query.since, self.query.until
        return (since is None or since <= day) and (until is None or day <= until)

    def _is_asked_for(self, user_id: int) -> bool:
        query, user = self.query, self.sight.tables.users.rows[user_id]
        if query.user is not None and user_id != query.user:
            return False
        if query.username is not None and username_key(user.username) != username_key(
            query.username
        ):
            return False
        return self.role is None or user.role is self.role

    def _was_member(self, user_id: int, day: date) -> bool:
        if self.query.group is None:
            return True
        tree = with_groups_below(self.sight.tables, self.query.group)
        return any(row.group in tree for row in self.sight.tables.groups_of(user_id, day))


def _micros(fact: Fact) -> int:
    return (fact.at - _EPOCH) // _MICROSECOND


def _encode(row: DayRow) -> str:
    return json.dumps(asdict(row), default=_text, ensure_ascii=False, separators=(",", ":"))


def _text(value: date | time) -> str:
    return value.isoformat()

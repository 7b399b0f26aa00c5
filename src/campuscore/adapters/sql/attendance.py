"""Check-ins, their day roll-ups, and attachments in SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    Integer,
    bindparam,
    delete,
    insert,
    select,
    type_coerce,
    update,
)

from campuscore.adapters.sql.days import SqlDays
from campuscore.adapters.sql.desk import Desk
from campuscore.adapters.sql.directory import Directory
from campuscore.adapters.sql.revision import revision_of
from campuscore.adapters.sql.rollups import UPSERT, fold
from campuscore.adapters.sql.scope import people_of_group, people_within, scope_values
from campuscore.adapters.sql.tables import attachments, check_ins, day_rollups, users
from campuscore.adapters.sql.trouble import translated
from campuscore.domain.access import Reach, Scope
from campuscore.domain.attendance import (
    Attachment,
    CheckIn,
    CheckInMethod,
    CheckInQuery,
    DayQuery,
    DayRow,
    NewAttachment,
)
from campuscore.domain.days import Days
from campuscore.domain.files import Blob
from campuscore.domain.paging import Slice
from campuscore.domain.users import username_key
from campuscore.errors import NotFound
from campuscore.ports.attendance import Fact

__all__ = ["SqlAttachments", "SqlCheckIns"]

_CHECK_IN = tuple(check_ins.c)[:6]
_ATTACHMENT = tuple(attachments.c)[:8]
_BATCH = 5000
_PRESENT = timedelta(hours=1)

_ADD = insert(check_ins)
_WIPE = delete(day_rollups)
_FACTS = (
    select(check_ins.c.id, check_ins.c.user_id, check_ins.c.at)
    .where(check_ins.c.id > bindparam("after"))
    .order_by(check_ins.c.id)
    .limit(_BATCH)
)
_MOVE = (
    update(check_ins)
    .where(check_ins.c.id == bindparam("moved"))
    .values(day=bindparam("new_day", type_=check_ins.c.day.type))
)

_FIND_FILE = select(*_ATTACHMENT).where(
    attachments.c.id == bindparam("file_id"), attachments.c.withdrawn_at.is_(None)
)
_LIST_FILES = (
    select(*_ATTACHMENT)
    .where(
        attachments.c.user_id == bindparam("of_user"),
        attachments.c.day == bindparam("on_day", type_=attachments.c.day.type),
        attachments.c.withdrawn_at.is_(None),
    )
    .order_by(attachments.c.id)
)
_ADD_FILE = insert(attachments)
_WITHDRAW = (
    update(attachments)
    .where(attachments.c.id == bindparam("file_id"), attachments.c.withdrawn_at.is_(None))
    .values(withdrawn_at=bindparam("at", type_=attachments.c.withdrawn_at.type))
)


class SqlCheckIns:
    """The repository of check-ins and day roll-ups."""

    def __init__(self, desk: Desk, now: Callable[[], datetime], directory: Directory) -> None:
        self._desk = desk
        self._now = now
        self._directory = directory

    def add(self, facts: Sequence[Fact]) -> list[int]:
        if not facts:
            return []
        values = [
            {
                "user_id": fact.user,
                "at": fact.at,
                "method": fact.method,
                "ip_address": fact.ip_address,
                "user_agent": fact.user_agent,
                "day": fact.local.day,
            }
            for fact in facts
        ]
        with translated(missing=_no_user()):
            ids = [*self._desk.insert_many(_ADD, values)]
            self._desk.execute_many(UPSERT, fold(facts))
        if min(fact.at for fact in facts) < self._now() - _PRESENT:
            self._desk.revised.add("days")
        return ids

    def list(self, scope: Scope, query: CheckInQuery, part: Slice) -> list[CheckIn]:
        statement = _list(scope.reach, _shape(query), part.after is not None)
        after = part.after or (0, 0)
        values = {
            **scope_values(scope),
            "of_user": query.user,
            "named": username_key(query.username or ""),
            "first_day": query.since,
            "last_day": query.until,
            "of_group": query.group,
            "after_at": after[0],
            "after_id": after[1],
            "most": part.limit,
        }
        return self._desk.execute(statement, values).build(CheckIn)

    def days(self, scope: Scope, query: DayQuery, part: Slice, files: str) -> Iterator[DayRow]:
        return SqlDays(self._desk, self._directory).rows(scope, query, part, files)

    def days_json(self, scope: Scope, query: DayQuery, part: Slice, files: str) -> Iterator[str]:
        return SqlDays(self._desk, self._directory).texts(scope, query, part, files)

    def revision(self) -> int:
        return revision_of(self._desk, "days")

    def rebuild(self, zone: str) -> int:
        self._desk.revised.add("days")
        days = Days(ZoneInfo(zone))
        self._desk.execute(_WIPE)
        count = last = 0
        while rows := self._desk.execute(_FACTS, {"after": last}).all():
            local = [days.local(at) for _, _, at in rows]
            facts = [
                Fact(user, at, moment, CheckInMethod.IMPORT)
                for (_, user, at), moment in zip(rows, local, strict=True)
            ]
            moves = [
                {"moved": row[0], "new_day": moment.day}
                for row, moment in zip(rows, local, strict=True)
            ]
            self._desk.execute_many(_MOVE, moves)
            self._desk.execute_many(UPSERT, fold(facts))
            count, last = count + len(rows), rows[-1][0]
        return count


class SqlAttachments:
    """The repository of attached files."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def find(self, attachment_id: int) -> Attachment | None:
        row = self._desk.execute(_FIND_FILE, {"file_id": attachment_id}).first()
        return None if row is None else Attachment(*row)

    def list(self, user_id: int, day: date) -> list[Attachment]:
        values = {"of_user": user_id, "on_day": day}
        return self._desk.execute(_LIST_FILES, values).build(Attachment)

    def add(self, new: NewAttachment, blob: Blob, created_at: datetime) -> Attachment:
        row = Attachment(
            0,
            new.user,
            new.date,
            new.filename,
            blob.size,
            new.content_type,
            blob.sha256,
            created_at,
        )
        values = {
            "user_id": row.user,
            "day": row.date,
            "filename": row.filename,
            "size": row.size,
            "content_type": row.content_type,
            "sha256": row.sha256,
            "created_at": created_at,
        }
        with translated(missing=_no_user()):
            row.id = self._desk.insert(_ADD_FILE, values)
        self._desk.revised.add("days")
        return row

    def withdraw(self, attachment_id: int, at: datetime) -> None:
        self._desk.revised.add("days")
        self._desk.execute(_WITHDRAW, {"file_id": attachment_id, "at": at})


def _shape(query: CheckInQuery) -> frozenset[str]:
    """Name the filters that a query uses, so that each combination is one cached statement."""
    given = {
        "user": query.user is not None,
        "username": query.username is not None,
        "since": query.since is not None,
        "until": query.until is not None,
        "group": query.group is not None,
        "with_files": query.has_files is True,
        "without_files": query.has_files is False,
    }
    return frozenset(name for name, used in given.items() if used)


@cache
def _list(reach: Reach, shape: frozenset[str], after: bool) -> Any:  # noqa: FBT001
    statement = (
        select(*_CHECK_IN)
        .where(people_within(reach, check_ins.c.user_id, check_ins.c.day))
        .where(*(condition for name, condition in _FILTERS.items() if name in shape))
        .order_by(check_ins.c.at.desc(), check_ins.c.id.desc())
        .limit(bindparam("most", type_=Integer))
    )
    if after:
        at = type_coerce(check_ins.c.at, Integer)
        after_at = bindparam("after_at", type_=Integer)
        after_id = bindparam("after_id", type_=Integer)
        statement = statement.where(at <= after_at, (at < after_at) | (check_ins.c.id < after_id))
    return statement


_files_of_day = (
    select(attachments.c.id)
    .where(
        attachments.c.user_id == check_ins.c.user_id,
        attachments.c.day == check_ins.c.day,
        attachments.c.withdrawn_at.is_(None),
    )
    .exists()
)
_FILTERS = {
    "user": check_ins.c.user_id == bindparam("of_user"),
    "username": check_ins.c.user_id.in_(
        select(users.c.id).where(users.c.username_key == bindparam("named"))
    ),
    "since": check_ins.c.day >= bindparam("first_day", type_=check_ins.c.day.type),
    "until": check_ins.c.day <= bindparam("last_day", type_=check_ins.c.day.type),
    "group": people_of_group(check_ins.c.user_id, check_ins.c.day),
    "with_files": _files_of_day,
    "without_files": ~_files_of_day,
}


def _no_user() -> NotFound:
    return NotFound("there is no such user", code="user_not_found")

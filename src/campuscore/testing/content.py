"""Something of every kind in a store, and all that can be read of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from attrs import evolve

from campuscore.domain.attendance import CheckInQuery, DayQuery
from campuscore.domain.auth import ApiToken, SessionEnd
from campuscore.domain.events import NewMessage
from campuscore.domain.groups import NewGroup
from campuscore.domain.schedule import EntryQuery, NewEntry, NewRoom, NewTerm
from campuscore.domain.users import UserQuery
from campuscore.ports.auth import NewSession
from campuscore.ports.work import Work
from campuscore.testing.attendance import attach
from campuscore.testing.contract import (
    EVERYTHING,
    MONDAY,
    NOON,
    TODAY,
    WHOLE,
    YESTERDAY,
    add_group,
    add_user,
    fact_at,
    join,
)
from campuscore.testing.packages import new_dist

__all__ = ["change_everything", "content_of"]


def change_everything(work: Work, name: str) -> None:
    """Change what is stored, where something is, and add something of every kind."""
    _change_what_is_there(work)
    user = add_user(work, name)
    group = add_group(work, name)
    join(work, group, user)
    work.check_ins.add([fact_at(user, NOON), fact_at(user, NOON - timedelta(hours=4))])
    attach(work, user, TODAY)
    _add_timetable(work, name, group)
    _add_access(work, name, user)
    work.outbox.add([NewMessage(f"added.{name}", name)], NOON)
    work.links.add("sds", "user", {name: user})
    project = work.packages.add(name, name, user, NOON)
    for version in ("1", "2"):
        work.packages.add_file(new_dist(project, version, uploader=user))
    for until in (NOON, NOON + timedelta(days=1)):
        work.claims.add(name.encode().hex().ljust(64, "0"), until)


def content_of(work: Work) -> Sequence[object]:
    """Return all that the repositories show."""
    users = work.users.list(EVERYTHING, UserQuery(active=None), WHOLE)
    keys = [user.id for user in users]
    return [
        users,
        work.groups.list(EVERYTHING, WHOLE),
        work.memberships.of_source("manual", MONDAY),
        work.check_ins.list(EVERYTHING, CheckInQuery(), WHOLE),
        list(work.check_ins.days(EVERYTHING, DayQuery(), WHOLE, "/files")),
        [work.attachments.list(key, TODAY) for key in keys],
        work.entries.list(EVERYTHING, EntryQuery(), WHOLE),
        work.terms.list(),
        work.rooms.list(),
        [work.credentials.find_of(key) for key in keys],
        [work.sessions.list(key, NOON) for key in keys],
        list(work.tokens.list(None)),
        work.outbox.list(None, 0, 1000),
        work.links.of("sds", "user"),
        projects := work.packages.all(),
        [work.packages.files(project.id) for project in projects],
        work.claims.ended(NOON + timedelta(days=2), 1000),
    ]


def _add_timetable(work: Work, name: str, group: int) -> None:
    term = work.terms.add(NewTerm(name=name, first_day=MONDAY, last_day=TODAY))
    work.groups.add(NewGroup(name=f"of {name}", term=term.id))
    room = work.rooms.add(NewRoom(name=name))
    work.entries.add(NewEntry(group=group, title=name, date=TODAY, room=room.id))


def _add_access(work: Work, name: str, user: int) -> None:
    work.credentials.set(user, name, NOON)
    digest = name.encode().ljust(32)
    expires_at = NOON + timedelta(days=1)
    work.sessions.open(NewSession(user, digest, digest, NOON, expires_at, None, None))
    work.tokens.add(ApiToken(0, user, name, ("*",), NOON, None, None), digest)


def _change_what_is_there(work: Work) -> None:
    for user in work.users.list(EVERYTHING, UserQuery(), WHOLE):
        _change_of(work, user.id)
        work.users.save(evolve(user, username=f"{user.username}x", active=False))
    for group in work.groups.list(EVERYTHING, WHOLE):
        work.groups.save(evolve(group, name=f"{group.name}x"))
    for entry in work.entries.list(EVERYTHING, EntryQuery(), WHOLE):
        work.entries.remove(entry.id)
        work.groups.archive(entry.group)
    for term in work.terms.list():
        work.terms.save(evolve(term, code="x"))
    for room in work.rooms.list():
        work.rooms.remove(room.id)
    for project in work.packages.all():
        first, *others = work.packages.files(project.id)
        work.packages.yank(project.id, [first.id], "changed")
        work.packages.remove_files(project.id, [file.id for file in others], NOON)
    for sha256 in work.claims.ended(NOON, 1000):
        work.claims.forget(sha256, NOON)
    work.check_ins.rebuild("Pacific/Kiritimati")
    work.outbox.done([message.id for message in work.outbox.list(None, 0, 1000)])


def _change_of(work: Work, user: int) -> None:
    for row in work.attachments.list(user, TODAY):
        work.attachments.withdraw(row.id, NOON)
    memberships = work.memberships.of_source("manual", MONDAY)
    work.memberships.end([row.id for row in memberships if row.user == user], YESTERDAY)
    work.credentials.set(user, "changed", NOON)
    work.sessions.end_all(user, NOON, SessionEnd.LOGOUT)
    for token in work.tokens.list(user):
        work.tokens.touch(token.id, NOON)

"""Erasure in SQL; references are taken away before what they point to."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import bindparam, delete, false, null, or_, select, true, update

from campuscore.adapters.sql.desk import Desk
from campuscore.adapters.sql.dialects import among, ids_text
from campuscore.adapters.sql.tables import (
    api_tokens,
    attachments,
    check_ins,
    credentials,
    day_rollups,
    dist_files,
    entries,
    groups,
    guardianships,
    memberships,
    projects,
    rooms,
    roster_links,
    sessions,
    terms,
    users,
)
from campuscore.adapters.sql.trouble import translated
from campuscore.errors import Conflict
from campuscore.ports.erasure import Dependent, Erasable

__all__ = ["SqlErasure"]

_KINDS = {
    "user": "users",
    "group": "groups",
    "term": "terms",
    "room": "rooms",
    "project": "projects",
}


def _in(column: Any, kind: str) -> Any:
    return among(column, f"{kind}_ids")


_USER, _GROUP = _in(memberships.c.user_id, "users"), _in(memberships.c.group_id, "groups")
_MEMBERS = select(memberships.c.user_id, memberships.c.group_id).where(
    or_(_USER & ~_GROUP, ~_USER & _GROUP),
    memberships.c.end_day > bindparam("day", type_=memberships.c.end_day.type),
)
_GROUPS = select(groups.c.id, groups.c.name).where(
    ~_in(groups.c.id, "groups"),
    groups.c.archived == false(),
    or_(_in(groups.c.parent_id, "groups"), _in(groups.c.term_id, "terms")),
)
_ENTRIES = select(entries.c.id, entries.c.title).where(
    ~_in(entries.c.group_id, "groups"), _in(entries.c.room_id, "rooms")
)
_UPLOADS = select(dist_files.c.id, dist_files.c.filename).where(
    _in(dist_files.c.project_id, "projects"),
    dist_files.c.removed_at.is_(None),
    dist_files.c.uploader_id.is_not(None),
    ~_in(dist_files.c.uploader_id, "users"),
)
_NAMED = (
    select(attachments.c.sha256)
    .where(_in(attachments.c.user_id, "users"))
    .union(
        select(dist_files.c.sha256).where(_in(dist_files.c.project_id, "projects")),
        select(dist_files.c.metadata).where(_in(dist_files.c.project_id, "projects")),
    )
)
_DISOWN: tuple[Any, ...] = (
    update(dist_files).where(_in(dist_files.c.uploader_id, "users")).values(uploader_id=null()),
    update(projects).where(_in(projects.c.owner_id, "users")).values(owner_id=null()),
    update(groups)
    .where(
        _in(groups.c.parent_id, "groups"),
        or_(groups.c.archived == true(), _in(groups.c.id, "groups")),
    )
    .values(parent_id=null()),
    update(groups)
    .where(_in(groups.c.term_id, "terms"), groups.c.archived == true())
    .values(term_id=null()),
)
_OF_USERS = (
    attachments,
    check_ins,
    day_rollups,
    api_tokens,
    sessions,
    credentials,
)
_DELETE: tuple[Any, ...] = (
    delete(dist_files).where(_in(dist_files.c.project_id, "projects")),
    delete(projects).where(_in(projects.c.id, "projects")),
    delete(entries).where(_in(entries.c.group_id, "groups")),
    delete(memberships).where(or_(_USER, _GROUP)),
    *(delete(table).where(_in(table.c.user_id, "users")) for table in _OF_USERS),
    delete(guardianships).where(
        or_(_in(guardianships.c.guardian_id, "users"), _in(guardianships.c.student_id, "users"))
    ),
    delete(groups).where(_in(groups.c.id, "groups")),
    delete(terms).where(_in(terms.c.id, "terms")),
    delete(rooms).where(_in(rooms.c.id, "rooms")),
    delete(users).where(_in(users.c.id, "users")),
    *(
        delete(roster_links).where(roster_links.c.kind == link, _in(roster_links.c.target_id, kind))
        for link, kind in _KINDS.items()
    ),
)


class SqlErasure:
    """The port ``Erasure``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def dependents(self, what: Erasable, day: date) -> list[Dependent]:
        values = {**_values(what), "day": day}
        found = [
            Dependent("membership", user, f"user {user} in group {group}")
            for user, group in self._desk.execute(_MEMBERS, values).all()
        ]
        for kind, statement, words in (
            ("group", _GROUPS, "group {} ({})"),
            ("entry", _ENTRIES, "schedule entry {} ({})"),
            ("file", _UPLOADS, "package file {1}"),
        ):
            rows = self._desk.execute(statement, values).all()
            found += [Dependent(kind, row[0], words.format(*row)) for row in rows]
        return sorted(found, key=lambda each: (each.kind, each.id, each.detail))

    def erase(self, what: Erasable) -> list[str]:
        values = _values(what)
        names = sorted(self._desk.execute(_NAMED, values).scalars())
        refers = Conflict("something that stays refers to this", code="reference_missing")
        with translated(missing=refers):
            for statement in (*_DISOWN, *_DELETE):
                self._desk.execute(statement, values)
        self._desk.revised |= {"days", "people", "packages"}
        return names


def _values(what: Erasable) -> dict[str, Any]:
    return {f"{kind}_ids": ids_text(sorted(getattr(what, kind))) for kind in _KINDS.values()}

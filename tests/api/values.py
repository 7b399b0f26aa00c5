"""Values that mean something, by where they go in a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from attrs import frozen
from tests.http.client import multipart
from tests.http.forms import parts_of
from tests.index.dists import Dist, sdist

from .sides import PASSWORD, Side
from .stage import Stage

__all__ = ["Values", "values_of"]

Pool = Mapping[str, Sequence[Any]]

_NUMBERS = count(1)
_STRANGE = {
    "version": ["9.9"],
    "filename": ["unknown-1.0.tar.gz"],
    "name": ["unknown", "Un_Known"],
    "password": ["short"],
    "old_password": ["wrong"],
    "refresh": ["unknown"],
    "parent": [None],
    "room": [None],
    "term": [None],
    "limit": [1, 2],
    "active": ["false", "true"],
    "format": ["text/html", "application/vnd.pypi.simple.v1+json"],
    "user": ["nobody"],
    "end": ["08:00:00"],
    "title": ["=1+1"],
}
"""What else is tried, by the name of the field or parameter; unknown ids are generated."""


@frozen
class Values:
    """Values by the names of path and query parameters and of the fields of bodies.

    The first ones of a side do what an operation is for. ``files`` are path parameters that mean a
    file of the index only together; ``uploads`` are forms with a package, with their content type.
    """

    path: Pool
    query: Pool
    body: Pool
    files: Sequence[Mapping[str, str]]
    uploads: Sequence[tuple[bytes, str]]

    def joined(self, other: Values) -> Values:
        """Return the values of both, and strange ones."""
        return Values(
            _joined(self.path, other.path),
            _joined(self.query, other.query),
            _joined(self.body, other.body),
            [*self.files, *other.files],
            [*self.uploads, *other.uploads],
        )


def _joined(one: Pool, other: Pool) -> dict[str, Sequence[Any]]:
    return {name: [*one[name], *other[name], *_STRANGE.get(name, ())] for name in one}


def values_of(stage: Stage, side: Side) -> Values:
    """Return what there is on a side; the caller's own things are on the near one."""
    ids = _ids(side)
    if stage.caller is not None and side is stage.near:
        ids["user_id"].append(stage.caller.user)
        ids["session_id"].insert(0, stage.caller.session)
    return Values(
        path=ids | _in_paths(side),
        query=_in_queries(side, ids),
        body={**_of_people(side), **_of_plans(ids), **_of_rights(stage, side, ids)},
        files=list(_addresses(side)),
        uploads=[multipart(*parts_of(dist)) for dist in _uploads(side)],
    )


def _ids(side: Side) -> dict[str, list[Any]]:
    people = ("student", "classmate", "guardian", "assistant", "teacher", "device")
    users = [side.users[who] for who in people]
    return {
        "user_id": users,
        "guardian_id": [side.users["guardian"], *users[:2]],
        "group_id": list(side.groups.values()),
        "entry_id": side.entries.copy(),
        "file_id": side.files.copy(),
        "session_id": side.sessions.copy(),
        "token_id": [minted.id for minted in side.minted.values()],
        "room_id": side.rooms.copy(),
        "term_id": side.terms.copy(),
    }


def _in_paths(side: Side) -> dict[str, Sequence[Any]]:
    names = [dist.filename for dist in side.dists]
    return {
        "name": [side.project, side.project.replace("-", "_")],
        "version": ["1.0", "1"],
        "filename": [*names, f"{names[0]}.metadata"],
    }


def _in_queries(side: Side, ids: Pool) -> dict[str, Sequence[Any]]:
    today, yesterday = (side.today - timedelta(days=number) for number in (0, 1))
    return {
        "user": [*ids["user_id"], side.name("student")],
        "group": ids["group_id"],
        "date": [today.isoformat(), yesterday.isoformat()],
        "from": [yesterday.isoformat()],
        "to": [today.isoformat(), yesterday.isoformat()],
        "has_files": ["true", "false"],
        "search": [side.text("directory"), "student"],
        "role": ["student", "guardian"],
        "limit": [1000],
        "active": ["all"],
        "format": ["csv", "xlsx"],
        "keep_tokens": ["true"],
        "filename": [dist.filename for dist in side.dists],
        "target": [f"group:{ids['group_id'][0]}", *ids["user_id"]],
        "action": ["session", "user.created"],
        "outcome": ["done", "refused"],
    }


def _of_people(side: Side) -> dict[str, Sequence[Any]]:
    new = f"new{next(_NUMBERS)}"
    return {
        "username": [new, side.name("student")],
        "first_name": ["Ana", ""],
        "last_name": ["Lee", "O'Neil"],
        "role": ["student", "teacher", "guardian"],
        "email": ["a@x.example", ""],
        "locale": ["ru-RU", ""],
        "active": [True, False],
        "password": [PASSWORD],
    }


def _of_plans(ids: Pool) -> dict[str, Sequence[Any]]:
    """Return values for groups and the timetable."""
    now = datetime.now(UTC)
    today = now.date().isoformat()
    return {
        "name": [f"Lab {next(_NUMBERS)}", "=1+1"],
        "title": ["Lab"],
        "code": ["L3", ""],
        "kind": ["lab", "course"],
        "parent": [None, *ids["group_id"]],
        "group": ids["group_id"],
        "capacity": [20, None],
        "room": ids["room_id"],
        "term": ids["term_id"],
        "date": [today],
        "start": ["09:00:00", None],
        "end": ["10:30:00", None],
        "first_day": [today],
        "last_day": [today],
        "timestamp": [None, (now - timedelta(hours=1)).isoformat()],
        "expires_at": [None, (now + timedelta(days=1)).isoformat()],
    }


def _of_rights(stage: Stage, side: Side, ids: Pool) -> dict[str, Sequence[Any]]:
    """Return values for logins, and for who is meant; the far side's secrets are not known."""
    return {
        "user_id": ids["user_id"],
        "user": ids["user_id"],
        "old_password": [PASSWORD],
        "new_password": ["quiet otter lantern 37"],
        "keep_tokens": [True, False],
        "refresh": [side.logins["student"].refresh if side is stage.near else "unknown"],
        "scopes": [["*"], ["attendance.read"], [f"packages.upload:{side.project}"]],
        "yanked": [True, False],
        "reason": ["to see what they see"],
        "filename": [None, *(dist.filename for dist in side.dists)],
        "minutes": [5, 60],
    }


def _addresses(side: Side) -> Iterator[dict[str, str]]:
    for dist in side.dists:
        name = dist.sha256
        parts = {"first": name[:2], "second": name[2:4], "rest": name[4:]}
        yield {"name": side.project, "filename": dist.filename, **parts}


def _uploads(side: Side) -> Iterator[Dist]:
    """Return a new version, a file that is there already, and a new project."""
    number = next(_NUMBERS)
    yield side.dist(f"2.{number}")
    yield side.dists[0]
    yield sdist(f"fresh_{number}", "1.0")

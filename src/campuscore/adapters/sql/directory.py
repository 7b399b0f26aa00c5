"""What rows of days show of people: names, and the groups of each day; looked up once, then kept.

Looking up groups for each row is what an aggregate costs most. People change seldom, so that what
is known of them is kept for a revision of ``people``, which every change of them moves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from attrs import define, field, frozen
from sqlalchemy import Integer, func, literal, select, type_coerce

from campuscore.adapters.sql.columns import OPEN_END
from campuscore.adapters.sql.desk import Desk
from campuscore.adapters.sql.dialects import among, bytewise, ids_text
from campuscore.adapters.sql.revision import revision_of
from campuscore.adapters.sql.tables import groups, memberships, users

__all__ = ["Directory", "Entry"]

_PEOPLE = select(
    users.c.id,
    users.c.username,
    func.trim(users.c.last_name + literal(" ") + users.c.first_name),
).where(among(users.c.id, "ids"))
_SPANS = (
    select(
        memberships.c.user_id,
        groups.c.id,
        groups.c.name,
        type_coerce(memberships.c.begin_day, Integer),
        type_coerce(memberships.c.end_day, Integer),
    )
    .join(groups, groups.c.id == memberships.c.group_id)
    .where(among(memberships.c.user_id, "ids"))
    .order_by(memberships.c.user_id, bytewise(groups.c.name))
)

Span = tuple[int, str, int, int]


@frozen
class Stretch:
    """Days on which somebody's groups are the same; ``text`` begins the JSON of their rows."""

    until: int
    groups: tuple[tuple[int, str], ...]
    names: str
    text: str


@frozen
class Entry:
    """A person: how rows name them, and their groups on each stretch of days.

    Of the groups, rows tell those that are ``seen``, which is None where all are.
    """

    username: str
    full_name: str
    head: str
    stretches: tuple[Stretch, ...]

    def groups_on(self, day: int, seen: frozenset[int] | None) -> str:
        """Return the names of the groups of a day, joined."""
        stretch = self._on(day)
        return stretch.names if seen is None else _joined(stretch.groups, seen)

    def text_on(self, day: int, seen: frozenset[int] | None) -> str:
        """Return the beginning of the JSON of a row of a day: the person and the groups."""
        stretch = self._on(day)
        if seen is None:
            return stretch.text
        return self.head + _quote(_joined(stretch.groups, seen))

    def _on(self, day: int) -> Stretch:
        for stretch in self.stretches:
            if day < stretch.until:
                return stretch
        return self.stretches[-1]


@define
class Directory:
    """The entries that were looked up, for all threads of a process."""

    _kept: tuple[int, dict[int, Entry]] = field(init=False, factory=lambda: (-1, {}))

    def look_up(self, desk: Desk, ids: Iterable[int]) -> Mapping[int, Entry]:
        """Return entries of at least these users, as the transaction at the desk sees them."""
        entries = self._known(desk)
        missing = {user for user in ids if user not in entries}
        if missing:
            entries.update(_load(desk, missing))
        return entries

    def _known(self, desk: Desk) -> dict[int, Entry]:
        """Return what is known at the transaction's revision; nothing while it changes people."""
        if "people" in desk.revised:
            return {}
        revision = revision_of(desk, "people")
        known, entries = self._kept  # read once: another thread may replace the pair
        if revision == known:
            return entries
        fresh: dict[int, Entry] = {}
        if revision > known:
            self._kept = (revision, fresh)
        return fresh


def _load(desk: Desk, ids: set[int]) -> dict[int, Entry]:
    values = {"ids": ids_text(sorted(ids))}
    spans: dict[int, list[Span]] = {}
    for user, group, name, begin, end in desk.execute(_SPANS, values).all():
        spans.setdefault(user, []).append((group, name, begin, end))
    return {
        user: _entry(user, username, full_name, spans.get(user, []))
        for user, username, full_name in desk.execute(_PEOPLE, values).all()
    }


def _entry(user: int, username: str, full_name: str, spans: list[Span]) -> Entry:
    head = f'{{"id":{user},"username":{_quote(username)},"full_name":{_quote(full_name)},"group":'
    edges = sorted({edge for *_, begin, end in spans for edge in (begin, end)} | {OPEN_END})
    stretches: list[Stretch] = []
    last = 0
    for edge in edges:
        held = tuple((group, name) for group, name, begin, end in spans if begin <= last < end)
        names = _joined(held)
        stretches.append(Stretch(edge, held, names, head + _quote(names)))
        last = edge
    return Entry(username, full_name, head, tuple(stretches))


def _joined(held: Iterable[tuple[int, str]], seen: frozenset[int] | None = None) -> str:
    return ", ".join(dict.fromkeys(n for group, n in held if seen is None or group in seen))


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)

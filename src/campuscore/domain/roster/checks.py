"""Whether a roster is whole: keys, fields, references."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from attrs import frozen

from campuscore.domain.groups import MEMBER_ROLES
from campuscore.domain.roster.records import (
    Place,
    Roster,
    RosterGroup,
    RosterMembership,
    RosterTerm,
    RosterUser,
)
from campuscore.domain.users import Role, username_key
from campuscore.errors import Invalid, Problem

__all__ = ["check"]

_SOURCE = re.compile(r"[\w.-]{1,50}")
_NOT_BY_FILE = frozenset({Role.ADMIN, Role.DEVICE})
_LONGEST_KEY = 200
_KEY_RULE = f"must have from 1 to {_LONGEST_KEY} characters"


def check(roster: Roster) -> list[Problem]:
    """Return every broken rule, each with file, line and column.

    Parameters
    ----------
    roster
        What the files say; nothing is compared with what stands.
    """
    found = dict.fromkeys(_Check(roster).run())
    told = Counter(problem.path for problem in found)
    # Where the key is the name, the name's own rule has said it already.
    return [p for p in found if p.detail != _KEY_RULE or told[p.path] == 1]


@frozen
class _Check:
    roster: Roster

    def run(self) -> Iterator[Problem]:
        roster = self.roster
        if not _SOURCE.fullmatch(roster.source):
            yield Problem("source", "must be 1 to 50 letters, digits, dots, dashes or underscores")
        yield from self._keys("term", roster.terms)
        yield from self._unlike("term.name", ((t.name, t.place) for t in roster.terms))
        yield from self._keys("group", roster.groups)
        yield from self._keys("user", roster.users)
        names = ((username_key(u.username), u.place) for u in roster.users)
        yield from self._unlike("user.username", names)
        yield from self._fields()
        yield from self._tree()
        yield from self._memberships()

    def _keys(
        self, kind: str, records: Iterable[RosterUser | RosterGroup | RosterTerm]
    ) -> Iterator[Problem]:
        rows = [(r.key, r.place) for r in records]
        for key, place in rows:
            if not key or len(key) > _LONGEST_KEY:
                yield self._at(place, f"{kind}.key", _KEY_RULE)
        yield from self._unlike(f"{kind}.key", rows)

    def _unlike(self, field: str, rows: Iterable[tuple[str, Place]]) -> Iterator[Problem]:
        seen: dict[str, Place] = {}
        for value, place in rows:
            if not value:
                continue
            first = seen.setdefault(value, place)
            if first is not place:
                text = f"{value!r} is already in {first.file}, line {first.line}"
                yield self._at(place, field, text)

    def _fields(self) -> Iterator[Problem]:
        for term in self.roster.terms:
            yield from self._renamed("term", term.place, term)
        for group in self.roster.groups:
            yield from self._renamed("group", group.place, group)
        for user in self.roster.users:
            yield from self._renamed("user", user.place, user)
            if user.role in _NOT_BY_FILE:
                text = f"a roster cannot make somebody {user.role}; do it by hand"
                yield self._at(user.place, "user.role", text)

    def _renamed(
        self, kind: str, place: Place, record: RosterUser | RosterGroup | RosterTerm
    ) -> Iterator[Problem]:
        """Give the problems of an entity's own check the path of the file."""
        new = record.new(None, None) if isinstance(record, RosterGroup) else record.new()
        try:
            new.check()
        except Invalid as error:
            for problem in error.problems:
                yield self._at(place, kind + problem.path.replace("/", "."), problem.detail)

    def _tree(self) -> Iterator[Problem]:
        groups = {g.key: g for g in self.roster.groups}
        terms = {t.key for t in self.roster.terms}
        for group in self.roster.groups:
            if group.parent_key and group.parent_key not in groups:
                yield self._dangling(group.place, "group.parent_key", "group", group.parent_key)
            elif _is_in_circle(group, groups):
                yield self._at(group.place, "group.parent_key", "the group hangs under itself")
            if group.term_key and group.term_key not in terms:
                yield self._dangling(group.place, "group.term_key", "term", group.term_key)

    def _memberships(self) -> Iterator[Problem]:
        groups = {g.key for g in self.roster.groups}
        users = {u.key for u in self.roster.users}
        seen: dict[tuple[str, str, Role], list[RosterMembership]] = {}
        for row in self.roster.memberships:
            if row.group_key not in groups:
                yield self._dangling(row.place, "membership.group_key", "group", row.group_key)
            if row.user_key not in users:
                yield self._dangling(row.place, "membership.user_key", "user", row.user_key)
            yield from self._member_rules(row)
            others = seen.setdefault((row.group_key, row.user_key, row.role), [])
            for other in others:
                if _overlap(row, other):
                    text = f"repeats {other.place.file}, line {other.place.line}"
                    yield self._at(row.place, "membership.user_key", text)
                    break
            others.append(row)

    def _member_rules(self, row: RosterMembership) -> Iterator[Problem]:
        if row.role not in MEMBER_ROLES:
            text = f"{row.role} cannot be held in a group"
            yield self._at(row.place, "membership.role", text)
        if row.begin is not None and row.end is not None and row.end <= row.begin:
            yield self._at(row.place, "membership.end", "is not after the beginning")

    def _dangling(self, place: Place, field: str, kind: str, key: str) -> Problem:
        return self._at(place, field, f"refers to {kind} {key!r}, which the roster does not have")

    def _at(self, place: Place, field: str, detail: str) -> Problem:
        return Problem(self.roster.path(place, field), detail)


def _is_in_circle(group: RosterGroup, groups: Mapping[str, RosterGroup]) -> bool:
    seen: set[str] = set()
    above = groups.get(group.parent_key)
    while above is not None and above.key not in seen:
        if above.key == group.key:
            return True
        seen.add(above.key)
        above = groups.get(above.parent_key)
    return False


def _overlap(one: RosterMembership, other: RosterMembership) -> bool:
    return _starts_before_end(one, other) and _starts_before_end(other, one)


def _starts_before_end(one: RosterMembership, other: RosterMembership) -> bool:
    return (one.begin or date.min) < (other.end or date.max)

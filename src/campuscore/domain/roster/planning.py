"""Which record of a roster is which of ours, and whether the change would be sound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from attrs import field, frozen

from campuscore.domain.groups import Group
from campuscore.domain.roster.records import Roster, RosterGroup, RosterTerm, RosterUser
from campuscore.domain.roster.records import group_name_key as name_key
from campuscore.domain.schedule import Term
from campuscore.domain.users import User, username_key
from campuscore.errors import Invalid, Problem

__all__ = ["Match", "Plan", "Standing", "plan"]

_DEEPEST = 32


class _Entity(Protocol):
    id: int


R = TypeVar("R")
E = TypeVar("E")
N = TypeVar("N", bound=_Entity)


@frozen(kw_only=True)
class Standing:
    """What stands before an import.

    ``*_by_key`` follow the source's links, ``users_by_name`` and ``terms_by_name`` find what may be
    adopted. ``groups`` are all that are not archived; ``group_ids`` may name archived ones.
    """

    users_by_key: Mapping[str, User] = field(factory=dict[str, User])
    users_by_name: Mapping[str, User] = field(factory=dict[str, User])
    terms_by_key: Mapping[str, Term] = field(factory=dict[str, Term])
    terms_by_name: Mapping[str, Term] = field(factory=dict[str, Term])
    group_ids: Mapping[str, int] = field(factory=dict[str, int])
    groups: Mapping[int, Group] = field(factory=dict[int, Group])


@frozen
class Match(Generic[R, E]):
    """A record with what stands for it: nothing yet, or something to compare and maybe adopt."""

    record: R
    entity: E | None
    linked: bool
    skipped: str = ""

    @property
    def note(self) -> str:
        """What a report says about how the match came about."""
        adopted = "adopted: it stood already" if self.entity is not None and not self.linked else ""
        return self.skipped or adopted


@frozen
class Plan:
    """All matches, in an order in which they can be stored: parents come before children."""

    terms: tuple[Match[RosterTerm, Term], ...]
    groups: tuple[Match[RosterGroup, Group], ...]
    users: tuple[Match[RosterUser, User], ...]


def plan(roster: Roster, standing: Standing) -> Plan:
    """Compare a checked roster with what stands.

    Raises
    ------
    Invalid
        A username or a term's name belongs to somebody else here, the name of a group could mean
        several, or the tree of groups would have a circle or be too deep.
    """
    problems: list[Problem] = []
    terms = [_match_term(roster, standing, term, problems) for term in roster.terms]
    users = _match_users(roster, standing, problems)
    groups = _match_groups(roster, standing, problems)
    problems += _check_tree(roster, standing, groups)
    if problems:
        raise Invalid(*problems)
    return Plan(tuple(terms), tuple(groups), tuple(users))


def _match_users(
    roster: Roster, standing: Standing, problems: list[Problem]
) -> list[Match[RosterUser, User]]:
    claimed = _ids(standing.users_by_key, (u.key for u in roster.users))
    matches: list[Match[RosterUser, User]] = []
    for user in roster.users:
        own = standing.users_by_key.get(user.key)
        named = standing.users_by_name.get(username_key(user.username))
        if named is not None and _is_taken(own, named, claimed):
            path = roster.path(user.place, "user.username")
            problems.append(Problem(path, f"belongs to user {named.id} here"))
        matches.append(Match(user, own or named, own is not None))
    return matches


def _match_term(
    roster: Roster, standing: Standing, term: RosterTerm, problems: list[Problem]
) -> Match[RosterTerm, Term]:
    claimed = _ids(standing.terms_by_key, (t.key for t in roster.terms))
    own, named = standing.terms_by_key.get(term.key), standing.terms_by_name.get(term.name)
    if named is not None and _is_taken(own, named, claimed):
        path = roster.path(term.place, "term.name")
        problems.append(Problem(path, f"{term.name!r} is the name of term {named.id} here"))
    return Match(term, own or named, own is not None)


def _ids(linked: Mapping[str, N], keys: Iterable[str]) -> set[int]:
    return {linked[key].id for key in keys if key in linked}


def _is_taken(own: N | None, named: N, claimed: set[int]) -> bool:
    """Say whether the one found by name is another than the link's, or another record's."""
    if own is not None:
        return own.id != named.id
    return named.id in claimed


def _match_groups(
    roster: Roster, standing: Standing, problems: list[Problem]
) -> list[Match[RosterGroup, Group]]:
    linked = standing.group_ids
    claimed = {linked[g.key] for g in roster.groups if g.key in linked}
    named: dict[str, list[Group]] = {}
    for group in standing.groups.values():
        if group.id not in claimed:
            named.setdefault(name_key(group.name), []).append(group)
    matches: dict[str, Match[RosterGroup, Group]] = {}
    for record in _parents_first(roster.groups):
        above = matches.get(record.parent_key)
        if record.key in linked and linked[record.key] not in standing.groups:
            matches[record.key] = Match(record, None, linked=True, skipped="is archived here")
        elif above is not None and above.skipped:
            text = "hangs under an archived group"
            matches[record.key] = Match(record, None, record.key in linked, text)
        elif record.key in linked:
            group = standing.groups[linked[record.key]]
            matches[record.key] = Match(record, group, linked=True)
        else:
            found = named.get(record.key, []) if record.known_by_name else []
            if len(found) > 1:
                path = roster.path(record.place, "group.name")
                problems.append(Problem(path, f"{len(found)} groups are called so here"))
            matches[record.key] = Match(record, found[0] if found else None, linked=False)
    return list(matches.values())


def _parents_first(groups: Sequence[RosterGroup]) -> list[RosterGroup]:
    by_key = {group.key: group for group in groups}
    ordered: dict[str, RosterGroup] = {}
    for group in groups:
        chain: list[RosterGroup] = []
        above: RosterGroup | None = group
        while above is not None and above.key not in ordered:
            chain.append(above)
            above = by_key.get(above.parent_key)
        ordered.update((each.key, each) for each in reversed(chain))
    return list(ordered.values())


def _check_tree(
    roster: Roster, standing: Standing, matches: Sequence[Match[RosterGroup, Group]]
) -> list[Problem]:
    """Walk up the tree as it would be; a new group goes by its key, one that stands by its id."""
    node: dict[str, int | str] = {
        m.record.key: m.record.key if m.entity is None else m.entity.id for m in matches
    }
    above: dict[int | str, int | str | None] = {g.id: g.parent for g in standing.groups.values()}
    moved = [m.record for m in matches if m.record.parent_key and not m.skipped]
    above.update((node[record.key], node[record.parent_key]) for record in moved)
    problems: list[Problem] = []
    for record in moved:
        depth, at = 1, above.get(node[record.key])
        while at is not None and depth <= _DEEPEST:
            depth, at = depth + 1, above.get(at)
        if depth > _DEEPEST:
            text = f"the group would hang under itself or more than {_DEEPEST} deep"
            problems.append(Problem(roster.path(record.place, "group.parent_key"), text))
    return problems

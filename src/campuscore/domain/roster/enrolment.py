"""Which memberships open, go on and end when a source speaks again.

The past is not rewritten: days before today only gain what the file dates and nobody stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from attrs import evolve, frozen

from campuscore.domain.groups import Membership
from campuscore.domain.roster.records import RosterMembership
from campuscore.domain.roster.report import Outcome
from campuscore.domain.users import Role
from campuscore.errors import Conflict

__all__ = ["Enrolment", "Interval", "Settled", "Wanted", "check_removals", "plan_memberships"]

_FEW = 1
_SHARE = 10


@frozen
class Interval:
    """The days [begin, end); ``end`` None is open."""

    begin: date
    end: date | None


@frozen
class Wanted:
    """A membership that the roster wants, with our ids."""

    group: int
    user: int
    record: RosterMembership

    @property
    def key(self) -> tuple[int, int, Role]:
        """What at most one membership at a time may have."""
        return self.group, self.user, self.record.role


@frozen
class Settled:
    """What becomes of a wanted membership, with the days to add where there are any."""

    wanted: Wanted
    outcome: Outcome
    add: Interval | None = None


@frozen
class Enrolment:
    """The changes: what becomes of each row, rows that are gone, and rows to be replaced."""

    settled: tuple[Settled, ...]
    gone: tuple[Membership, ...]
    replaced: tuple[Membership, ...]
    current: int


def plan_memberships(wanted: Sequence[Wanted], own: Sequence[Membership], today: date) -> Enrolment:
    """Compare wanted memberships with those that the same source made before.

    Parameters
    ----------
    wanted
        What the roster says, in the order of the file.
    own
        The stored memberships of the source that end after the earliest day that the roster names.
    today
        The day from which on an undated membership counts, and on which one ends.
    """
    stored: dict[tuple[int, int, Role], list[Membership]] = {}
    for row in sorted(own, key=lambda r: r.begin):
        stored.setdefault((row.group, row.user, row.role), []).append(row)
    asked: dict[tuple[int, int, Role], list[Wanted]] = {}
    for each in wanted:
        asked.setdefault(each.key, []).append(each)
    settled: dict[Wanted, Settled] = {}
    replaced: list[Membership] = []
    for key, wants in asked.items():
        outcomes, ended = _settle(wants, stored.get(key, []), today)
        settled.update((each.wanted, each) for each in outcomes)
        replaced += ended
    current = [row for row in own if _is_ahead(row.end, today)]
    gone = [row for row in current if (row.group, row.user, row.role) not in asked]
    in_order = tuple(settled[each] for each in wanted)
    return Enrolment(in_order, tuple(gone), tuple(replaced), len(current))


def check_removals(enrolment: Enrolment, source: str) -> None:
    """Raise Conflict when so many memberships would end that the file looks incomplete.

    One may always end; beyond that, at most a tenth of what the source has now.
    """
    gone = len(enrolment.gone)
    if gone > _FEW and gone * _SHARE > enrolment.current:
        text = f"{gone} of {enrolment.current} memberships from {source!r} would end"
        advice = "is the file whole? If this is meant, allow removals"
        raise Conflict(f"{text}; {advice}", code="too_many_removals")


def _settle(
    wants: list[Wanted], rows: list[Membership], today: date
) -> tuple[list[Settled], list[Membership]]:
    """Settle the memberships of one user in one group and role."""
    live = [row for row in rows if _is_ahead(row.end, today)]
    ahead = sorted(
        (w for w in wants if _is_ahead(w.record.end, today)),
        key=lambda w: w.record.begin or date.min,
    )
    if not live:
        return [_open(w, rows, today) for w in wants], []
    over = [w for w in wants if w not in ahead]
    if len(live) == len(ahead) and all(
        _agrees(r, w, today) for r, w in zip(live, ahead, strict=True)
    ):
        past = [_open(w, rows, today) for w in over]
        return [*past, *(Settled(w, Outcome.UNCHANGED) for w in ahead)], []
    left = [evolve(r, end=today) if r in live else r for r in rows if r.begin < today]
    past = [_open(w, left, today) for w in over]
    if not ahead:
        return [evolve(each, outcome=Outcome.ENDED) for each in past], live
    renewed = [
        Settled(w, Outcome.UPDATED, Interval(max(w.record.begin or today, today), w.record.end))
        for w in ahead
    ]
    return [*past, *renewed], live


def _agrees(row: Membership, wanted: Wanted, today: date) -> bool:
    """Say whether a row is what is wanted from today on."""
    begin = max(wanted.record.begin or today, today)
    return max(row.begin, today) == begin and row.end == wanted.record.end


def _open(wanted: Wanted, rows: list[Membership], today: date) -> Settled:
    """Settle a membership that has no row from today on."""
    begin, end = wanted.record.begin or today, wanted.record.end
    for row in rows:
        if (end is None or row.begin < end) and _is_ahead(row.end, begin):
            begin = row.end or date.max
    if end is not None and begin >= end:
        return Settled(wanted, Outcome.UNCHANGED)
    return Settled(wanted, Outcome.CREATED, Interval(begin, end))


def _is_ahead(end: date | None, day: date) -> bool:
    return end is None or end > day

"""The import of rosters: all of it or nothing, and the same file twice changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol, TypeVar

from attrs import define, field, frozen

from campuscore.domain.access import Scope
from campuscore.domain.auth import Principal
from campuscore.domain.days import Days
from campuscore.domain.events import JSON, NewMessage
from campuscore.domain.groups import Membership
from campuscore.domain.paging import Slice
from campuscore.domain.roster import (
    Enrolment,
    ImportReport,
    ImportRow,
    Interval,
    Match,
    Outcome,
    Place,
    Plan,
    Roster,
    Settled,
    Standing,
    Wanted,
    check,
    check_removals,
    plan,
    plan_memberships,
)
from campuscore.domain.users import User, username_key
from campuscore.errors import Conflict, Invalid
from campuscore.ports.work import Work, WorkFactory
from campuscore.services.policy import Policy
from campuscore.services.retrying import retrying

__all__ = ["RosterService"]

_CHUNK = 500
_NO_LIMIT = Slice(1 << 62)
_NOWHERE = Place("", 0)


class _Record(Protocol):
    @property
    def key(self) -> str: ...
    @property
    def place(self) -> Place: ...


class _Entity(Protocol):
    id: int


R = TypeVar("R", bound=_Record)
E = TypeVar("E", bound=_Entity)


@frozen
class RosterService:
    """Brings in who belongs to what from files of other systems."""

    store: WorkFactory
    policy: Policy
    days: Days

    @retrying
    def import_(
        self,
        principal: Principal,
        roster: Roster,
        *,
        dry_run: bool = False,
        allow_removals: bool = False,
    ) -> ImportReport:
        """Make users, groups, terms and memberships agree with a roster.

        Nothing is deleted or deactivated, and no password is touched. A membership that this source
        made ends when its row is gone; those from elsewhere stay.

        Parameters
        ----------
        principal
            Who acts; needs ``rosters.import``.
        roster
            What a reader made of files.
        dry_run
            Do everything and keep nothing; the report is the same.
        allow_removals
            Let more than a tenth of the source's memberships end.

        Raises
        ------
        Conflict
            Too many would end (``too_many_removals``), or a row overlaps one from elsewhere.
        Forbidden, Invalid
            The principal may not, or rows break rules: each with file, line and column.
        """
        scope = self.policy.scope(principal, "rosters.import")
        problems = check(roster)
        if problems:
            raise Invalid(*problems)
        with self.store.write(principal) as work:
            rows = _Import(work, roster, scope, self.days).run(allow_removals=allow_removals)
            report = ImportReport.of(roster.source, rows, roster.ignored, dry_run=dry_run)
            work.emit(_event(principal, report))
            if not dry_run:
                work.commit()
        return report


@define
class _Import:
    """One import on its way: what was found so far, under the keys of the source."""

    work: Work
    roster: Roster
    scope: Scope
    days: Days
    rows: list[ImportRow] = field(factory=list[ImportRow])
    terms: dict[str, int] = field(factory=dict[str, int])
    groups: dict[str, int] = field(factory=dict[str, int])
    users: dict[str, int] = field(factory=dict[str, int])
    fresh: set[tuple[str, int]] = field(factory=set[tuple[str, int]])
    left_alone: set[int] = field(factory=set[int])

    def run(self, *, allow_removals: bool) -> list[ImportRow]:
        links = {kind: self._links(kind) for kind in ("term", "group", "user")}
        planned = plan(self.roster, self._standing(links))
        self._store_terms(planned)
        self._store_groups(planned, links["group"])
        self._store_users(planned)
        for kind, made in (("term", self.terms), ("group", self.groups), ("user", self.users)):
            new = {key: found for key, found in made.items() if key not in links[kind]}
            self.work.links.add(self.roster.source, kind, new)
        self._store_memberships(links, allow_removals=allow_removals)
        return self.rows

    def _links(self, kind: str) -> dict[str, int]:
        return self.work.links.of(self.roster.source, kind)

    def _standing(self, links: Mapping[str, dict[str, int]]) -> Standing:
        named = self._named_users()
        by_id = {user.id: user for user in named.values()}
        terms = {term.id: term for term in self.work.terms.list()}
        by_key: dict[str, User] = {}
        for record in self.roster.users:
            linked = links["user"].get(record.key)
            user = None if linked is None else by_id.get(linked) or self.work.users.find(linked)
            if user is not None:
                by_key[record.key] = user
        return Standing(
            users_by_key=by_key,
            users_by_name=named,
            terms_by_key={k: terms[i] for k, i in links["term"].items() if i in terms},
            terms_by_name={term.name: term for term in terms.values()},
            group_ids=links["group"],
            groups={g.id: g for g in self.work.groups.list(self.scope, _NO_LIMIT)},
        )

    def _named_users(self) -> dict[str, User]:
        names = [user.username for user in self.roster.users]
        parts = [names[at : at + _CHUNK] for at in range(0, len(names), _CHUNK)]
        found = [user for part in parts for user in self.work.users.find_named(part)]
        return {username_key(user.username): user for user in found}

    def _store_terms(self, planned: Plan) -> None:
        repository = self.work.terms
        for match in planned.terms:
            record, term = match.record, match.entity
            after = repository.add(record.new()) if term is None else record.over(term)
            if self._settle("term", match, after):
                repository.save(after)
            self.terms[record.key] = after.id

    def _store_groups(self, planned: Plan, links: Mapping[str, int]) -> None:
        repository = self.work.groups
        for match in planned.groups:
            record, group = match.record, match.entity
            if match.skipped:
                self._say("group", record.place, record.key, Outcome.SKIPPED, match.skipped)
                self.left_alone.update({links[record.key]} if match.linked else ())
                continue
            parent, term = self.groups.get(record.parent_key), self.terms.get(record.term_key)
            if group is None:
                after = repository.add(record.new(parent, term))
            else:
                after = record.over(group, parent, term)
            if self._settle("group", match, after):
                repository.save(after)
            self.groups[record.key] = after.id

    def _store_users(self, planned: Plan) -> None:
        repository, now = self.work.users, self.days.now()
        for match in planned.users:
            record, user = match.record, match.entity
            after = repository.add(record.new(), now) if user is None else record.over(user)
            if self._settle("user", match, after):
                repository.save(after)
            self.users[record.key] = after.id

    def _settle(self, kind: str, match: Match[R, E], after: E) -> bool:
        """Report what becomes of a record, and say whether what stands has to be saved."""
        changed = match.entity is not None and after != match.entity
        outcome = Outcome.UPDATED if changed else Outcome.UNCHANGED
        if match.entity is None:
            outcome = Outcome.CREATED
            self.fresh.add((kind, after.id))
        self._say(kind, match.record.place, match.record.key, outcome, match.note)
        return changed

    def _store_memberships(
        self, links: Mapping[str, dict[str, int]], *, allow_removals: bool
    ) -> None:
        today = self.days.today()
        enrolment = plan_memberships(self._wanted(), self._own(today), today)
        if not allow_removals:
            check_removals(enrolment, self.roster.source)
        ended = [row.id for row in (*enrolment.replaced, *enrolment.gone)]
        self.work.memberships.end(ended, today)
        added: list[tuple[Membership, Place]] = []
        for settled in enrolment.settled:
            days, outcome, detail = self._beside_others(settled, today)
            record = settled.wanted.record
            self._say("membership", record.place, record.key, outcome, detail)
            if days is not None:
                added.append((self._membership(settled.wanted, days), record.place))
        self._add(added)
        self._say_gone(enrolment, links)

    def _wanted(self) -> list[Wanted]:
        wanted: list[Wanted] = []
        for record in self.roster.memberships:
            group = self.groups.get(record.group_key)
            if group is None:
                text = "the group is left alone"
                self._say("membership", record.place, record.key, Outcome.SKIPPED, text)
            else:
                wanted.append(Wanted(group, self.users[record.user_key], record))
        return wanted

    def _own(self, today: date) -> list[Membership]:
        """Read what this source made before, as far back as the roster dates anything."""
        begins = [r.begin for r in self.roster.memberships if r.begin is not None]
        own = self.work.memberships.of_source(self._source, min([today, *begins]))
        return [row for row in own if row.group not in self.left_alone]

    def _beside_others(self, settled: Settled, today: date) -> tuple[Interval | None, Outcome, str]:
        """Leave out the days on which somebody else made the user a member already."""
        wanted, days = settled.wanted, settled.add
        known = not {("group", wanted.group), ("user", wanted.user)} & self.fresh
        if days is None or not known:
            return days, settled.outcome, ""
        first = max(days.begin, today)
        other = self._find(wanted, first) if days.end is None or first < days.end else None
        if other is not None:
            return None, Outcome.UNCHANGED, f"stands already ({other.source})"
        before = self._find(wanted, days.begin) if days.begin < first else None
        if before is None:
            return days, settled.outcome, ""
        if before.end is None or (days.end is not None and days.end <= before.end):
            return None, Outcome.UNCHANGED, f"stood already ({before.source})"
        return Interval(before.end, days.end), settled.outcome, f"from {before.end} on"

    def _find(self, wanted: Wanted, day: date) -> Membership | None:
        return self.work.memberships.find(wanted.group, wanted.user, wanted.record.role, day)

    def _membership(self, wanted: Wanted, days: Interval) -> Membership:
        role = wanted.record.role
        return Membership(0, wanted.group, wanted.user, role, days.begin, days.end, self._source)

    def _add(self, added: Sequence[tuple[Membership, Place]]) -> None:
        """Add all at once; where the store refuses, halve until the row to blame is found."""
        try:
            with self.work.savepoint():
                self.work.memberships.add([row for row, _ in added])
        except Conflict as error:
            if len(added) == 1:
                place = added[0][1]
                text = f"{place.file}, line {place.line}: {error.detail}"
                raise Conflict(text, code=error.code) from error
            middle = len(added) // 2
            self._add(added[:middle])
            self._add(added[middle:])

    def _say_gone(self, enrolment: Enrolment, links: Mapping[str, dict[str, int]]) -> None:
        groups = {found: key for key, found in (links["group"] | self.groups).items()}
        users = {found: key for key, found in (links["user"] | self.users).items()}
        for row in enrolment.gone:
            group = groups.get(row.group, f"group {row.group}")
            key = f"{group}/{users.get(row.user, f'user {row.user}')}"
            text = "its row is gone"
            self._say("membership", _NOWHERE, key, Outcome.ENDED, text)

    @property
    def _source(self) -> str:
        return f"import:{self.roster.source}"

    def _say(self, kind: str, place: Place, key: str, outcome: Outcome, detail: str) -> None:
        self.rows.append(ImportRow(place.file, place.line, kind, key, outcome, detail))


def _event(principal: Principal, report: ImportReport) -> NewMessage:
    counts: dict[str, JSON] = {
        kind: {"created": t.created, "updated": t.updated, "ended": t.ended}
        for kind, t in report.counts.items()
    }
    payload: dict[str, JSON] = {"source": report.source, "by": principal.user_id, "counts": counts}
    return NewMessage("roster.imported", f"roster:{report.source}", payload)

"""The records of a transfer, brought in within one Work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from itertools import islice

from attrs import define, evolve, field

from campuscore.domain.access import Scope
from campuscore.domain.days import Days
from campuscore.domain.groups import Membership
from campuscore.domain.paging import Slice
from campuscore.domain.roster import Outcome, Place
from campuscore.domain.schedule import NewRoom
from campuscore.domain.transfer import (
    Broken,
    ForeignCheckIn,
    ForeignEntry,
    ForeignGroup,
    ForeignMembership,
    ForeignUser,
    Transfer,
    member_role,
)
from campuscore.domain.users import Role, User, username_key
from campuscore.errors import CampusError
from campuscore.ports.attendance import Fact
from campuscore.ports.work import Work
from campuscore.services.transfer.tally import Ledger

__all__ = ["Records"]

_BATCH = 5_000
_NO_LIMIT = Slice(1 << 62)
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
Held = tuple[int, int, Role]


@define
class Records:
    """Brings in the records of a transfer; what is linked already is left as it is."""

    work: Work
    transfer: Transfer
    scope: Scope
    days: Days
    ledger: Ledger
    users: dict[str, User] = field(factory=dict[str, User])
    groups: dict[str, int] = field(factory=dict[str, int])
    archived: set[str] = field(factory=set[str])

    def run(self) -> None:
        """Bring in everything but files and packages."""
        self._bring_users()
        self._bring_groups()
        self._bring_memberships()
        self._bring_check_ins()
        self._bring_entries()

    def _bring_users(self) -> None:
        links, new = self._links("user"), dict[str, int]()
        seen: dict[str, str] = {}
        for row in self.ledger.sound("user", self.transfer.users):
            folded = username_key(row.new.username)
            if folded in seen:
                text = f"{row.new.username!r} is the name of {seen[folded]} too, but for its case"
                self.ledger.broken("user", Broken(row.place, "username", text))
                continue
            seen[folded] = f"{row.place.file}:{row.place.line}"
            user = self.work.users.find(links[row.key]) if row.key in links else None
            if user is not None:
                self._say("user", row, Outcome.UNCHANGED)
            else:
                user = self._settle_user(row)
                if user is None:
                    continue
                new[row.key] = user.id
            self.users[row.key] = user
        self.work.links.add(self.transfer.source, "user", new)

    def _settle_user(self, row: ForeignUser) -> User | None:
        """Take over whoever has this name, without their rights or password, or make a user."""
        standing = self.work.users.find_named([row.new.username])
        if standing:
            text = "a user of this name stands already, and is left as it is"
            self._say("user", row, Outcome.UNCHANGED, text)
            return standing[0]
        now = self.days.now()
        try:
            row.new.check()
            with self.work.savepoint():
                user = self.work.users.add(row.new, row.created_at or now)
        except CampusError as error:
            self.ledger.refused("user", row.place, error)
            return None
        if not row.active:
            user = evolve(user, active=False)
            self.work.users.save(user)
        if row.stored:
            self.work.credentials.set(user.id, row.stored, now)
        self._say("user", row, Outcome.CREATED, row.no_password)
        return user

    def _bring_groups(self) -> None:
        links, new = self._links("group"), dict[str, int]()
        standing = {group.id: group for group in self.work.groups.list(self.scope, _NO_LIMIT)}
        names = {(group.name, group.parent): group.id for group in standing.values()}
        for row in _parents_first(self.ledger.sound("group", self.transfer.groups)):
            if row.key in links:
                self._say("group", row, Outcome.UNCHANGED)
                if links[row.key] in standing:
                    self.groups[row.key] = links[row.key]
                else:
                    self.archived.add(row.key)
                continue
            parent = self.groups.get(row.parent_key)
            found = names.get((row.new.name, parent))
            if found is not None:
                self._say("group", row, Outcome.UNCHANGED, "a group of this name stands already")
            else:
                found = self._add_group(row, parent)
            if found is not None:
                new[row.key] = self.groups[row.key] = found
        self.work.links.add(self.transfer.source, "group", new)

    def _add_group(self, row: ForeignGroup, parent: int | None) -> int | None:
        try:
            row.new.check()
        except CampusError as error:
            self.ledger.refused("group", row.place, error)
            return None
        self._say("group", row, Outcome.CREATED)
        return self.work.groups.add(evolve(row.new, parent=parent)).id

    def _bring_memberships(self) -> None:
        source = f"import:{self.transfer.source}"
        own = self.work.memberships.of_source(source, date.min)
        held = {(each.group, each.user, each.role) for each in own}
        for row in self.ledger.sound("membership", self.transfer.memberships):
            self._bring_membership(row, held, source)

    def _bring_membership(self, row: ForeignMembership, held: set[Held], source: str) -> None:
        user, group = self.users.get(row.user_key), self.groups.get(row.group_key)
        if row.group_key in self.archived:
            self._skip("membership", row.place, f"{row.group_key}/{row.user_key}")
            return
        if user is None or group is None:
            what, which = ("user", row.user_key) if user is None else ("group", row.group_key)
            self._miss("membership", row.place, what, which)
            return
        role, today = member_role(row.role, user.role), self.days.today()
        key, name = (group, user.id, role), f"{row.group_key}/{row.user_key}"
        if key in held or self.work.memberships.find(group, user.id, role, today):
            self.ledger.say("membership", row.place, name, Outcome.UNCHANGED)
            return
        # The other system showed the group on every day that the user was there.
        since = row.since or user.created_at
        begin = min(self.days.local(since).day, today)
        added = Membership(0, group, user.id, role, begin, None, source)
        try:
            with self.work.savepoint():
                self.work.memberships.add([added])
        except CampusError as error:
            self.ledger.refused("membership", row.place, error)
            return
        held.add(key)
        self.ledger.say("membership", row.place, name, Outcome.CREATED)

    def _bring_check_ins(self) -> None:
        links = self._links("check-in")
        stream = self.ledger.sound("check-in", self.transfer.check_ins)
        while batch := list(islice(stream, _BATCH)):
            facts = {row.key: self._fact(row) for row in batch if row.key not in links}
            new = {key: fact for key, fact in facts.items() if fact is not None}
            ids = self.work.check_ins.add([*new.values()])
            self._link("check-in", dict(zip(new, ids, strict=True)))
            self.ledger.count("check-in", Outcome.CREATED, len(new))
            self.ledger.count("check-in", Outcome.UNCHANGED, len(batch) - len(facts))

    def _fact(self, row: ForeignCheckIn) -> Fact | None:
        user = self.users.get(row.user_key)
        if user is None:
            self._miss("check-in", row.place, "user", row.user_key)
            return None
        if not _EARLIEST <= row.at <= self.days.now():
            text = f"{row.at.isoformat()} lies before 1970 or in the future"
            self.ledger.broken("check-in", Broken(row.place, "timestamp", text))
            return None
        local = self.days.local(row.at)
        return Fact(user.id, row.at, local, row.method, row.ip_address, row.user_agent)

    def _bring_entries(self) -> None:
        links, new = self._links("entry"), dict[str, int]()
        rooms = {room.name: room.id for room in self.work.rooms.list()}
        for row in self.ledger.sound("entry", self.transfer.entries):
            if row.key in links:
                self._say("entry", row, Outcome.UNCHANGED)
                continue
            if row.group_key in self.archived:
                self._skip("entry", row.place, row.key)
                continue
            group = self.groups.get(row.group_key)
            if group is None:
                self._miss("entry", row.place, "group", row.group_key)
                continue
            made = self._add_entry(row, group, rooms)
            if made is not None:
                new[row.key] = made
        self._link("entry", new)

    def _add_entry(self, row: ForeignEntry, group: int, rooms: dict[str, int]) -> int | None:
        new = evolve(row.new, group=group)
        try:
            new.check()
            for path, clock in (("/start", new.start), ("/end", new.end)):
                if clock is not None:
                    self.days.check_exists(new.date, clock, path)
        except CampusError as error:
            self.ledger.refused("entry", row.place, error)
            return None
        if row.room and row.room not in rooms:
            rooms[row.room] = self.work.rooms.add(NewRoom(name=row.room)).id
        entry = self.work.entries.add(evolve(new, room=rooms.get(row.room)))
        self._say("entry", row, Outcome.CREATED)
        return entry.id

    def _skip(self, kind: str, place: Place, key: str) -> None:
        """Leave out what belongs to a group that was archived here since it came in."""
        self.ledger.say(kind, place, key, Outcome.SKIPPED, "the group is archived here")

    def _miss(self, kind: str, place: Place, what: str, key: str) -> None:
        self.ledger.broken(kind, Broken(place, what, f"there is no {what} {key or 'given'}"))

    def _links(self, kind: str) -> dict[str, int]:
        return self.work.links.of(self.transfer.source, kind)

    def _link(self, kind: str, links: Mapping[str, int]) -> None:
        self.work.links.add(self.transfer.source, kind, links)

    def _say(
        self,
        kind: str,
        row: ForeignUser | ForeignGroup | ForeignEntry,
        outcome: Outcome,
        detail: str = "",
    ) -> None:
        named = row.new.username if isinstance(row, ForeignUser) else row.key
        self.ledger.say(kind, row.place, named, outcome, detail)


def _parents_first(rows: Iterable[ForeignGroup]) -> list[ForeignGroup]:
    """Order groups so that each comes behind its parent; rings stay as they were given."""
    waiting = {row.key: row for row in rows}
    ordered: list[ForeignGroup] = []
    while waiting:
        ready = [row for row in waiting.values() if row.parent_key not in waiting]
        ordered += [waiting.pop(row.key) for row in ready or [*waiting.values()]]
    return ordered

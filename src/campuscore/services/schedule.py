"""The timetable."""

from __future__ import annotations

from attrs import frozen

from campuscore.domain.auth import Principal
from campuscore.domain.days import Days
from campuscore.domain.events import JSON, NewMessage, changed_fields
from campuscore.domain.paging import Page, PageRequest, cut_page
from campuscore.domain.schedule import (
    EntryChange,
    EntryQuery,
    NewEntry,
    ScheduleEntry,
)
from campuscore.errors import Invalid, NotFound
from campuscore.ports.work import Work, WorkFactory
from campuscore.services.places import RoomService, TermService
from campuscore.services.policy import GroupTarget, Policy
from campuscore.services.retrying import retrying

__all__ = ["ScheduleService"]

_PAGE = 10_000


@frozen
class ScheduleService:
    """What happens when and where."""

    store: WorkFactory
    policy: Policy
    days: Days
    terms: TermService
    rooms: RoomService

    def list(
        self,
        principal: Principal,
        query: EntryQuery | None = None,
        page: PageRequest | None = None,
    ) -> Page[ScheduleEntry]:
        """List entries within the principal's rights by date, then id.

        Raises
        ------
        Invalid
            The last day lies before the first.
        """
        scope = self.policy.scope(principal, "schedule.read")
        query = query or EntryQuery()
        query.check()
        part = (page or PageRequest()).slice(default=_PAGE, width=2)
        with self.store.read() as work:
            rows = work.entries.list(scope, query, part)
        return cut_page(rows, part, lambda e: (e.date.toordinal(), e.id))

    def get(self, principal: Principal, entry_id: int) -> ScheduleEntry:
        """Return one entry, or raise NotFound."""
        with self.store.read() as work:
            return self._found(work, principal, "schedule.read", entry_id)

    @retrying
    def create(self, principal: Principal, new: NewEntry) -> ScheduleEntry:
        """Put an entry on the timetable.

        Raises
        ------
        Forbidden, Invalid, NotFound
            The principal may not, a field breaks a rule (a time that daylight saving skips, an
            unknown room), or there is no such group.
        """
        self._check(new)
        with self.store.write(principal) as work:
            self.policy.require(work, principal, "schedule.write", GroupTarget(new.group))
            _check_room(work, new.room)
            entry = work.entries.add(new)
            work.emit(_event("added", entry))
            work.commit()
        return entry

    @retrying
    def update(self, principal: Principal, entry_id: int, change: EntryChange) -> ScheduleEntry:
        """Change fields of an entry; raises as ``create``."""
        with self.store.write(principal) as work:
            entry = self._found(work, principal, "schedule.write", entry_id)
            wanted = change.over(entry)
            self._check(wanted)
            if wanted.group != entry.group:
                self.policy.require(work, principal, "schedule.write", GroupTarget(wanted.group))
            _check_room(work, wanted.room)
            changed = ScheduleEntry(
                entry_id,
                wanted.group,
                wanted.title,
                wanted.date,
                wanted.start,
                wanted.end,
                wanted.room,
            )
            work.entries.save(changed)
            work.emit(_event("changed", changed, fields=changed_fields(entry, changed)))
            work.commit()
        return changed

    @retrying
    def remove(self, principal: Principal, entry_id: int) -> None:
        """Take an entry off the timetable.

        Raises
        ------
        Forbidden, NotFound
            The principal may not, or there is no such entry.
        """
        with self.store.write(principal) as work:
            entry = self._found(work, principal, "schedule.write", entry_id)
            work.entries.remove(entry_id)
            work.emit(_event("removed", entry))
            work.commit()

    def _check(self, new: NewEntry) -> None:
        new.check()
        for path, clock in (("/start", new.start), ("/end", new.end)):
            if clock is not None:
                self.days.check_exists(new.date, clock, path)

    def _found(self, work: Work, principal: Principal, action: str, entry_id: int) -> ScheduleEntry:
        self.policy.scope(principal, action)
        entry = work.entries.find(entry_id)
        gone = NotFound(f"there is no schedule entry {entry_id}", code="entry_not_found")
        if entry is None:
            raise gone
        try:
            self.policy.require(work, principal, action, GroupTarget(entry.group))
        except NotFound as error:
            raise gone from error
        return entry


def _check_room(work: Work, room: int | None) -> None:
    if room is not None and work.rooms.find(room) is None:
        raise Invalid.at("/room", f"there is no room {room}")


def _event(what: str, entry: ScheduleEntry, **more: JSON) -> NewMessage:
    payload = {"id": entry.id, "group": entry.group, "date": entry.date.isoformat(), **more}
    return NewMessage(f"schedule.{what}", f"group:{entry.group}", payload)

"""The timetable: entries, terms and rooms."""

from __future__ import annotations

from datetime import date, time

from attrs import define, frozen

from campuscore.domain.checks import check_span, check_text
from campuscore.domain.unset import UNSET, Unset, given
from campuscore.errors import Invalid, Problem

__all__ = [
    "EntryChange",
    "EntryQuery",
    "NewEntry",
    "NewRoom",
    "NewTerm",
    "Room",
    "ScheduleEntry",
    "Term",
]


@define
class ScheduleEntry:
    """What the timetable says: a group meets on a local date, from start to end, in a room."""

    id: int
    group: int
    title: str
    date: date
    start: time | None
    end: time | None
    room: int | None


@define
class Term:
    """A named span of local dates, both included (OneRoster: academicSession)."""

    id: int
    name: str
    first_day: date
    last_day: date
    code: str


@define
class Room:
    """A bookable place; ``capacity`` is in people, None where nobody counted."""

    id: int
    name: str
    capacity: int | None


@frozen(kw_only=True)
class NewEntry:
    """A schedule entry to create."""

    group: int
    title: str
    date: date
    start: time | None = None
    end: time | None = None
    room: int | None = None

    def check(self) -> None:
        """Raise Invalid with every field that breaks a rule."""
        problems = [*_check_title(self.title), *_check_times(self.start, self.end)]
        if problems:
            raise Invalid(*problems)


@frozen(kw_only=True)
class EntryChange:
    """What to change of a schedule entry; what is not given stays as it is, None clears."""

    group: int | Unset = UNSET
    title: str | Unset = UNSET
    date: date | Unset = UNSET
    start: time | Unset | None = UNSET
    end: time | Unset | None = UNSET
    room: int | Unset | None = UNSET

    def over(self, entry: ScheduleEntry) -> NewEntry:
        """Return what the entry would be after the change."""
        return NewEntry(
            group=given(self.group, entry.group),
            title=given(self.title, entry.title),
            date=given(self.date, entry.date),
            start=given(self.start, entry.start),
            end=given(self.end, entry.end),
            room=given(self.room, entry.room),
        )


@frozen(kw_only=True)
class EntryQuery:
    """Which schedule entries to list; days are local, both ends included."""

    group: int | None = None
    since: date | None = None
    until: date | None = None

    def check(self) -> None:
        """Raise Invalid where the last day lies before the first."""
        check_span(self.since, self.until, "/until")


@frozen(kw_only=True)
class NewTerm:
    """A term to create."""

    name: str
    first_day: date
    last_day: date
    code: str = ""

    def check(self) -> None:
        """Raise Invalid with every field that breaks a rule."""
        problems = _check_title(self.name, "/name")
        if self.last_day < self.first_day:
            problems.append(Problem("/last_day", "is before first_day"))
        problems += check_text("/code", self.code, 64)
        if problems:
            raise Invalid(*problems)


@frozen(kw_only=True)
class NewRoom:
    """A room to create."""

    name: str
    capacity: int | None = None

    def check(self) -> None:
        """Raise Invalid with every field that breaks a rule."""
        problems = _check_title(self.name, "/name")
        if self.capacity is not None and not 0 <= self.capacity <= 100_000:
            problems.append(Problem("/capacity", "must be from 0 to 100000"))
        if problems:
            raise Invalid(*problems)


def _check_title(title: str, path: str = "/title") -> list[Problem]:
    if not title.strip():
        return [Problem(path, "must not be empty")]
    return check_text(path, title, 200)


def _check_times(start: time | None, end: time | None) -> list[Problem]:
    problems = [
        Problem(path, "must be a local time without an offset")
        for path, clock in (("/start", start), ("/end", end))
        if clock is not None and clock.tzinfo is not None
    ]
    problems += [
        Problem(path, "must be a whole second")
        for path, clock in (("/start", start), ("/end", end))
        if clock is not None and clock.microsecond
    ]
    if problems:
        return problems
    if end is not None and start is None:
        return [Problem("/end", "needs a start")]
    if start is not None and end is not None and end <= start:
        return [Problem("/end", "must be after start")]
    return []

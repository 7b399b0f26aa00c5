"""Filling the demonstration in, through the services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from random import Random

from attrs import frozen

from campuscore.adapters.demo.habits import Arrival, Missed, attend
from campuscore.adapters.demo.people import Person, invent
from campuscore.adapters.demo.plan import LABS, Lesson, Span, lessons, roster
from campuscore.adapters.demo.wheels import wheels
from campuscore.bootstrap import Campus
from campuscore.domain.attendance import CheckInMethod, NewAttachment, NewCheckIn
from campuscore.domain.auth import Origin
from campuscore.domain.packages import NewUpload
from campuscore.domain.schedule import NewEntry, NewRoom
from campuscore.domain.users import UserQuery, username_key
from campuscore.errors import Conflict, NotFound
from campuscore.services.attendance import MAX_BULK
from campuscore.services.demo import SOURCE

__all__ = ["Filled", "fill"]


@frozen
class Filled:
    """How much was filled in."""

    people: int
    groups: int
    entries: int
    check_ins: int
    files: int
    packages: int


def fill(campus: Campus, *, seed: int = 1, among_others: bool = False) -> Filled:
    """Fill in a campus of 120 people, the same for the same seed and day.

    Parameters
    ----------
    campus
        The campus, whose present day ends the two months of attendance.
    seed
        Another number makes other people.
    among_others
        Do it on a campus that has people already.

    Raises
    ------
    Conflict
        A demonstration stands (``demo_stands``), or there are people (``campus_not_empty``).
    """
    who = campus.operator
    standing = campus.demo.standing(who)
    if standing.is_there:
        raise Conflict("a demonstration stands already; remove it first", code="demo_stands")
    if standing.others and not among_others:
        text = f"the campus has {standing.others} people already"
        raise Conflict(text, code="campus_not_empty")
    chance = Random(f"campuscore demo {seed}")  # noqa: S311 - made up, and the same each time
    people = invent(chance, _taken(campus))
    span = Span.around(campus.demo.days.today())
    planned = list(lessons(span))
    report = campus.rosters.import_(who, roster(SOURCE, people, span))
    ids = _ids(campus, people)
    _schedule(campus, planned)
    seen = list(attend(chance, people, planned, span, campus.demo.days))
    arrivals = [each for each in seen if isinstance(each, Arrival)]
    return Filled(
        people=len(people),
        groups=report.counts["group"].created,
        entries=len(planned),
        check_ins=_check_in(campus, arrivals, ids),
        files=_excuse(campus, seen, ids),
        packages=_publish(campus),
    )


def _taken(campus: Campus) -> set[str]:
    names = campus.users.list(campus.operator, UserQuery(active=None)).items
    return {username_key(user.username) for user in names}


def _ids(campus: Campus, people: Sequence[Person]) -> list[int]:
    found = campus.demo.made(campus.operator, "user")
    return [found[username_key(person.username)] for person in people]


def _schedule(campus: Campus, planned: Sequence[Lesson]) -> None:
    who, schedule = campus.operator, campus.schedule
    rooms = _rooms(campus)
    groups = campus.demo.made(who, "group")
    for lesson in planned:
        new = NewEntry(
            group=groups[lesson.lab.key],
            title=lesson.lab.course,
            date=lesson.day,
            start=lesson.start,
            end=lesson.end,
            room=rooms[lesson.lab.room],
        )
        schedule.create(who, new)


def _rooms(campus: Campus) -> Mapping[str, int]:
    """Return the rooms by name; those that stand already are used and not taken over."""
    who, rooms = campus.operator, campus.schedule.rooms
    known = {room.name: room.id for room in rooms.list(who)}
    for name in sorted({lab.room for lab in LABS} - known.keys()):
        known[name] = rooms.create(who, NewRoom(name=name, capacity=30)).id
        campus.demo.remember(who, "room", {name: known[name]})
    return known


def _check_in(campus: Campus, arrivals: Sequence[Arrival], ids: Sequence[int]) -> int:
    for method in CheckInMethod:
        news = [
            NewCheckIn(user=ids[arrival.person], timestamp=arrival.at)
            for arrival in arrivals
            if arrival.method is method
        ]
        origin = Origin("10.20.0.10", f"campuscore demo ({method})")
        for at in range(0, len(news), MAX_BULK):
            part = news[at : at + MAX_BULK]
            campus.attendance.check_in_many(campus.operator, part, method=method, origin=origin)
    return len(arrivals)


def _excuse(campus: Campus, seen: Sequence[Arrival | Missed], ids: Sequence[int]) -> int:
    """Attach notes to the days on which people are back, oldest first."""
    waiting: dict[int, list[date]] = {}
    count = 0
    for each in seen:
        if isinstance(each, Missed):
            waiting.setdefault(each.person, []).append(each.day)
            continue
        day = campus.demo.days.local(each.at).day
        for missed in waiting.pop(each.person, ()):
            new = NewAttachment(
                user=ids[each.person],
                date=day,
                filename=f"note-{missed.isoformat()}.txt",
                content_type="text/plain",
            )
            text = f"Was at home with the flu on {missed.isoformat()}.\n"
            campus.attendance.attach_file(campus.operator, new, [text.encode()])
            count += 1
    return count


def _publish(campus: Campus) -> int:
    """Publish the packages whose names are free."""
    who, count = campus.operator, 0
    for wheel in wheels():
        try:
            campus.packages.find(who, wheel.project)
        except NotFound:
            campus.packages.upload(who, NewUpload(filename=wheel.filename), [wheel.content])
            made = campus.packages.find(who, wheel.project)
            campus.demo.remember(who, "project", {wheel.project: made.id})
            count += 1
    return count

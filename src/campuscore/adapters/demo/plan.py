"""What the campus looks like: departments, courses and labs, their people, rooms and hours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, time, timedelta

from attrs import frozen

from campuscore.adapters.demo.people import Person
from campuscore.domain.groups import GroupKind
from campuscore.domain.roster import (
    Place,
    Roster,
    RosterGroup,
    RosterMembership,
    RosterTerm,
    RosterUser,
)
from campuscore.domain.users import Role, username_key

__all__ = ["LABS", "PAST_WEEKS", "Lab", "Lesson", "Span", "lessons", "roster"]

PAST_WEEKS, WEEKS = 9, 16

_DEPARTMENTS = {
    "Computer Science": ("Programming", "Databases"),
    "Mathematics": ("Linear Algebra", "Statistics"),
}
_HOURS = (
    (time(9), time(10, 30)),
    (time(13, 15), time(14, 45)),
    (time(10, 45), time(12, 15)),
    (time(15), time(16, 30)),
)
_HERE = Place("demo", 1)


@frozen
class Lab:
    """A lab of a course: ``number`` counts all labs, ``cohort`` those who sit in it."""

    number: int
    department: str
    course: str
    cohort: int

    @property
    def key(self) -> str:
        """What roster links know it by."""
        return f"demo-lab-{self.number}"

    @property
    def name(self) -> str:
        """What lists show."""
        return f"{self.course}, lab {self.cohort % 2 + 1}"

    @property
    def room(self) -> str:
        """Where it meets, which is the same for all labs of a course."""
        return f"Room {101 + self.number // 2 * 100}"

    @property
    def weekdays(self) -> tuple[int, int]:
        """On which days it meets, so that no room and no cohort is asked for twice."""
        first = self.number // 2 % 2 + self.cohort % 2
        return first, first + 2


def _labs() -> Iterator[Lab]:
    number = 0
    for place, (department, courses) in enumerate(_DEPARTMENTS.items()):
        for course in courses:
            for half in (0, 1):
                yield Lab(number, department, course, 2 * place + half)
                number += 1


LABS = tuple(_labs())


@frozen
class Span:
    """The term, and the days in it on which nobody meets."""

    first: date
    last: date
    holidays: frozenset[date]

    @classmethod
    def around(cls, today: date) -> Span:
        """Return the term that began nine weeks before this week."""
        monday = today - timedelta(days=today.weekday())
        first = monday - timedelta(weeks=PAST_WEEKS)
        last = first + timedelta(weeks=WEEKS, days=-3)
        free = (first + timedelta(weeks=2, days=4), first + timedelta(weeks=5), last)
        return cls(first, last, frozenset(free))

    @property
    def name(self) -> str:
        """The name of the term."""
        return f"Demo term from {self.first.isoformat()}"

    def days(self) -> Iterator[date]:
        """Yield the days on which there may be lessons."""
        for number in range((self.last - self.first).days + 1):
            day = self.first + timedelta(days=number)
            if day.weekday() < 5 and day not in self.holidays:  # noqa: PLR2004 - Monday to Friday
                yield day


@frozen
class Lesson:
    """A meeting of a lab."""

    lab: Lab
    day: date
    start: time
    end: time


def lessons(span: Span) -> Iterator[Lesson]:
    """Yield every meeting of the term, by day."""
    for day in span.days():
        for lab in LABS:
            if day.weekday() in lab.weekdays:
                start, end = _HOURS[(lab.number // 2 + (day.weekday() == lab.weekdays[1])) % 4]
                yield Lesson(lab, day, start, end)


def roster(source: str, people: Sequence[Person], span: Span) -> Roster:
    """Return who belongs to what, from the first day of the term on."""
    members = [
        RosterMembership(key, username_key(person.username), person.role, span.first, None, _HERE)
        for number, person in enumerate(people)
        for key in _places(number, person)
    ]
    return Roster(
        source=source,
        users=tuple(_user(person) for person in people),
        groups=tuple(_groups()),
        terms=(RosterTerm("demo-term", span.name, span.first, span.last, _HERE),),
        memberships=tuple(members),
    )


def _places(number: int, person: Person) -> list[str]:
    """Name the groups of a person: a teacher has a course, an assistant a lab, a student two."""
    if person.role is Role.TEACHER:
        return [f"demo-course-{number % 4}"]
    if person.role is Role.ASSISTANT:
        return [LABS[number % len(LABS)].key]
    return [lab.key for lab in LABS if lab.cohort == number % 4]


def _groups() -> Iterator[RosterGroup]:
    for place, (department, courses) in enumerate(_DEPARTMENTS.items()):
        above = f"demo-department-{place}"
        yield _group(above, department, GroupKind.DEPARTMENT, "")
        for number, course in enumerate(courses):
            key = f"demo-course-{2 * place + number}"
            yield _group(key, course, GroupKind.COURSE, above)
            for lab in LABS:
                if (lab.department, lab.course) == (department, course):
                    yield _group(lab.key, lab.name, GroupKind.LAB, key)


def _group(key: str, name: str, kind: GroupKind, parent: str) -> RosterGroup:
    return RosterGroup(key, name, kind, parent, "", "demo-term", _HERE)


def _user(person: Person) -> RosterUser:
    email = f"{person.username}@campus.example"
    return RosterUser(
        username_key(person.username),
        person.username,
        person.first_name,
        person.last_name,
        person.role,
        email,
        _HERE,
    )

"""Who comes when: habits, a week of flu, and what is as it is with people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from random import Random

from attrs import frozen

from campuscore.adapters.demo.people import Person
from campuscore.adapters.demo.plan import LABS, Lesson, Span
from campuscore.domain.attendance import CheckInMethod
from campuscore.domain.days import Days
from campuscore.domain.users import Role

__all__ = ["Arrival", "Missed", "attend"]

_LATECOMERS, _FLU = 0.12, 0.4
_METHODS = {
    CheckInMethod.LOGIN: 0.55,
    CheckInMethod.QR: 0.25,
    CheckInMethod.KIOSK: 0.12,
    CheckInMethod.BADGE: 0.08,
}


@frozen
class Arrival:
    """A person came, at an instant."""

    person: int
    at: datetime
    method: CheckInMethod


@frozen
class Missed:
    """A person stayed at home with the flu, and brings a note when they are back."""

    person: int
    day: date


@frozen
class _Habit:
    """How likely somebody comes, how late, how they check in, and how often once more."""

    comes: float
    late: float
    method: CheckInMethod
    again: float


def attend(
    chance: Random, people: Sequence[Person], lessons: Sequence[Lesson], span: Span, days: Days
) -> Iterator[Arrival | Missed]:
    """Yield who came to which lesson, up to the present; the future stays open."""
    habits = [_habit(chance, person) for person in people]
    now = days.now()
    for lesson in lessons:
        if lesson.day > days.today():
            return
        ill = _FLU if _week(lesson.day, span) == 6 else 0.02  # noqa: PLR2004 - the week of the flu
        for number in _expected(people, lesson):
            for seen in _visit(chance, number, habits[number], lesson, ill, days):
                if isinstance(seen, Missed) or seen.at <= now:
                    yield seen


def _habit(chance: Random, person: Person) -> _Habit:
    (method,) = chance.choices([*_METHODS], [*_METHODS.values()])
    if person.role is not Role.STUDENT:
        return _Habit(0.99, -12, method, 0.5)
    late = 16.0 if chance.random() < _LATECOMERS else chance.uniform(-9, -1)
    return _Habit(chance.triangular(0.6, 1, 0.95), late, method, chance.uniform(0, 0.5))


def _expected(people: Sequence[Person], lesson: Lesson) -> Iterator[int]:
    lab = lesson.lab
    for number, person in enumerate(people):
        if person.role is Role.STUDENT:
            comes = number % 4 == lab.cohort
        elif person.role is Role.ASSISTANT:
            comes = LABS[number % len(LABS)] is lab
        else:
            comes = number % 4 == lab.number // 2
        if comes:
            yield number


def _visit(  # noqa: PLR0917 - all of it is what the visit depends on
    chance: Random, number: int, habit: _Habit, lesson: Lesson, ill: float, days: Days
) -> Iterator[Arrival | Missed]:
    """Draw the same numbers whatever comes out, so that each person has a story of their own."""
    sick, comes, late, again, stay = (chance.random() for _ in range(5))
    if sick < ill:
        if again < 0.12:  # noqa: PLR2004 - about one in eight brings a note
            yield Missed(number, lesson.day)
        return
    if comes > habit.comes:
        return
    minutes = habit.late + 7 * late
    yield Arrival(number, _at(lesson.day, lesson.start, minutes, days), habit.method)
    if again < habit.again:
        yield Arrival(number, _at(lesson.day, lesson.end, 10 + 50 * stay, days), habit.method)


def _at(day: date, clock: time, minutes: float, days: Days) -> datetime:
    wall = datetime.combine(day, clock) + timedelta(seconds=round(minutes * 60))
    return wall.replace(tzinfo=days.zone)


def _week(day: date, span: Span) -> int:
    return (day - span.first).days // 7

"""Deterministic campus data, as plain iterators that every loader shares."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

__all__ = [
    "ADMIN_PASSWORD",
    "ADMIN_USER",
    "PASSWORD",
    "SIZES",
    "Campus",
    "CheckIn",
    "Entry",
    "Membership",
    "Person",
]

ADMIN_USER, ADMIN_PASSWORD = "admin", "Benchmark-admin-4711"
PASSWORD = "Correct-horse-7-battery"
FIRST_DAY = date(2026, 9, 1)
SHARE_PRESENT = 0.86
LOGINS = 256

FIRST_NAMES = """
Ada Aino Alan Amira Anders Anna Ayşe Barbara Béla Chidi Clara Dennis Dilnoza Edsger Elif Emil
Farid Frances Grace Hana Ines Ivan Jamal Jean José Ken Lena Leslie Łukasz Maria Mei Niklaus
Nora Olga Omar Priya Radia Rosa Sofia Tim Tomás Ursula Vera Wei Yuki Zainab Zoë
"""
LAST_NAMES = """
Abara Abe Andersen Bakker Berg Chen Costa Çelik Dahl Diaz Dubois Egorov Fischer Garcia Haddad
Hansen Hopper Ivanova Jansen Kaya Keller Kim Kowalski Lamport Larsen Liskov Lopez Meyer Mbeki
Moreau Nagy Nakamura Novak Núñez Okafor Olsen Park Petrov Popov Rahimov Rossi Sato Schmidt
Silva Singh Sørensen Tanaka Torvald Ueda Virtanen Wang Weber Wirth Yusupov Zhang Öztürk
"""
SUBJECTS = ("Algorithms", "Databases", "Networks", "Operating systems", "Statistics", "Compilers")


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the campus; only the first ones can log in with a password."""

    username: str
    first_name: str
    last_name: str
    role: str
    can_log_in: bool


@dataclass(frozen=True, slots=True)
class Membership:
    """A user in a group with a role."""

    group: str
    username: str
    role: str


@dataclass(frozen=True, slots=True)
class CheckIn:
    """A user was there at an instant."""

    username: str
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """One dated lesson of a group, in a room that is free then."""

    group: str
    title: str
    date: date
    start: time
    end: time
    room: int


@dataclass(frozen=True)
class Campus:
    """One size of the same campus; two iterations of anything yield the same."""

    name: str
    user_count: int
    group_count: int
    check_in_count: int
    day_count: int
    file_count: int
    seed: int = 20260901

    @property
    def days(self) -> list[date]:
        """The local days of the term."""
        return [FIRST_DAY + timedelta(n) for n in range(self.day_count)]

    @property
    def group_names(self) -> list[str]:
        """Names of all groups, one per teacher."""
        return [f"CS-{n // 20 + 1}{n % 20 + 1:02}" for n in range(self.group_count)]

    @cached_property
    def people(self) -> list[Person]:
        """Teachers first, then students; usernames tell them apart."""
        rng = random.Random(self.seed)
        firsts, lasts = FIRST_NAMES.split(), LAST_NAMES.split()
        people = []
        for n in range(self.user_count):
            role = "teacher" if n < self.group_count else "student"
            first, last = rng.choice(firsts), rng.choice(lasts)
            able = 0 <= n - self.group_count < LOGINS
            people.append(Person(f"{role}{n + 1:05}", first, last, role, able))
        return people

    def memberships(self) -> Iterator[Membership]:
        """Each teacher leads a group; a student is in one, each tenth in a second."""
        names = self.group_names
        for n, person in enumerate(self.people):
            yield Membership(names[n % len(names)], person.username, person.role)
            if person.role == "student" and n % 10 == 0:
                yield Membership(names[(n + 7) % len(names)], person.username, "student")

    @cached_property
    def attendance_plan(self) -> list[tuple[date, int, int]]:
        """(day, index of the person, number of check-ins 1-4) of every user-day, by day."""
        rng = random.Random(self.seed + 1)
        present = [
            (day, who)
            for day in self.days
            for who in range(self.user_count)
            if rng.random() < SHARE_PRESENT
        ]
        counts = [1] * len(present)
        missing = self.check_in_count - len(present)
        while missing > 0:
            at = rng.randrange(len(counts))
            if counts[at] < 4:
                counts[at] += 1
                missing -= 1
        return [(day, who, count) for (day, who), count in zip(present, counts, strict=True)]

    def check_ins(self) -> Iterator[CheckIn]:
        """All check-ins in the order in which they happened."""
        rng = random.Random(self.seed + 2)
        today: list[CheckIn] = []
        current = None
        for day, who, count in self.attendance_plan:
            if day != current:
                yield from sorted(today, key=lambda row: row.timestamp)
                today, current = [], day
            name = self.people[who].username
            today.extend(CheckIn(name, moment) for moment in moments(rng, day, count))
        yield from sorted(today, key=lambda row: row.timestamp)

    @property
    def room_count(self) -> int:
        """Rooms are numbered from 1; four groups share one."""
        return (self.group_count + 3) // 4

    def entries(self) -> Iterator[Entry]:
        """One lesson per group and weekday of the term."""
        for n, group in enumerate(self.group_names):
            for k, day in enumerate(self.days):
                if day.weekday() < 5:
                    hour = 8 + 2 * (n % 4)
                    title = SUBJECTS[(n + k) % len(SUBJECTS)]
                    yield Entry(group, title, day, time(hour), time(hour + 1, 30), n // 4 + 1)

    def files(self) -> Iterator[tuple[str, date]]:
        """User-days that have a file attached."""
        plan = self.attendance_plan
        step = len(plan) // self.file_count
        for n in range(self.file_count):
            day, who, _ = plan[n * step]
            yield self.people[who].username, day

    def user_days(self, count: int) -> Iterator[tuple[str, date]]:
        """A spread sample of user-days that have check-ins."""
        rng = random.Random(self.seed + 3)
        for day, who, _ in rng.sample(self.attendance_plan, count):
            yield self.people[who].username, day


def moments(rng: random.Random, day: date, count: int) -> list[datetime]:
    """Distinct instants of one user-day: mostly a morning, then an afternoon, then anything."""
    midnight = datetime.combine(day, time(), UTC)
    late = rng.random() < 0.1
    chosen: set[int] = set()
    while len(chosen) < count:
        if not chosen and not late:
            hour = rng.triangular(7.25, 12.0, 8.4)
        elif len(chosen) == 1 or late:
            hour = rng.triangular(12.5, 17.0, 13.4)
        else:
            hour = rng.uniform(8.5, 18.0)
        chosen.add(int(hour * 3600))
    return [midnight + timedelta(seconds=second) for second in sorted(chosen)]


SIZES = {
    "S": Campus("S", 200, 10, 10_000, 30, 20),
    "M": Campus("M", 5_000, 200, 300_000, 30, 200),
}

"""The rows of the comparison: what is asked, by how many clients, and the goal."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, product

from .client import Site
from .data import PASSWORD, Campus

__all__ = ["EXPORTS", "ROWS", "Export", "Row", "Visit", "revise_term", "target"]


@dataclass(frozen=True)
class Visit:
    """A peer about to be asked by some number of clients."""

    site: Site
    campus: Campus
    clients: int

    def able(self) -> list[str]:
        """Usernames of those who can log in."""
        return [person.username for person in self.campus.people if person.can_log_in]


FRESH = 90
TargetMaker = Callable[[Visit], list[str]]
Revision = Callable[[Visit], None]


@dataclass(frozen=True)
class Row:
    """One kind of request under load from wrk."""

    key: str
    title: str
    clients: int
    script: str
    targets: TargetMaker
    goal: str
    minimum: float | None = None
    p99_limit: float | None = None
    floor: float | None = None
    scale: int = 1
    partner: str = "seed"
    login: bool = True
    revise: Revision | None = None

    @property
    def comparable(self) -> bool:
        """Whether the seed stack offers it."""
        return self.scale == 1


@dataclass(frozen=True)
class Export:
    """One long answer, measured alone with the memory that it takes."""

    key: str
    title: str
    path: str
    goal: str
    minimum: float
    rise_limit: float


def target(method: str, path: str, body: str = "", tag: str = "") -> str:
    """One line for lua/cycle.lua."""
    return f"{method}\t{path}\t{body}\t{tag}"


def refresh_tokens(visit: Visit) -> list[str]:
    """A chain per connection and some to spare, each from a login of its own."""
    able = visit.able()
    wanted = visit.clients + 8
    return [visit.site.login(able[n % len(able)], PASSWORD)["refresh"] for n in range(wanted)]


def logins(visit: Visit) -> list[str]:
    """Distinct people."""
    bodies = [json.dumps({"username": name, "password": PASSWORD}) for name in visit.able()]
    return [target("POST", "/auth/login/", body) for body in bodies]


def user_pages(visit: Visit) -> list[str]:
    """The first pages of the directory."""
    return [target("GET", page) for page in visit.site.pages("/data/?limit=100", 20)]


def user_ids(visit: Visit) -> list[str]:
    """Everybody's id."""
    users = visit.site.users()
    return [str(users[person.username]) for person in visit.campus.people]


def user_days(visit: Visit) -> list[str]:
    """People on days on which they were there."""
    return [
        target("GET", f"/attendance/?user={name}&date={day}")
        for name, day in visit.campus.user_days(2_000)
    ]


def days(visit: Visit) -> list[str]:
    """All days of the term."""
    return [target("GET", f"/attendance/aggregated/?date={day}") for day in visit.campus.days]


def come_earlier(visit: Visit, username: str, day: date) -> None:
    """Add a check-in before all others of that day, so that what was said of the day is wrong."""
    visit.site.revisions += 1
    second = timedelta(hours=6) - timedelta(seconds=visit.site.revisions)
    moment = datetime.combine(day, time(), UTC) + second
    body = {"user": visit.site.users()[username], "timestamp": moment.isoformat()}
    visit.site.must("POST", "/attendance/", body)


def revise_days(visit: Visit) -> None:
    """Something new about each day of the term."""
    for day in visit.campus.days:
        come_earlier(visit, visit.campus.people[-1].username, day)


def revise_term(visit: Visit) -> None:
    """Something new about the term."""
    come_earlier(visit, visit.campus.people[-1].username, visit.campus.days[0])


def known_days(visit: Visit) -> list[str]:
    """Days whose entity tag the client holds, where the peer gives one."""
    found = []
    for day in visit.campus.days:
        path = f"/attendance/aggregated/?date={day}"
        tag = visit.site.call("GET", path).headers.get("etag", "")
        found.append(target("GET", path, tag=tag))
    return found


def windows(visit: Visit) -> list[tuple[date, str]]:
    """First day and group of distinct spans of 22 days; all contain the ninth day of the term."""
    pairs = product(visit.campus.days[:9], visit.campus.group_names)
    return list(islice(pairs, FRESH))


def group_terms(visit: Visit) -> list[str]:
    """22 days of a group."""
    groups = visit.site.groups()
    return [
        target(
            "GET",
            f"/attendance/aggregated/?from={first}&to={first + timedelta(21)}&group={groups[name]}",
        )
        for first, name in windows(visit)
    ]


def revise_groups(visit: Visit) -> None:
    """Something new about each of those groups."""
    member = {seat.group: seat.username for seat in visit.campus.memberships()}
    for name in sorted({name for _, name in windows(visit)}):
        come_earlier(visit, member[name], visit.campus.days[8])


def schedules(visit: Visit) -> list[str]:
    """The timetable of each group."""
    return [target("GET", f"/schedule/?group={key}") for key in visit.site.groups().values()]


def check_in(clients: int, goal: str, p99_limit: float | None = None) -> Row:
    """A check-in row at some number of clients."""
    title = "check-in POST"
    key = f"check-in-{clients}"
    return Row(key, title, clients, "check_in.lua", user_ids, goal, 4, p99_limit)


ROWS = (
    Row("refresh", "token refresh, rotating", 16, "refresh.lua", refresh_tokens, ">= 5x", 5,
        login=False),
    Row("users", "users page of 100", 16, "cycle.lua", user_pages, ">= 8x", 8),
    check_in(1, ">= 4x"),
    check_in(16, ">= 4x"),
    check_in(64, ">= 4x, p99 <= 50 ms", 50),
    Row("bulk", "bulk check-in of 1,000, marks/s", 2, "bulk.lua", user_ids, ">= 40,000 marks/s",
        floor=40_000, scale=1_000, partner="check-in-16"),
    Row("user-day", "attendance of a user on a day", 16, "cycle.lua", user_days, ">= 7x", 7),
    Row("day", "aggregate of one day, just revised", 4, "", days, ">= 12x", 12,
        revise=revise_days),
    Row("day-again", "aggregate of a closed day again, If-None-Match", 4, "cycle.lua", known_days,
        "304 or a byte copy"),
    Row("group", "aggregate of 22 days of a group, just revised", 4, "", group_terms, ">= 8x", 8,
        revise=revise_groups),
    Row("schedule", "schedule of a group", 16, "cycle.lua", schedules, ">= 7x", 7),
    Row("login", "login, equal argon2id", 8, "cycle.lua", logins, ">= 0.9x bare hash rate", 0.9,
        partner="hash", login=False),
)  # fmt: skip

TERM = "from={first}&to={last}"
EXPORTS = (
    Export("json", "whole term as JSON", f"/attendance/aggregated/?{TERM}",
           ">= 3x, <= +16 MiB", 3, 16),
    Export("xlsx", "XLSX of the whole term", f"/attendance/aggregated/download/?{TERM}",
           ">= 2x, aim 12x, <= +16 MiB", 2, 16),
)  # fmt: skip

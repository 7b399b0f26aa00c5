"""A list costs the same number of SQL statements, however long it is."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from attrs import define, field
from falcon.testing import TestClient

from campuscore import NewCheckIn, NewEntry, NewGroup, NewUser, Role, Settings, open_campus
from campuscore.adapters.http.app import create_app
from campuscore.adapters.http.routes import ROUTES
from campuscore.domain.attendance import NewAttachment
from campuscore.domain.auth import NewApiToken
from campuscore.domain.days import Days
from campuscore.domain.groups import Membership
from campuscore.domain.schedule import NewRoom, NewTerm

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
DAY = NOW.date() - timedelta(days=1)
FEW, MANY = 3, 50


@define
class Counter:
    """Counts what the connections of a store execute."""

    statements: list[str] = field(factory=list)

    def attach(self, store) -> None:
        for row in (store.readers, store.writers):
            row.clear()
            row._connect = self._traced(row._connect)

    def _traced(self, connect):
        def traced() -> sqlite3.Connection:
            connection = connect()
            connection.set_trace_callback(self.statements.append)
            return connection

        return traced


@define
class Filled:
    """A campus with so many rows in each list, and who asks."""

    campus: object
    counter: Counter
    client: TestClient
    group: int
    token: str
    role: Role
    users: list[int] = field(factory=list)

    def ask(self, path: str) -> tuple[list[str], int]:
        """Return the statements of a request, and how many bytes were answered."""
        headers = {"Authorization": f"Bearer {self.token}"}
        self.client.simulate_get(path, headers=headers)
        self.counter.statements.clear()
        answer = self.client.simulate_get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return list(self.counter.statements), len(answer.content)


def fill(folder, rows: int, role: Role) -> Filled:
    settings = Settings(home=str(folder), sqlite_synchronous="normal")
    campus = open_campus(settings, days=Days(now=lambda: NOW))
    operator = campus.operator
    users = [campus.users.create(operator, NewUser(username=f"student{n}")).id for n in range(rows)]
    asks = campus.users.create(operator, NewUser(username="asks", role=role)).id
    campus.users.create(operator, NewUser(username="root", role=Role.ADMIN))
    group = fill_groups(campus, rows, users, asks)
    at = datetime.combine(DAY, NOW.time(), UTC)
    campus.attendance.check_in_many(operator, [NewCheckIn(user=u, timestamp=at) for u in users])
    for number, user in enumerate(users):
        new = NewAttachment(user=user, date=DAY, filename="a.txt")
        campus.attendance.attach_file(operator, new, [b"x"])
        campus.attendance.attach_file(
            operator, NewAttachment(user=users[0], date=NOW.date(), filename="b.txt"), [b"x"]
        )
        campus.schedule.create(operator, NewEntry(group=group, title="t", date=DAY))
        name = f"x{number}"
        campus.schedule.terms.create(operator, NewTerm(name=name, first_day=DAY, last_day=DAY))
        campus.schedule.rooms.create(operator, NewRoom(name=name))
        token = campus.auth.tokens.mint(operator, NewApiToken(name=name), asks).token
    counter = Counter()
    counter.attach(campus.users.store)
    return Filled(campus, counter, TestClient(create_app(campus)), group, token, role, users)


def fill_groups(campus, rows: int, users: list[int], asks: int) -> int:
    operator = campus.operator
    top = campus.groups.create(operator, NewGroup(name="top")).id
    rows_of = [(top, asks, Role.TEACHER)] + [(top, user, Role.STUDENT) for user in users]
    for number in range(rows):
        group = campus.groups.create(operator, NewGroup(name=f"g{number}", parent=top)).id
        rows_of.append((group, users[number], Role.STUDENT))
    with campus.groups.store.write() as work:
        work.memberships.add([Membership(0, g, u, r, DAY, None, "manual") for g, u, r in rows_of])
        work.commit()
    return top


@pytest.fixture(scope="module", params=["admin", "teacher"])
def campuses(request, tmp_path_factory):
    made = [
        fill(tmp_path_factory.mktemp(f"{request.param}{rows}"), rows, Role(request.param))
        for rows in (FEW, MANY)
    ]
    yield made
    for each in made:
        each.campus.close()


LISTS = {
    "/auth/sessions/": 2,
    "/auth/tokens/": 2,
    "/data/": 2,
    "/users/": 2,
    "/users/{user_id}/guardians/": 3,
    "/users/{user_id}/wards/": 3,
    "/groups/": 3,
    "/groups/{group_id}/members/": 4,
    "/attendance/": 2,
    "/attendance/files/": 3,
    "/attendance/aggregated/": 4,
    "/attendance/aggregated/download/": 4,
    "/schedule/": 2,
    "/terms/": 2,
    "/rooms/": 2,
}
"""The lists, with the statements that each takes; one of them finds out who asks."""

SHELVED = {"/attendance/aggregated/?date={day}": 2}
"""Days that are over are answered from the shelf, after a look at whether they were revised."""

NAMING_GROUPS = {"/attendance/aggregated/", "/attendance/aggregated/download/"}
"""What tells everybody but administrators only of some groups takes one more: which these are."""

QUERIES = {
    "/data/": ("", "?active=all", "?search=student", "?limit=2"),
    "/users/": ("", "?active=all", "?search=student", "?limit=2"),
    "/attendance/": ("", "?has_files=true", "?group={group}", "?date={day}", "?limit=2"),
    "/attendance/aggregated/": ("", "?date={day}", "?group={group}", "?limit=2"),
    "/attendance/aggregated/download/": ("", "?format=csv", "?date={day}"),
    "/attendance/files/": ("?user={user}&date={today}",),
    "/schedule/": ("", "?group={group}", "?limit=2"),
}
CASES = [f"{path}{query}" for path in LISTS for query in QUERIES.get(path, ("",))]


def begins(statement: str) -> bool:
    return statement.split(maxsplit=1)[0] in {"BEGIN", "COMMIT", "ROLLBACK", "--"}


@pytest.mark.parametrize("path", CASES)
def test_the_number_of_statements_is_fixed(campuses, path):
    counts, sizes = [], []
    for each in campuses:
        filled = path.replace("{group_id}", str(each.group)).replace("{user_id}", "{user}")
        filled = filled.format(group=each.group, day=DAY, today=NOW.date(), user=each.users[0])
        statements, size = each.ask(filled)
        counts.append([s for s in statements if not begins(s)])
        sizes.append(size)

    assert len(counts[0]) == len(counts[1]), counts
    bare = path.partition("?")[0]
    more = bare in NAMING_GROUPS and path not in SHELVED and campuses[0].role is not Role.ADMIN
    assert len(counts[1]) == SHELVED.get(path, LISTS[bare]) + more, counts[1]
    if not any(part in path for part in ("limit", "sessions", "guardians", "wards")):
        assert sizes[1] > sizes[0]


def test_the_audit_takes_one_statement_and_one_to_know_who_asks(campuses):
    for each in campuses:
        asks = each.campus.auth.authenticate(each.token)
        if asks.role is Role.ADMIN:
            statements, _ = each.ask("/audit/")
            assert len([s for s in statements if not begins(s)]) == 2


WRITES = {
    "login": 13,
    "user": 6,
    "own check-in": 4,
    "another's check-in": 8,
}
"""What changes take; three of them are the audit's: which record was last, the next, the head."""


def test_changes_take_a_fixed_number_of_statements(campuses):
    for each in campuses:
        campus, client = each.campus, each.client
        name = f"by.{each.campus.auth.authenticate(each.token).role}.{len(each.users)}"
        root = campus.users.find_named(campus.operator, "root").id
        campus.users.set_password(campus.operator, root, "correct horse battery")
        secret = {"username": "root", "password": "correct horse battery"}
        client.simulate_post("/auth/login/", json=secret)
        tokens = {
            who: campus.auth.tokens.mint(campus.operator, NewApiToken(name="w"), who).token
            for who in (root, each.users[0])
        }

        def count(path, body, who=None, counter=each.counter, client=client, tokens=tokens):
            headers = {"Authorization": f"Bearer {tokens[who]}"} if who else {}
            client.simulate_get("/auth/me/", headers=headers)
            counter.statements.clear()
            answer = client.simulate_post(path, json=body, headers=headers)
            assert answer.status_code in {200, 201}, answer.text
            return [s for s in counter.statements if not begins(s)]

        found = {
            "login": count("/auth/login/", secret),
            "user": count("/users/", {"username": name}, root),
            "own check-in": count("/attendance/", {}, each.users[0]),
            "another's check-in": count("/attendance/", {"user": each.users[0]}, root),
        }
        assert {what: len(statements) for what, statements in found.items()} == WRITES
        for what, statements in found.items():
            recorded = [s for s in statements if "audit" in s]
            assert len(recorded) == (0 if what == "own check-in" else 3), recorded


def test_every_list_is_counted():
    lists = {
        route.path
        for route in ROUTES
        if route.method == "GET"
        and not route.installers  # whose pages are counted in test_index_statements
        and (getattr(route.answer, "__origin__", None) is list or "download" in route.path)
    }

    assert lists == {*LISTS, "/audit/"}  # which administrators alone read

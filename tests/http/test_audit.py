"""The audit over HTTP: every refusal has its record, and nobody but administrators reads it."""

from __future__ import annotations

import re
import time

import pytest
from attrs import frozen
from falcon.testing import Result, TestClient

from campuscore import Campus, NewGroup, NewUser, Role, Settings, open_campus
from campuscore.adapters.http import create_app
from campuscore.adapters.http.route import PUBLIC, Route
from campuscore.adapters.http.routes import ROUTES
from campuscore.domain.audit import AuditQuery, AuditRecord, Outcome
from campuscore.domain.auth import NewApiToken

from .client import AGENT

REFUSED = {401, 403, 429}
OUT_OF_REACH = {"user_not_found", "group_not_found", "session_not_found", "token_not_found"}


@pytest.fixture(scope="module")
def inside():
    """A campus in this process, so that it can be said when refusals are written down."""
    with open_campus(Settings(database_url="memory://")) as campus:
        users = campus.users
        keys = {
            role: users.create(campus.operator, NewUser(username=role, role=role)).id
            for role in (Role.STUDENT, Role.TEACHER, Role.DEVICE)
        }
        campus.groups.create(campus.operator, NewGroup(name="Lab"))
        yield Inside(campus, TestClient(create_app(campus)), keys)


@frozen
class Inside:
    campus: Campus
    client: TestClient
    users: dict[Role, int]

    def token(self, role: Role) -> str:
        minted = self.campus.auth.tokens.mint(
            self.campus.operator, NewApiToken(name="t"), self.users[role]
        )
        return minted.token

    def ask(self, route: Route, token: str | None) -> tuple[Result, list[AuditRecord]]:
        """Return the answer, and what was refused meanwhile."""
        refusals, before = self.campus.audit.refusals, self.newest()
        headers = {"User-Agent": AGENT, "Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        path = re.sub(r"\{\w+\}", "99", route.path)
        body = "{}" if route.body is not None else None
        answer = self.client.simulate_request(route.method, path, headers=headers, body=body)
        refusals.flush()
        query = AuditQuery(outcome=Outcome.REFUSED)
        rows = self.campus.audit.list(self.campus.operator, query).items
        return answer, [row for row in rows if row.number > before]

    def newest(self) -> int:
        return self.campus.audit.head(self.campus.operator).number


def label(route):
    return f"{route.method}{route.path}"


GUARDED = [route for route in ROUTES if route.action != PUBLIC]


@pytest.mark.parametrize("route", GUARDED, ids=label)
def test_a_refusal_at_any_route_has_exactly_one_record(inside, route):
    for token, user in [
        (None, -1),
        ("cct_nothing", -1),
        ("a.b.c", -1),
        *((inside.token(role), key) for role, key in inside.users.items()),
    ]:
        answer, found = inside.ask(route, token)
        code = answer.json.get("code", "") if answer.status_code >= 400 else ""
        refused = answer.status_code in REFUSED or code in OUT_OF_REACH
        assert [row.count for row in found] == [1] * refused, (answer.json, found)
        for row in found:
            assert (row.user, row.code) == (user, code)


@pytest.fixture
def told(campus):
    """Return a function that gives the records of a refusal, once they are written.

    Where others were refused just before, it may have been folded with what is alike.
    """
    mark = campus.audit.head(campus.operator).number

    def find(answer, user, code):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            rows = campus.audit.list(campus.operator, AuditQuery(user=user)).items
            rows = [row for row in rows if row.number > mark and row.code == code]
            alone = [row for row in rows if row.request_id == answer.headers["x-request-id"]]
            found = alone or [row for row in rows if row.request_id is None]
            if found:
                return found
            time.sleep(0.01)
        return []

    return find


def asked(world, anybody):
    """Yield answers that are refusals, each with the user and the code that are recorded."""
    student, stranger = world.client("student"), world.users["stranger"]
    me = world.users["student"]
    yield anybody.get("/users/"), -1, "unauthenticated"
    yield anybody.bearer("cct_nothing").get("/users/"), -1, "token_invalid"
    yield anybody.post("/auth/refresh/", {"refresh": "ccr_1_x"}), -1, "refresh_refused"
    yield student.post("/users/", {"username": "x"}), me, "forbidden"
    yield student.get(f"/users/{stranger}/"), me, "user_not_found"
    yield student.post("/attendance/", {"user": stranger}), me, "user_not_found"
    yield student.delete("/auth/tokens/999999/"), me, "token_not_found"


def test_a_refusal_by_any_worker_is_recorded_with_where_it_came_from(world, anybody, told):
    for answer, user, code in asked(world, anybody):
        (row,) = told(answer, user, code)
        assert row.outcome is Outcome.REFUSED
        assert row.ip_address == "127.0.0.1"
        assert row.user_agent == (AGENT if row.request_id else None)


def test_what_is_done_is_listed_newest_first_with_filters(world, admin):
    made = admin.post("/groups/", {"name": world.name("audited")}).json["id"]
    newest = admin.get("/audit/?limit=2").json
    assert newest[0]["number"] == newest[1]["number"] + 1
    (row,) = admin.get(f"/audit/?action=group.created&target=group:{made}").json

    assert list(row)[:4] == ["number", "at", "user", "actor"]
    assert (row["detail"], row["outcome"]) == ({"name": world.name("audited")}, "done")
    assert row["request_id"]
    assert admin.get("/audit/?action=group.created&target=0").json == []
    assert {r["outcome"] for r in admin.get("/audit/?outcome=refused").json} <= {"refused"}
    assert admin.get("/audit/?to=2020-01-01").json == []
    assert admin.get("/audit/?from=2020-01-02&to=2020-01-01").paths == ["/to"]


def test_pages_lead_to_the_first(admin):
    answer = admin.get("/audit/?limit=1")
    numbers = [answer.json[0]["number"]]
    answer = admin.get(answer.next_page)
    numbers += [row["number"] for row in answer.json]

    assert numbers == [numbers[0], numbers[0] - 1]


@pytest.mark.parametrize("who", ["student", "teacher"])
def test_it_is_for_administrators(world, who):
    assert world.client(who).get("/audit/").status == 403

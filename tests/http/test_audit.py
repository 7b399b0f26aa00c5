"""The audit over HTTP: every refusal has its record, and nobody but administrators reads it."""

from __future__ import annotations

import time

import pytest

from campuscore.domain.audit import AuditQuery

from .client import AGENT


@pytest.fixture
def told(campus):
    """Return a function that gives the records of a request, once they are written."""

    def find(answer):
        named = answer.headers["x-request-id"]
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            rows = campus.audit.list(campus.operator, AuditQuery()).items
            found = [row for row in rows if row.request_id == named]
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
    yield anybody.bearer("a.b.c").get("/users/"), -1, "token_invalid"
    yield anybody.post("/auth/refresh/", {"refresh": "ccr_1_x"}), -1, "refresh_refused"
    yield student.post("/users/", {"username": "x"}), me, "forbidden"
    yield student.get(f"/users/{stranger}/"), me, "user_not_found"
    yield student.get("/audit/"), me, "forbidden"
    yield student.post("/attendance/", {"user": stranger}), me, "user_not_found"
    yield student.patch(f"/users/{me}/", {"first_name": "x"}), me, "forbidden"


def test_every_refusal_has_exactly_one_record(world, anybody, told):
    for answer, user, code in asked(world, anybody):
        found = told(answer)
        assert len(found) == 1, (answer, found)
        (row,) = found
        assert (row.user, row.code, row.outcome.value) == (user, code, "refused"), answer
        assert (row.ip_address, row.user_agent) == ("127.0.0.1", AGENT)


def test_what_is_done_is_listed_newest_first_with_filters(world, admin):
    made = admin.post("/groups/", {"name": world.name("audited")}).json["id"]
    newest = admin.get("/audit/?limit=2").json
    assert newest[0]["number"] == newest[1]["number"] + 1
    (row,) = admin.get(f"/audit/?action=group.created&target={made}").json

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

"""Refusals are problem details (RFC 9457) with a stable code, and change nothing."""

from __future__ import annotations

import json
import re

import pytest
from falcon.testing import TestClient

from campuscore import Settings, open_campus
from campuscore.adapters.http import create_app
from campuscore.adapters.http.route import PUBLIC, Route
from campuscore.adapters.http.routes import ROUTES

KEYS = ["type", "title", "status", "code", "detail"]
GUARDED = [
    route
    for route in ROUTES
    if route.action != PUBLIC and not (route.installers and route.method == "GET")
]
WITH_ID = [route for route in GUARDED if "_id}" in route.path]
DEEP = b"[" * 100_000
WITH_BODY = [route for route in ROUTES if route.body is not None]


def label(route):
    return f"{route.method}{route.path}"


def at(route, number=999_999):
    return re.sub(r"\{\w+\}", str(number), route.path)


def assert_problem(answer, status, code):
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json
    assert list(found)[:5] == KEYS
    assert (answer.status, found["status"], found["code"]) == (status, status, code)
    assert found["type"] == "about:blank"
    assert found["detail"]


@pytest.mark.parametrize("route", GUARDED, ids=label)
def test_without_a_token_nothing_is_answered(server, anybody, route):
    scheme = "Basic" if route.installers else "Bearer"
    with server.untouched():
        refused = anybody.request(route.method, at(route, 1), body=b"{")

    assert_problem(refused, 401, "unauthenticated")
    assert refused.headers["www-authenticate"] == f'{scheme} realm="campuscore"'


@pytest.mark.parametrize("route", WITH_BODY, ids=label)
def test_malformed_json_is_400(server, admin, route):
    with server.untouched():
        for body in (b"", b" ", b"{", b"{'a': 1}", b"\xff", b'{"a": NaN}', DEEP, b"{} {}"):
            refused = admin.request(route.method, at(route), body=body)
            assert_problem(refused, 400, "malformed_json")


@pytest.mark.parametrize("route", WITH_ID, ids=label)
def test_an_unknown_id_is_404(server, admin, route):
    given = {
        "/groups/{group_id}/add_user/": {"user_id": 1},
        "/groups/{group_id}/remove_user/": {"user_id": 1},
        "/terms/{term_id}/": {"name": "x", "first_day": "2024-01-01", "last_day": "2024-01-02"},
        "/rooms/{room_id}/": {"name": "x"},
    }.get(route.path, {"username": "x"} if route.feature == "users" else {})
    body = None if route.body is None else json.dumps(given).encode()
    kind = re.search(r"\{(\w+)_id\}", route.path)
    assert kind
    with server.untouched():
        for number in ("999999", "0", "9223372036854775807"):
            refused = admin.request(route.method, at(route, number), body=body)
            assert_problem(refused, 404, f"{kind[1]}_not_found")


@pytest.mark.parametrize(
    "path", ["/nowhere/", "/users/x/", "/users/-1/", "/users/9223372036854775808/", "/users/1/x/"]
)
def test_an_unknown_path_is_404(admin, path):
    assert_problem(admin.get(path), 404, "not_found")


@pytest.mark.parametrize("path", sorted({route.path for route in ROUTES}))
def test_a_method_that_a_path_has_not_is_405(server, admin, path):
    allowed = {route.method for route in ROUTES if route.path == path}
    with server.untouched():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - allowed:
            refused = admin.request(method, re.sub(r"\{\w+\}", "1", path), body=b"{}")
            assert_problem(refused, 405, "method_not_allowed")
            assert allowed <= set(refused.headers["allow"].split(", "))


def test_too_large_is_413(server, admin):
    with server.untouched():
        refused = admin.request("POST", "/users/", body=b" " * (1024 * 1024 + 1))

    assert_problem(refused, 413, "too_large")


def test_head_is_no_way_around(anybody):
    answer = anybody.request("HEAD", "/users/")

    assert (answer.status, answer.body) == (401, b"")


def test_options_says_what_is_allowed_and_nothing_else(anybody):
    answer = anybody.raw(anybody.head("OPTIONS", "/users/"))

    assert (answer.status, answer.body) == (200, b"")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


@pytest.mark.parametrize("number", ["+1", "1_0", "-1", "%D9%A1", "%2B1", "1.0", "1%20", 1 << 63])
def test_an_id_in_a_path_is_ascii_digits(admin, number):
    assert admin.get("/users/1/").status == 200
    assert_problem(admin.get(f"/users/{number}/"), 404, "not_found")


@pytest.mark.parametrize("debug", [False, True])
def test_a_failure_tells_of_the_inside_only_where_that_is_set(debug):
    def fail(ask):
        raise RuntimeError("the inside")

    route = Route(method="GET", path="/x/", action=PUBLIC, handler=fail, summary="X.")
    settings = Settings(database_url="memory://", debug=debug)
    with open_campus(settings) as campus:
        answer = TestClient(create_app(campus, (route,))).simulate_get("/x/")

    assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
    assert ("the inside" in answer.text) is debug
    assert ("RuntimeError" in answer.text) is debug

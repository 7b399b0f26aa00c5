"""A campus that was closed refuses, in the library and over HTTP."""

from __future__ import annotations

import re

import pytest
from falcon.testing import TestClient

from campuscore import NewUser, Role, Settings, open_campus
from campuscore.adapters.http import create_app
from campuscore.adapters.http.route import PUBLIC
from campuscore.adapters.http.routes import ROUTES
from campuscore.errors import Unavailable

_PASSWORD = "correct-horse-battery"
_STORELESS = {"/healthz", "/openapi.json", "/docs", "/admin/", "/"}


@pytest.fixture
def campus(tmp_path):
    with open_campus(Settings(home=str(tmp_path / "home"))) as campus:
        new = NewUser(username="root", role=Role.ADMIN, password=_PASSWORD)
        campus.users.create(campus.operator, new)
        yield campus


def test_every_service_of_a_closed_campus_refuses(campus, tmp_path):
    who, access = campus.operator, campus.auth.login("root", _PASSWORD).access
    before = sorted(path.name for path in (tmp_path / "home").iterdir())
    campus.close()
    campus.close()
    for ask in (
        lambda: campus.auth.login("root", _PASSWORD),
        lambda: campus.auth.authenticate(access),
        lambda: campus.users.list(who),
        lambda: campus.users.create(who, NewUser(username="anna")),
        lambda: campus.groups.list(who),
        lambda: campus.attendance.list(who),
        lambda: list(campus.attendance.sheet(who, form="csv").chunks),
        lambda: campus.schedule.list(who),
        lambda: campus.schedule.rooms.list(who),
        lambda: campus.packages.list(who),
        lambda: campus.demo.standing(who),
        campus.operations.ready,
        lambda: campus.operations.run_due("me"),
        lambda: campus.operations.back_up(who, tmp_path / "backup.tar"),
    ):
        with pytest.raises(Unavailable, match="this campus is closed") as refused:
            ask()
        assert refused.value.code == "campus_closed"
    after = sorted(path.name for path in (tmp_path / "home").iterdir())
    assert set(after) <= set(before)


def test_every_address_of_a_closed_campus_answers_503(campus):
    client = TestClient(create_app(campus))
    access = campus.auth.login("root", _PASSWORD).access
    campus.close()
    for route in ROUTES:
        path = re.sub(r"\{[^}]*\}", "1", route.path)
        headers = {} if route.action == PUBLIC else {"Authorization": f"Bearer {access}"}
        answer = client.simulate_request(route.method, path, headers=headers)
        if route.path in _STORELESS:
            assert answer.status_code == 200, path
        elif route.action != PUBLIC:
            assert answer.status_code == 503, path
            assert answer.json["code"] == "campus_closed"
            assert answer.headers["retry-after"]
    login = {"username": "root", "password": _PASSWORD}
    assert client.simulate_post("/auth/login/", json=login).status_code == 503
    assert client.simulate_get("/readyz").status_code == 503
    assert client.simulate_get("/simple/").status_code == 503

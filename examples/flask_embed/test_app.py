"""The pages of the application, and the API under it."""

from __future__ import annotations

import pytest
from app import create_app

from campuscore import NewCheckIn, NewGroup, NewUser, Role, open_campus


@pytest.fixture
def campus():
    with open_campus("memory://") as campus:
        who = campus.operator
        lab = campus.groups.create(who, NewGroup(name="Lab 1"))
        for name, role in (("ada", Role.TEACHER), ("bob", Role.STUDENT)):
            new = NewUser(username=name, first_name=name.title(), password=f"{name}-has-a-word")
            user = campus.users.create(who, new)
            campus.groups.add_user(who, lab.id, user.id, role)
        campus.attendance.check_in(who, NewCheckIn(user=user.id))
        yield campus


@pytest.fixture
def client(campus):
    return create_app(campus).test_client()


def login(client, name):
    answer = client.post(
        "/campus/auth/login/", json={"username": name, "password": f"{name}-has-a-word"}
    )
    return {"Authorization": f"Bearer {answer.json['access']}"}


def test_pages_of_its_own_and_the_api_below(client):
    assert b"/campus/" in client.get("/").data
    assert client.get("/campus/readyz").json == {"status": "ready"}
    names = client.get("/campus/groups/", headers=login(client, "ada")).json
    assert [group["name"] for group in names] == ["Lab 1"]


def test_a_page_shows_what_the_reader_may_see(client):
    seen = client.get("/present/1", headers=login(client, "ada")).json
    assert seen == {"group": "Lab 1", "present": ["Ada", "Bob"]}
    own = client.get("/present/1", headers=login(client, "bob")).json
    assert own == {"group": "Lab 1", "present": ["Bob"]}


def test_refusals_are_those_of_the_library(client):
    assert client.get("/present/1").status_code == 401
    bad = client.get("/present/1", headers={"Authorization": "Bearer nonsense"})
    assert (bad.status_code, bad.json["code"]) == (401, "token_invalid")
    assert client.get("/present/7", headers=login(client, "bob")).status_code == 404

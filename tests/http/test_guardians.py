"""Guardians over HTTP: what they see of their wards, and of nobody else."""

from __future__ import annotations

import pytest

from campuscore import Role

from .client import Part


@pytest.fixture
def family(world, admin):
    """Return clients of a guardian with one ward, and the ids of ward and classmate."""
    for name, role in (("mum", Role.GUARDIAN), ("kid", Role.STUDENT), ("mate", Role.STUDENT)):
        world.add(name, role)
    for name in ("kid", "mate"):
        world.join("lab", name, Role.STUDENT)
    admin.post("/attendance/", [{"user": world.users[n]} for n in ("kid", "mate")])
    mum, kid = world.users["mum"], world.users["kid"]
    assert admin.request("PUT", f"/users/{kid}/guardians/{mum}/").status == 204
    return world.client("mum")


def seen(client, path):
    answer = client.get(path)
    assert answer.status == 200, answer
    return answer.json


def test_a_guardian_sees_the_days_of_the_ward_alone(family, world):
    kid, mate = world.users["kid"], world.users["mate"]

    assert {row["user"] for row in seen(family, "/attendance/")} == {kid}
    assert {row["id"] for row in seen(family, "/attendance/aggregated/")} == {kid}
    assert family.get(f"/attendance/?user={mate}").json == []
    assert seen(family, f"/users/{kid}/")["email"] is not None
    assert family.get(f"/users/{mate}/").status == 404
    sheet = family.get("/attendance/aggregated/download/?format=csv").body.decode()
    assert world.name("kid") in sheet
    assert world.name("mate") not in sheet


def test_a_guardian_sees_the_timetable_of_the_ward_but_not_who_else_is_in_the_group(
    family, world, admin
):
    lab = world.groups["lab"]
    entry = admin.post("/schedule/", {"group": lab, "title": "Lab", "date": "2026-03-04"}).json

    assert entry["id"] in {row["id"] for row in seen(family, f"/schedule/?group={lab}")}
    assert family.get(f"/groups/{lab}/").status == 404
    assert lab not in {row["id"] for row in seen(family, "/groups/")}


def test_a_guardian_attaches_an_excuse_and_no_check_in(family, world):
    kid, mate = world.users["kid"], world.users["mate"]

    def attach(user):
        return family.form(
            Part("user_id", str(user).encode()),
            Part("date", b"2026-03-04"),
            Part("file", b"ill", "excuse.txt", "text/plain"),
        )

    attached = attach(kid)
    assert attached.status == 201
    assert family.get(f"/attendance/files/{attached.json['id']}/").body == b"ill"
    assert attach(mate).status == 404
    assert family.post("/attendance/", {"user": kid}).status == 403


def test_the_link_ends_in_the_next_request(family, world, admin):
    kid, mum = world.users["kid"], world.users["mum"]
    admin.post("/attendance/", {"user": kid, "timestamp": "2026-03-03T09:00:00Z"})
    over = "/attendance/aggregated/?from=2026-03-03&to=2026-03-03"
    assert [(row["id"], bool(row["group"])) for row in seen(family, over)] == [(kid, True)]
    assert [row["id"] for row in seen(family, f"/users/{mum}/wards/")] == [kid]
    assert [row["id"] for row in seen(family, f"/users/{kid}/guardians/")] == [mum]
    assert admin.delete(f"/users/{kid}/guardians/{mum}/").status == 204

    assert seen(family, "/attendance/") == []
    assert seen(family, over) == []
    assert family.get(f"/users/{kid}/").status == 404
    assert family.get(f"/users/{kid}/guardians/").status == 404
    assert admin.delete(f"/users/{kid}/guardians/{mum}/").status == 204


@pytest.mark.parametrize("who", ["student", "teacher", "mum"])
def test_only_administrators_link(family, world, server, who):
    client = world.client(who)
    path = f"/users/{world.users['mate']}/guardians/{world.users['mum']}/"
    with server.untouched():
        assert client.request("PUT", path).status == 403
        assert client.delete(path).status == 403


def test_a_link_needs_two_people(family, world, admin, server):
    kid = world.users["kid"]
    with server.untouched():
        missing = admin.request("PUT", f"/users/{kid}/guardians/999999/")
        oneself = admin.request("PUT", f"/users/{kid}/guardians/{kid}/")

    assert (missing.status, missing.code) == (404, "user_not_found")
    assert (oneself.status, oneself.paths) == (422, ["/guardian_id"])

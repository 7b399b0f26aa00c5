"""Who loses a right has lost it in the very next request, whatever they came with.

grant (session, API token) x event x path (reading, sheet, file, upload of a file, upload of a
package, refresh): each is tried before, where it works, and after, where it must not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import define
from tests.index.dists import wheel

from campuscore import Role, UserChange

from .client import Answer, Client, Part
from .forms import parts_of

PASSWORD = "a long pass phrase"
NEXT = "another long phrase"


@define
class Person:
    """A teacher of a lab, with both grants, and what they can reach in it."""

    world: Any
    session: Client
    program: Client
    pair: dict[str, str]
    student: int
    file: int
    project: str

    @property
    def id(self) -> int:
        return self.world.users["person"]


@pytest.fixture
def person(world, anybody, admin) -> Person:
    world.add("person", Role.TEACHER, password=PASSWORD)
    world.join("lab", "person", Role.TEACHER)
    login = {"username": world.name("person"), "password": PASSWORD}
    pair = anybody.post("/auth/login/", login).json
    session = anybody.bearer(pair["access"])
    program = anybody.bearer(session.post("/auth/tokens/", {"name": "bot"}).json["token"])
    student = world.users["student"]
    admin.post("/attendance/", {"user": student, "timestamp": "2026-03-04T08:00:00Z"})
    file = admin.attach(student, "2026-03-04", b"excuse").json["id"]
    return Person(world, session, program, pair, student, file, f"loss{world.number}")


def reads(person: Person, client: Client) -> Answer:
    return client.get(f"/attendance/?user={person.student}")


def sheet(person: Person, client: Client) -> Answer:
    return client.get(f"/attendance/aggregated/download/?format=csv&user={person.student}")


def file_link(person: Person, client: Client) -> Answer:
    return client.get(f"/attendance/files/{person.file}/")


def attaches(person: Person, client: Client) -> Answer:
    return client.form(
        Part("user_id", str(person.student).encode()),
        Part("date", b"2026-03-04"),
        Part("file", b"more", "more.txt", "text/plain"),
    )


_VERSIONS = iter(range(1, 10_000))


def uploads(person: Person, client: Client) -> Answer:
    return client.form(*parts_of(wheel(person.project, f"1.{next(_VERSIONS)}")), path="/legacy/")


def creates(person: Person, client: Client) -> Answer:
    return client.post("/groups/", {"name": person.world.name(f"g{next(_VERSIONS)}")})


PATHS = (reads, sheet, file_link, attaches, uploads, creates)


def deactivated(person: Person, admin: Client) -> None:
    assert admin.delete(f"/users/{person.id}/").status == 204


def password_changed(person: Person, admin: Client) -> None:
    given = {"old_password": PASSWORD, "new_password": NEXT}
    assert person.session.post("/auth/password/", given).status == 200


def password_set(person: Person, admin: Client) -> None:
    assert admin.patch(f"/users/{person.id}/", {"password": NEXT}).status == 200


def logged_out_everywhere(person: Person, admin: Client) -> None:
    assert person.session.delete("/auth/sessions/").status == 204


def demoted(person: Person, admin: Client) -> None:
    assert admin.patch(f"/users/{person.id}/", {"role": "student"}).status == 200


def removed(person: Person, admin: Client) -> None:
    lab = person.world.groups["lab"]
    given = {"user_id": person.id, "role": "teacher"}
    assert admin.post(f"/groups/{lab}/remove_user/", given).status == 200


SHUT_OUT = (deactivated, password_changed, password_set, logged_out_everywhere)
OF_THE_LAB = (reads, sheet, file_link, attaches)
OF_TEACHERS = (creates,)


def works(path: Callable[..., Answer], person: Person, client: Client) -> bool:
    """Say whether a request did what it asks for, with the student in what it answers."""
    answer = path(person, client)
    if path is reads:
        return answer.status == 200 and bool(answer.json)
    if path is sheet:
        return answer.status == 200 and person.world.name("student") in answer.body.decode()
    return answer.status in {200, 201}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__)
@pytest.mark.parametrize("event", SHUT_OUT, ids=lambda event: event.__name__)
@pytest.mark.parametrize("grant", ["session", "program"])
def test_who_is_shut_out_reaches_nothing(person, admin, grant, event, path):
    client = getattr(person, grant)
    assert works(path, person, client)
    event(person, admin)
    answer = path(person, client)

    assert answer.status == 401, answer
    assert answer.code in {"session_ended", "token_invalid", "token_stale"}


@pytest.mark.parametrize("event", SHUT_OUT, ids=lambda event: event.__name__)
def test_nor_do_they_refresh(person, admin, anybody, event):
    event(person, admin)
    answer = anybody.post("/auth/refresh/", {"refresh": person.pair["refresh"]})

    assert (answer.status, answer.code) == (401, "refresh_refused")


@pytest.mark.parametrize("path", OF_THE_LAB, ids=lambda path: path.__name__)
@pytest.mark.parametrize("grant", ["session", "program", "refreshed"])
def test_who_left_the_group_reaches_nothing_of_it(person, admin, anybody, grant, path):
    client = person.session if grant == "refreshed" else getattr(person, grant)
    assert works(path, person, client)
    removed(person, admin)
    if grant == "refreshed":
        pair = anybody.post("/auth/refresh/", {"refresh": person.pair["refresh"]}).json
        client = anybody.bearer(pair["access"])

    assert not works(path, person, client)


@pytest.mark.parametrize("path", OF_TEACHERS, ids=lambda path: path.__name__)
def test_who_lost_the_role_has_none_of_its_rights(person, admin, anybody, path):
    assert works(path, person, person.session)
    assert works(path, person, person.program)
    demoted(person, admin)

    stale = path(person, person.session)
    assert (stale.status, stale.code) == (401, "token_stale")
    pair = anybody.post("/auth/refresh/", {"refresh": person.pair["refresh"]}).json
    for client in (anybody.bearer(pair["access"]), person.program):
        refused = path(person, client)
        assert (refused.status, refused.code) == (403, "forbidden")


def test_who_lost_the_role_starts_no_project(person, admin):
    demoted(person, admin)

    assert uploads(person, person.program).status == 403


def test_a_new_name_takes_nothing(person, admin, campus):
    change = UserChange(first_name="Other")
    campus.users.update(campus.operator, person.id, change)

    assert works(reads, person, person.session)
    assert works(uploads, person, person.program)

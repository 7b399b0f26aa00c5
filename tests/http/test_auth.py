"""Auth over HTTP: logins that are check-ins, sessions, tokens."""

from __future__ import annotations

import pytest

from campuscore import Role

from .client import AGENT

PASSWORD = "correct horse battery"


@pytest.fixture
def person(world):
    """Return the name of a student who can log in."""
    world.add("person", password=PASSWORD)
    world.join("lab", "person", Role.STUDENT)
    return world.name("person")


def log_in(anybody, name, password=PASSWORD, **headers):
    value = {"username": name, "password": password}
    return anybody.request("POST", "/auth/login/", value, headers=headers)


def test_a_login_is_a_check_in_with_address_and_user_agent(anybody, admin, world, person):
    assert log_in(anybody, person, **{"User-Agent": "lab-pc-7"}).status == 200

    rows = admin.get(f"/attendance/?user={person}").json
    assert len(rows) == 1
    assert rows[0].pop("id") > 0
    assert rows[0].pop("timestamp").endswith("Z")
    assert rows[0] == {
        "user": world.users["person"],
        "method": "login",
        "ip_address": "127.0.0.1",
        "user_agent": "lab-pc-7",
    }


def test_usernames_are_one_in_any_case(anybody, person):
    assert log_in(anybody, person.upper()).status == 200


@pytest.mark.parametrize("case", ["wrong", "unknown", "without", "deactivated"])
def test_every_failed_login_answers_alike_and_leaves_nothing(
    server, anybody, admin, world, person, case
):
    name, password = person, "battery staple"
    if case == "unknown":
        name = "nobody.at.all"
    elif case == "without":
        name = world.name("student")
    elif case == "deactivated":
        password = PASSWORD
        admin.delete(f"/users/{world.users['person']}/")
    with server.untouched():
        refused = log_in(anybody, name, password)

    assert refused.status == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert refused.json == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "code": "wrong_credentials",
        "detail": "wrong username or password",
    }


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ({}, {"/username", "/password"}),
        ({"username": "x"}, {"/password"}),
        ({"username": 7, "password": None}, {"/username", "/password"}),
        ({"username": "x", "password": "y", "remember": True}, {"/remember"}),
    ],
)
def test_a_bad_login_body_names_its_fields(server, anybody, given, paths):
    with server.untouched():
        refused = anybody.post("/auth/login/", given)

    assert (refused.status, set(refused.paths)) == (422, paths)


class TestRefresh:
    def test_it_answers_a_new_pair_and_works_once(self, server, anybody, person):
        pair = log_in(anybody, person).json
        fresh = anybody.post("/auth/refresh/", {"refresh": pair["refresh"]})
        assert (fresh.status, list(fresh.json)) == (200, ["access", "refresh"])
        assert fresh.headers["cache-control"] == "no-store"
        assert fresh.json["refresh"] != pair["refresh"]
        with server.untouched():
            again = anybody.post("/auth/refresh/", {"refresh": pair["refresh"]})
        assert again.json["refresh"] == fresh.json["refresh"]

        latest = anybody.post("/auth/refresh/", {"refresh": fresh.json["refresh"]})
        assert latest.status == 200
        replayed = anybody.post("/auth/refresh/", {"refresh": pair["refresh"]})
        assert (replayed.status, replayed.code) == (401, "refresh_refused")
        ended = anybody.bearer(latest.json["access"]).get("/auth/me/")
        assert (ended.status, ended.code) == (401, "session_ended")

    def test_another_client_has_no_use_for_an_old_token(self, anybody, person):
        pair = log_in(anybody, person).json
        assert anybody.post("/auth/refresh/", {"refresh": pair["refresh"]}).status == 200
        given = {"refresh": pair["refresh"]}
        thief = {"User-Agent": "somebody-else"}
        stolen = anybody.request("POST", "/auth/refresh/", given, headers=thief)

        assert (stolen.status, stolen.code) == (401, "refresh_refused")

    def test_it_is_no_check_in(self, anybody, admin, person):
        pair = log_in(anybody, person).json
        anybody.post("/auth/refresh/", {"refresh": pair["refresh"]})

        assert len(admin.get(f"/attendance/?user={person}").json) == 1

    @pytest.mark.parametrize("token", ["", "x", "ccr_", "ccr_1_x", "ccr_x_y", "ccr_1", "ccr_" * 99])
    def test_what_is_no_refresh_token_is_refused(self, server, anybody, token):
        with server.untouched():
            refused = anybody.post("/auth/refresh/", {"refresh": token})

        assert (refused.status, refused.code) == (401, "refresh_refused")
        assert "www-authenticate" in refused.headers

    def test_an_access_token_does_not_refresh(self, anybody, person):
        pair = log_in(anybody, person).json

        assert anybody.post("/auth/refresh/", {"refresh": pair["access"]}).status == 401


def test_logout_ends_the_session_in_the_next_request(anybody, person):
    pair = log_in(anybody, person).json
    other = anybody.login(person, PASSWORD)
    mine = anybody.bearer(pair["access"])
    assert mine.post("/auth/logout/").status == 204

    refused = mine.get("/auth/me/")
    assert (refused.status, refused.code) == (401, "session_ended")
    assert anybody.post("/auth/refresh/", {"refresh": pair["refresh"]}).status == 401
    assert other.get("/auth/me/").json["username"] == person


class TestPassword:
    def test_a_change_ends_what_was_issued_before(self, anybody, person):
        other, mine = (anybody.login(person, PASSWORD) for _ in range(2))
        program = anybody.bearer(mine.post("/auth/tokens/", {"name": "bot"}).json["token"])
        given = {"old_password": PASSWORD, "new_password": "battery staple"}
        changed = mine.post("/auth/password/", given)
        assert (changed.status, list(changed.json)) == (200, ["access", "refresh"])
        assert changed.headers["cache-control"] == "no-store"

        assert anybody.bearer(changed.json["access"]).get("/auth/me/").status == 200
        for client in (mine, other, program):
            assert client.get("/auth/me/").status == 401
        assert log_in(anybody, person).status == 401
        assert log_in(anybody, person, "battery staple").status == 200

    def test_the_old_password_must_fit(self, server, anybody, person):
        mine = anybody.login(person, PASSWORD)
        with server.untouched():
            refused = mine.post(
                "/auth/password/", {"old_password": "x", "new_password": "battery staple"}
            )
        assert (refused.status, refused.code) == (403, "wrong_password")

    def test_a_short_one_is_refused(self, server, anybody, person):
        mine = anybody.login(person, PASSWORD)
        with server.untouched():
            refused = mine.post(
                "/auth/password/", {"old_password": PASSWORD, "new_password": "short"}
            )
        assert (refused.status, refused.paths) == (422, ["/new_password"])

    def test_an_api_token_cannot_change_it(self, server, world):
        client = world.client("student")
        with server.untouched():
            refused = client.post(
                "/auth/password/", {"old_password": "x", "new_password": "battery staple"}
            )
        assert (refused.status, refused.code) == (403, "session_needed")


class TestSessions:
    KEYS = (
        "id",
        "user",
        "created_at",
        "last_used_at",
        "expires_at",
        "ip_address",
        "user_agent",
        "actor",
    )

    def test_they_are_listed_newest_first_and_shown(self, anybody, world, person):
        anybody.login(person, PASSWORD)
        mine = anybody.login(person, PASSWORD)
        rows = mine.get("/auth/sessions/").json

        assert [tuple(row) for row in rows] == [self.KEYS] * 2
        assert rows[0]["id"] > rows[1]["id"]
        assert (rows[0]["ip_address"], rows[0]["user_agent"]) == ("127.0.0.1", AGENT)
        assert rows[0]["user"] == world.users["person"]
        assert mine.get(f"/auth/sessions/{rows[1]['id']}/").json == rows[1]

    def test_one_is_ended(self, anybody, person):
        other, mine = (anybody.login(person, PASSWORD) for _ in range(2))
        older = mine.get("/auth/sessions/").json[1]
        assert mine.delete(f"/auth/sessions/{older['id']}/").status == 204

        assert other.get("/auth/me/").status == 401
        assert mine.delete(f"/auth/sessions/{older['id']}/").status == 404
        assert mine.get(f"/auth/sessions/{older['id']}/").status == 404

    @pytest.mark.parametrize(("query", "of_program"), [("", 401), ("?keep_tokens=true", 200)])
    def test_all_are_ended(self, anybody, person, query, of_program):
        clients = [anybody.login(person, PASSWORD) for _ in range(2)]
        minted = clients[0].post("/auth/tokens/", {"name": "bot"}).json
        assert clients[0].delete(f"/auth/sessions/{query}").status == 204

        assert [client.get("/auth/me/").status for client in clients] == [401, 401]
        assert anybody.bearer(minted["token"]).get("/auth/me/").status == of_program

    def test_those_of_others_are_not_there(self, server, anybody, world, person):
        mine = anybody.login(person, PASSWORD)
        session = mine.get("/auth/sessions/").json[0]["id"]
        stranger = world.client("stranger")
        with server.untouched():
            refused = [
                stranger.get(f"/auth/sessions/{session}/"),
                stranger.delete(f"/auth/sessions/{session}/"),
            ]

        assert {(each.status, each.code) for each in refused} == {(404, "session_not_found")}
        assert mine.get("/auth/me/").status == 200


class TestTokens:
    def test_one_is_minted_shown_once_used_and_revoked(self, anybody, person, server):
        mine = anybody.login(person, PASSWORD)
        minted = mine.post("/auth/tokens/", {"name": "grader"})
        assert minted.status == 201
        assert list(minted.json) == ["id", "name", "token", "scopes", "created_at", "expires_at"]

        program = anybody.bearer(minted.json["token"])
        assert program.get("/auth/me/").json["username"] == person
        listed = mine.get("/auth/tokens/").json
        assert [row["id"] for row in listed] == [minted.json["id"]]
        assert "token" not in listed[0]
        assert listed[0]["last_used_at"] is not None
        assert minted.json["token"] not in repr(server.snapshot())

        assert mine.delete(f"/auth/tokens/{minted.json['id']}/").status == 204
        assert program.get("/auth/me/").status == 401
        assert mine.get("/auth/tokens/").json == []
        assert mine.delete(f"/auth/tokens/{minted.json['id']}/").status == 404

    def test_scopes_restrict_it(self, server, anybody, person):
        mine = anybody.login(person, PASSWORD)
        minted = mine.post("/auth/tokens/", {"name": "bot", "scopes": ["attendance.read"]})
        program = anybody.bearer(minted.json["token"])
        assert program.get("/attendance/").status == 200
        with server.untouched():
            refused = [
                program.post("/attendance/", {}),
                program.get("/users/"),
                program.get("/auth/me/"),
            ]
        assert {(each.status, each.code) for each in refused} == {(403, "forbidden")}

    @pytest.mark.parametrize(
        ("given", "path"),
        [
            ({"name": ""}, "/name"),
            ({"name": "x" * 101}, "/name"),
            ({"name": "a\x00b"}, "/name"),
            ({"name": "x", "scopes": []}, "/scopes"),
            ({"name": "x", "scopes": ["*", "everything"]}, "/scopes/1"),
            ({"name": "x", "scopes": [7]}, "/scopes/0"),
            ({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
            ({"name": "x", "expires_at": "2020-01-01"}, "/expires_at"),
        ],
    )
    def test_a_bad_one_is_refused(self, server, anybody, person, given, path):
        mine = anybody.login(person, PASSWORD)
        with server.untouched():
            refused = mine.post("/auth/tokens/", given)

        assert (refused.status, refused.paths) == (422, [path])

    def test_a_token_mints_no_other(self, server, world):
        client = world.client("student")
        with server.untouched():
            refused = client.post("/auth/tokens/", {"name": "x"})

        assert (refused.status, refused.code) == (403, "session_needed")

    def test_those_of_others_are_not_there(self, server, anybody, world, person):
        mine = anybody.login(person, PASSWORD)
        minted = mine.post("/auth/tokens/", {"name": "grader"}).json
        stranger = world.client("stranger")
        with server.untouched():
            refused = stranger.delete(f"/auth/tokens/{minted['id']}/")

        assert (refused.status, refused.code) == (404, "token_not_found")
        assert minted["id"] not in [row["id"] for row in stranger.get("/auth/tokens/").json]


@pytest.mark.parametrize("name", ["access_token", "token", "authorization"])
def test_a_token_in_the_address_lets_nobody_in_and_is_not_written_down(
    server, anybody, person, name
):
    access = anybody.login(person, PASSWORD).token
    with server.untouched():
        refused = anybody.get(f"/auth/me/?{name}={access}")

    assert (refused.status, refused.code) == (401, "unauthenticated")
    assert access not in refused.body.decode()
    assert access not in (server.home / "serve.log").read_text()


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer a.b.c",
        "Bearer cct_x",
        "Basic YWRtaW46YWRtaW4=",
        "Bearer \xff",
        "Token x",
    ],
)
def test_no_or_a_bad_token_is_401_with_a_challenge(server, anybody, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    with server.untouched():
        refused = anybody.request("GET", "/auth/me/", headers=headers)

    assert refused.status == 401
    assert refused.code in {"unauthenticated", "token_invalid"}
    assert refused.headers["www-authenticate"] == 'Bearer realm="campuscore"'

"""Users over HTTP, under both of their names."""

from __future__ import annotations

import pytest

KEYS = [
    "id",
    "username",
    "first_name",
    "last_name",
    "role",
    "email",
    "locale",
    "active",
    "created_at",
]
NAME = KEYS[:5]


@pytest.fixture(params=["/data", "/users"])
def top(request):
    return request.param


def whole_list(client, path):
    rows = []
    while path:
        answer = client.get(path)
        assert answer.status == 200
        rows += answer.json
        path = answer.next_page
    return rows


def test_a_user_is_created_shown_and_listed_with_the_same_keys(admin, world, top):
    created = admin.post(f"{top}/", {"username": f"new.{world.number}{top[1]}"})
    assert created.status == 201
    assert list(created.json) == KEYS
    assert (created.json["role"], created.json["active"]) == ("student", True)

    one = f"{top}/{created.json['id']}/"
    assert admin.get(one).json == created.json
    assert admin.get(one.rstrip("/")).json == created.json
    assert created.json in admin.get(f"{top}/").json


def test_a_client_may_send_back_what_it_got(admin, world, top):
    one = f"{top}/{world.users['student']}/"
    before = admin.get(one).json

    for send in (admin.put, admin.patch):
        answer = send(one, {**before, "id": 1, "created_at": "yesterday"})
        assert (answer.status, answer.json) == (200, before)


def test_what_only_answers_carry_is_no_field_of_a_new_user(server, admin, world, top):
    given = {"username": f"new.{world.number}", "id": 7, "created_at": "x"}
    with server.untouched():
        created = admin.post(f"{top}/", given)
        changed = admin.patch(f"{top}/{world.users['student']}/", {"teachers": [], "url": ""})

    assert (created.status, created.paths) == (422, ["/created_at", "/id"])
    assert (changed.status, changed.paths) == (422, ["/teachers", "/url"])


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_an_unknown_field_is_refused_with_its_path(server, admin, world, top, method):
    path = f"{top}/" if method == "POST" else f"{top}/{world.users['student']}/"
    with server.untouched():
        refused = admin.request(method, path, {"username": "x.y", "nick": "x", "is_staff": True})

    assert (refused.status, refused.code) == (422, "invalid")
    assert refused.paths == ["/is_staff", "/nick"]


def test_every_bad_field_is_named(server, admin):
    with server.untouched():
        refused = admin.post(
            "/users/",
            {
                "username": "a b",
                "email": "x",
                "locale": "?",
                "first_name": "\x00",
                "password": "short",
            },
        )

    assert refused.status == 422
    assert set(refused.paths) == {"/username", "/first_name", "/email", "/locale", "/password"}


def test_values_of_the_wrong_kind_are_named(server, admin):
    with server.untouched():
        refused = admin.post("/users/", {"username": 7, "role": "king", "password": []})

    assert refused.status == 422
    assert set(refused.paths) == {"/username", "/role", "/password"}


@pytest.mark.parametrize("value", [None, [], "x", 7, [{"username": "x"}]])
def test_a_body_that_is_no_object_is_refused(server, admin, value):
    with server.untouched():
        assert admin.post("/users/", value).status == 422


def test_a_short_password_is_refused(server, admin, world):
    with server.untouched():
        refused = admin.post("/users/", {"username": f"n.{world.number}", "password": "short"})

    assert (refused.status, refused.paths) == (422, ["/password"])


def test_a_refused_password_is_told_which_rule_it_breaks(admin, world):
    name = f"n.{world.number}"
    for role, password, words in (
        ("student", "passwort", "must have at least 12 characters"),
        ("teacher", "fourteen chars", "must have at least 15 characters for the role teacher"),
        ("student", "Password2027!", "is a well-known password, or one with some signs around it"),
        ("student", "campuscore-2027", "is made of nothing but words that everybody expects here"),
        ("student", f"{name}-2027-2028", "is made of nothing but the username, a name or"),
    ):
        new = {"username": name, "role": role, "password": password}
        refused = admin.post("/users/", new)
        assert (refused.status, refused.paths) == (422, ["/password"])
        assert words in str(refused.json)
        assert password not in str(refused.json)


def test_a_taken_username_is_a_conflict_in_any_case(server, admin, world):
    taken = world.name("student").upper()
    with server.untouched():
        created = admin.post("/users/", {"username": taken})
        renamed = admin.patch(f"/users/{world.users['classmate']}/", {"username": taken})

    assert (created.status, created.code) == (409, "username_taken")
    assert (renamed.status, renamed.code) == (409, "username_taken")


def test_put_without_a_password_leaves_it(admin, anybody, world):
    world.add("pupil", password="first password")
    one = f"/data/{world.users['pupil']}/"
    admin.put(one, {"username": world.name("pupil"), "first_name": "New"})
    anybody.login(world.name("pupil"), "first password")

    admin.put(one, {"username": world.name("pupil"), "password": "second password"})
    again = {"username": world.name("pupil"), "password": "first password"}
    assert anybody.post("/auth/login/", again).status == 401
    anybody.login(world.name("pupil"), "second password")


def test_put_needs_the_username(server, admin, world):
    with server.untouched():
        refused = admin.put(f"/users/{world.users['student']}/", {"first_name": "x"})

    assert (refused.status, refused.paths) == (422, ["/username"])


def test_deactivated_users_leave_the_lists(admin, world, top):
    gone, stays = world.users["student"], world.users["classmate"]
    assert admin.delete(f"{top}/{gone}/").status == 204

    def found(query=""):
        ids = {row["id"] for row in whole_list(admin, f"{top}/{query}")}
        return (gone in ids, stays in ids)

    assert found() == found("?active=true") == (False, True)
    assert found("?active=false") == (True, False)
    assert found("?active=all") == (True, True)
    assert admin.get(f"{top}/{gone}/").json["active"] is False
    assert admin.get(f"{top}/?active=maybe").paths == ["/active"]


def test_deactivation_counts_in_the_next_request(admin, world):
    client = world.client("student")
    assert client.get("/auth/me/").status == 200

    admin.delete(f"/users/{world.users['student']}/")

    assert client.get("/auth/me/").status == 401


def test_the_last_administrator_stays(server, admin):
    me = admin.get("/auth/me/").json["id"]
    with server.untouched():
        refused = [admin.delete(f"/users/{me}/"), admin.patch(f"/users/{me}/", {"role": "student"})]

    assert [(each.status, each.code) for each in refused] == [(409, "last_admin")] * 2


def test_filters(admin, world):
    teachers = {row["id"] for row in admin.get("/users/?role=teacher").json}
    found = admin.get(f"/users/?search={world.name('classmate').upper()}").json

    assert world.users["teacher"] in teachers
    assert world.users["student"] not in teachers
    assert [row["id"] for row in found] == [world.users["classmate"]]
    assert admin.get("/users/?role=king").paths == ["/role"]
    assert admin.get("/users/?rule=teacher").paths == ["/rule"]
    assert admin.get("/users/?role=teacher&role=student").paths == ["/role"]


def test_pages_follow_the_link_header_to_the_end(admin, world, top):
    whole = [row["id"] for row in admin.get(f"{top}/?active=all").json]
    paged = whole_list(admin, f"{top}/?active=all&limit=4")

    assert [row["id"] for row in paged] == whole
    assert whole == sorted(whole)
    assert len(whole) > 4


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "cursor=x", "cursor=MS4y"])
def test_a_page_that_cannot_be_is_refused(admin, query):
    refused = admin.get(f"/users/?{query}")

    assert (refused.status, refused.paths) == (422, [f"/{query.partition('=')[0]}"])


class TestRights:
    """Who sees whom, and how much of them."""

    def test_a_student_sees_the_names_of_fellows(self, world):
        rows = world.client("student").get("/users/").json

        ids = {world.users["student"], world.users["classmate"]}
        assert {row["id"] for row in rows} == ids
        assert all(list(row) == NAME for row in rows)

    def test_a_student_sees_all_of_oneself(self, world):
        client = world.client("student")

        assert list(client.get(f"/users/{world.users['student']}/").json) == KEYS
        assert list(client.get("/auth/me/").json) == KEYS
        assert list(client.get(f"/users/{world.users['classmate']}/").json) == NAME

    def test_unknown_and_out_of_reach_look_the_same(self, world):
        client = world.client("student")
        hidden = client.get(f"/users/{world.users['stranger']}/")
        unknown = client.get("/users/999999/")

        assert (hidden.status, hidden.code) == (unknown.status, unknown.code)
        assert (hidden.status, hidden.code) == (404, "user_not_found")

    def test_a_campus_teacher_sees_the_directory(self, world):
        client = world.client("teacher")
        rows = client.get("/users/").json

        assert {*world.users.values()} <= {row["id"] for row in rows}
        assert all(list(row) == NAME for row in rows)
        assert list(client.get(f"/users/{world.users['student']}/").json) == KEYS
        assert list(client.get(f"/users/{world.users['stranger']}/").json) == NAME

    @pytest.mark.parametrize("who", ["student", "teacher", "assistant"])
    def test_only_administrators_write_users(self, server, world, who):
        client = world.client(who)
        one = f"/users/{world.users['classmate']}/"
        with server.untouched():
            refused = [
                client.post("/users/", {"username": "x"}),
                client.put(one, {"username": "x"}),
                client.patch(one, {"first_name": "x"}),
                client.delete(one),
            ]

        assert {(each.status, each.code) for each in refused} == {(403, "forbidden")}

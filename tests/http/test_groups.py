"""Groups over HTTP."""

from __future__ import annotations

import pytest

from campuscore import Role

KEYS = ["id", "name", "teachers", "students", "kind", "parent", "code", "term"]
NAME = ["id", "username", "first_name", "last_name", "role"]


def ids(rows):
    return [row["id"] for row in rows]


def test_a_group_shows_who_teaches_and_studies_in_it(admin, world):
    path = f"/groups/{world.groups['lab']}/"
    admin.post(f"{path}add_user/", {"user_id": world.users["assistant"], "role": "assistant"})
    admin.post(f"{path}add_user/", {"user_id": world.users["teacher"], "role": "teacher"})
    group = admin.get(path).json

    assert list(group) == KEYS
    assert ids(group["teachers"]) == [world.users["teacher"]]
    assert sorted(ids(group["students"])) == sorted(
        [world.users["student"], world.users["classmate"]]
    )
    assert all(list(row) == NAME for row in group["teachers"] + group["students"])
    assert group in admin.get("/groups/").json
    assert group["parent"] == world.groups["course"]


def test_add_user_twice_is_the_same_as_once(server, admin, world):
    path = f"/groups/{world.groups['other']}/add_user/"
    given = {"user_id": world.users["student"], "role": "student"}
    first = admin.post(path, given)
    with server.untouched():
        second = admin.post(path, given)

    assert (first.status, list(first.json)) == (200, ["message"])
    assert (second.status, second.json) == (200, first.json)


def test_remove_user_ends_the_membership(server, admin, world):
    path, user = f"/groups/{world.groups['lab']}/", world.users["student"]
    gone = admin.post(f"{path}remove_user/", {"user_id": user, "role": "student"})
    assert (gone.status, list(gone.json)) == (200, ["message"])
    assert user not in ids(admin.get(path).json["students"])
    assert user not in ids(admin.get(f"{path}members/").json)
    assert user in ids(admin.get(f"{path}members/?date=2024-02-01").json)
    with server.untouched():
        assert admin.post(f"{path}remove_user/", {"user_id": user}).status == 200


def test_members_have_their_role_and_days(admin, world):
    rows = admin.get(f"/groups/{world.groups['course']}/members/").json

    assert [list(row) for row in rows] == [
        ["id", "username", "first_name", "last_name", "role", "begin", "end"]
    ] * 2
    assert {(row["id"], row["role"], row["begin"], row["end"]) for row in rows} == {
        (world.users["teacher"], "teacher", "2024-01-01", None),
        (world.users["assistant"], "assistant", "2024-01-01", None),
    }
    assert admin.get(f"/groups/{world.groups['course']}/members/?date=2023-12-31").json == []


def test_a_group_is_changed_and_sent_back_as_it_was(admin, world):
    path = f"/groups/{world.groups['lab']}/"
    before = admin.get(path).json
    changed = admin.patch(path, {"name": "Renamed", "kind": "lab", "code": "L1"})
    assert (changed.status, changed.json) == (
        200,
        {**before, "name": "Renamed", "kind": "lab", "code": "L1"},
    )

    assert admin.patch(path, before).json == before
    assert admin.patch(path, {"parent": None}).json["parent"] is None


def test_a_group_is_archived_once_nothing_hangs_under_it(server, admin, world):
    course, lab = (f"/groups/{world.groups[name]}/" for name in ("course", "lab"))
    with server.untouched():
        refused = admin.delete(course)
    assert refused.status == 409

    assert admin.delete(lab).status == 204
    assert admin.get(lab).status == 404
    assert world.groups["lab"] not in ids(admin.get("/groups/").json)
    assert admin.delete(course).status == 204


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"name": ""}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"name": "x", "kind": "herd"}, "/kind"),
        ({"name": "x", "term": 999_999}, "/term"),
        ({"name": "x", "colour": "red"}, "/colour"),
        ({}, "/name"),
    ],
)
def test_a_bad_group_is_refused(server, admin, given, path):
    with server.untouched():
        refused = admin.post("/groups/", given)

    assert (refused.status, refused.paths) == (422, [path])


def test_a_group_cannot_hang_under_itself(server, admin, world):
    with server.untouched():
        refused = admin.patch(f"/groups/{world.groups['course']}/", {"parent": world.groups["lab"]})

    assert (refused.status, refused.paths) == (422, ["/parent"])


def test_unknown_ids_are_404(server, admin, world):
    lab = f"/groups/{world.groups['lab']}/"
    with server.untouched():
        refused = [
            admin.get("/groups/999999/"),
            admin.patch("/groups/999999/", {"name": "x"}),
            admin.delete("/groups/999999/"),
            admin.post("/groups/999999/add_user/", {"user_id": world.users["student"]}),
            admin.post(f"{lab}add_user/", {"user_id": 999_999}),
            admin.get("/groups/999999/members/"),
            admin.post("/groups/", {"name": "x", "parent": 999_999}),
        ]

    assert {each.status for each in refused} == {404}


def test_who_is_not_there_cannot_leave_nor_in_a_role_that_no_group_knows(server, admin, world):
    path = f"/groups/{world.groups['lab']}/remove_user/"
    with server.untouched():
        unknown = admin.post(path, {"user_id": 999_999})
        role = admin.post(path, {"user_id": world.users["student"], "role": "guardian"})

    assert (unknown.status, unknown.code) == (404, "user_not_found")
    assert (role.status, role.paths) == (422, ["/role"])


def test_a_deactivated_user_joins_no_group(server, admin, world):
    assert admin.delete(f"/users/{world.users['stranger']}/").status == 204
    path, given = f"/groups/{world.groups['lab']}/add_user/", {"user_id": world.users["stranger"]}
    with server.untouched():
        refused = admin.post(path, given)

    assert (refused.status, refused.code) == (409, "user_inactive")


@pytest.mark.parametrize("given", [{"user_id": "1"}, {"user_id": 1, "role": "admin"}, {}])
def test_a_bad_membership_is_refused(server, admin, world, given):
    with server.untouched():
        refused = admin.post(f"/groups/{world.groups['lab']}/add_user/", given)

    assert refused.status == 422
    assert refused.paths[0] in {"/user_id", "/role"}


class TestRights:
    """Teachers act in their groups and those below, and nowhere else."""

    def test_a_campus_teacher_who_creates_a_group_becomes_its_teacher(self, world):
        client = world.client("colleague")
        created = client.post("/groups/", {"name": world.name("own")})

        assert created.status == 201
        assert ids(created.json["teachers"]) == [world.users["colleague"]]
        assert client.patch(f"/groups/{created.json['id']}/", {"code": "A"}).status == 200

    def test_teaching_a_group_gives_no_right_to_create_one_but_below(self, server, world):
        world.add("tutor")
        world.join("lab", "tutor", Role.TEACHER)
        client = world.client("tutor")
        assert client.patch(f"/groups/{world.groups['lab']}/", {"code": "T"}).status == 200
        with server.untouched():
            assert client.post("/groups/", {"name": "x"}).status == 403

    def test_a_campus_teacher_hangs_groups_under_their_own_only(self, server, world):
        client = world.client("teacher")
        below = client.post("/groups/", {"name": "x", "parent": world.groups["lab"]})
        assert (below.status, below.json["parent"]) == (201, world.groups["lab"])
        with server.untouched():
            refused = client.post("/groups/", {"name": "x", "parent": world.groups["other"]})
        assert refused.status == 404

    def test_lists_show_own_groups_and_those_below(self, world):
        def seen(who):
            return {row["id"] for row in world.client(who).get("/groups/").json}

        course, lab, other = (world.groups[name] for name in ("course", "lab", "other"))
        assert seen("student") == {lab}
        assert seen("teacher") == seen("assistant") == {course, lab}
        assert seen("stranger") == seen("colleague") == {other}

    def test_a_teacher_changes_groups_below_and_no_others(self, server, world):
        client = world.client("teacher")
        lab, other = (f"/groups/{world.groups[name]}/" for name in ("lab", "other"))
        assert client.patch(lab, {"code": "B"}).status == 200
        joining = {"user_id": world.users["stranger"], "role": "student"}
        assert client.post(f"{lab}add_user/", joining).status == 200

        with server.untouched():
            refused = [client.get(other), client.patch(other, {"code": "B"}), client.delete(other)]
        assert {(each.status, each.code) for each in refused} == {(404, "group_not_found")}

    @pytest.mark.parametrize("who", ["student", "assistant"])
    def test_who_does_not_teach_does_not_change(self, server, world, who):
        client = world.client(who)
        lab = f"/groups/{world.groups['lab']}/"
        assert client.get(lab).status == 200
        with server.untouched():
            refused = [
                client.patch(lab, {"code": "B"}),
                client.delete(lab),
                client.post(f"{lab}add_user/", {"user_id": world.users[who]}),
                client.post(f"{lab}remove_user/", {"user_id": world.users["classmate"]}),
                client.post("/groups/", {"name": "x"}),
            ]
        assert {each.status for each in refused} == {403}

"""Check-ins over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from campuscore import Role
from campuscore.domain.auth import NewApiToken

from .client import AGENT

KEYS = ["id", "user", "timestamp", "method", "ip_address", "user_agent"]


def record(admin, world, who, *timestamps):
    rows = [{"user": world.users[who], "timestamp": at} for at in timestamps]
    answer = admin.post("/attendance/", rows)
    assert answer.status == 201, answer
    return [row["id"] for row in answer.json]


def ids(answer):
    assert answer.status == 200, answer
    return [row["id"] for row in answer.json]


class TestRecording:
    def test_without_fields_it_is_oneself_now(self, world):
        before = datetime.now(UTC)
        answer = world.client("student").post("/attendance/", {})
        row = answer.json

        assert (answer.status, list(row)) == (201, KEYS)
        assert row["user"] == world.users["student"]
        assert before <= datetime.fromisoformat(row["timestamp"]) <= datetime.now(UTC)
        assert row["timestamp"].endswith("Z")
        assert (row["method"], row["ip_address"], row["user_agent"]) == ("api", "127.0.0.1", AGENT)

    def test_an_offset_is_turned_into_utc(self, admin, world):
        given = {"user": world.users["student"], "timestamp": "2024-03-04T08:10:00.5+03:00"}

        assert admin.post("/attendance/", given).json["timestamp"] == "2024-03-04T05:10:00.500000Z"

    @pytest.mark.parametrize(
        ("given", "path"),
        [
            ({"timestamp": "2024-03-04T08:10:00"}, "/timestamp"),
            ({"timestamp": "2024-03-04"}, "/timestamp"),
            ({"timestamp": 1_700_000_000}, "/timestamp"),
            ({"timestamp": "1969-12-31T23:59:59Z"}, "/timestamp"),
            ({"timestamp": "2999-01-01T00:00:00Z"}, "/timestamp"),
            ({"timestamp": "0001-01-01T00:00:00+14:00"}, "/timestamp"),
            ({"user": "anna"}, "/user"),
            ({"user": 2**63}, "/user"),
            ({"user": True}, "/user"),
            ({"when": "now"}, "/when"),
            ({"id": 7}, "/id"),
            ({"a/b~c": 7}, "/a~1b~0c"),
            ({"\ud800": 7}, "/\\ud800"),
            ("now", ""),
            (None, ""),
        ],
    )
    def test_a_bad_field_is_named(self, server, admin, given, path):
        with server.untouched():
            refused = admin.post("/attendance/", given)

        assert (refused.status, refused.paths) == (422, [path])

    def test_an_unknown_user_is_404(self, server, admin):
        with server.untouched():
            refused = admin.post("/attendance/", {"user": 999_999})

        assert (refused.status, refused.code) == (404, "user_not_found")


class TestBulk:
    def test_all_rows_come_back_in_order(self, admin, world):
        users = [world.users[who] for who in ("student", "classmate", "stranger")]
        given = [{"user": user, "timestamp": "2024-03-04T05:10:00Z"} for user in users]
        answer = admin.post("/attendance/", given)

        assert answer.status == 201
        assert [row["user"] for row in answer.json] == users
        assert all(list(row) == KEYS for row in answer.json)

    def test_no_rows_are_no_fault(self, server, admin):
        with server.untouched():
            answer = admin.post("/attendance/", [])

        assert (answer.status, answer.json) == (201, [])

    def test_one_bad_row_refuses_all_with_the_path_of_each(self, server, admin, world):
        good = {"user": world.users["student"], "timestamp": "2024-03-04T05:10:00Z"}
        with server.untouched():
            times = admin.post(
                "/attendance/", [good, {**good, "timestamp": "2999-01-01T00:00:00Z"}, good]
            )
            kinds = admin.post("/attendance/", [{"user": "x"}, good, {"x": 1}, 7])
            users = admin.post("/attendance/", [good, {"user": 999_998}, good, {"user": 999_999}])

        assert (times.status, times.paths) == (422, ["/1/timestamp"])
        assert (kinds.status, kinds.paths) == (422, ["/0/user", "/2/x", "/3"])
        both = admin.post(
            "/attendance/", [{"user": 999_998}, {**good, "timestamp": "2999-01-01T00:00:00Z"}]
        )
        assert (both.status, set(both.paths)) == (422, {"/0/user", "/1/timestamp"})
        assert (users.status, users.code) == (422, "user_not_found")
        assert users.paths == ["/1/user", "/3/user"]

    def test_more_than_ten_thousand_are_too_many(self, server, admin, world):
        row = {"user": world.users["student"]}
        with server.untouched():
            refused = admin.post("/attendance/", [row] * 10_001)

        assert (refused.status, refused.code) == (413, "too_large")

    def test_ten_thousand_are_stored(self, admin, world):
        row = {"user": world.users["student"], "timestamp": "2024-07-01T05:10:00Z"}
        answer = admin.post("/attendance/", [row] * 10_000)

        assert answer.status == 201
        assert len({each["id"] for each in answer.json}) == 10_000
        first = admin.get(f"/attendance/?user={row['user']}")
        assert len(first.json) == 1000
        assert first.next_page is not None


class TestListing:
    def test_newest_first_and_by_id_within_an_instant(self, admin, world):
        one, two, three, four = record(
            admin,
            world,
            "student",
            "2024-03-04T05:10:00Z",
            "2024-03-06T05:10:00Z",
            "2024-03-05T05:10:00Z",
            "2024-03-06T05:10:00Z",
        )

        assert ids(admin.get(f"/attendance/?user={world.users['student']}")) == [
            four,
            two,
            three,
            one,
        ]

    def test_filters(self, admin, world):
        name, user = world.name("student"), world.users["student"]
        one, two, three = record(
            admin,
            world,
            "student",
            "2024-05-05T20:59:59Z",
            "2024-05-05T21:00:00Z",
            "2024-05-07T05:00:00Z",
        )
        (other,) = record(admin, world, "classmate", "2024-05-06T05:00:00Z")
        (beyond,) = record(admin, world, "stranger", "2024-05-06T05:00:00Z")

        assert ids(admin.get(f"/attendance/?user={name}")) == [three, two, one]
        assert ids(admin.get(f"/attendance/?user={user}&date=2024-05-06")) == [two]
        assert ids(admin.get(f"/attendance/?user={user}&from=2024-05-06")) == [three, two]
        assert ids(admin.get(f"/attendance/?user={user}&to=2024-05-05")) == [one]
        assert ids(admin.get(f"/attendance/?user={user}&from=2024-05-05&to=2024-05-06")) == [
            two,
            one,
        ]
        lab = admin.get(f"/attendance/?group={world.groups['lab']}&date=2024-05-06")
        course = admin.get(f"/attendance/?group={world.groups['course']}&date=2024-05-06")
        assert ids(lab) == ids(course) == [other, two]
        assert beyond in ids(admin.get("/attendance/?date=2024-05-06"))
        assert ids(admin.get("/attendance/?user=nobody.at.all")) == []
        assert ids(admin.get("/attendance/?user=999999")) == []

    @pytest.mark.parametrize("number", [2**63 - 1, 2**63, 9_999_999_999_999_999_999, 10**40])
    def test_an_id_that_nobody_can_have_finds_nothing(self, admin, number):
        for top in ("/attendance/", "/attendance/aggregated/"):
            answer = admin.get(f"{top}?user={number}")
            assert (answer.status, answer.json) == (200, [])

    def test_a_username_of_digits_is_read_as_an_id(self, admin, world):
        (row,) = record(admin, world, "student", "2024-03-04T05:10:00Z")

        assert row in ids(admin.get(f"/attendance/?user={world.users['student']}"))

    def test_has_files_looks_at_the_local_day(self, admin, world):
        user = world.users["student"]
        one, two = record(admin, world, "student", "2024-03-04T22:00:00Z", "2024-03-04T05:00:00Z")
        admin.attach(user, "2024-03-05", b"x")

        assert ids(admin.get(f"/attendance/?user={user}&has_files=true")) == [one]
        assert ids(admin.get(f"/attendance/?user={user}&has_files=false")) == [two]
        assert ids(admin.get(f"/attendance/?user={user}")) == [one, two]

    @pytest.mark.parametrize(
        ("query", "path"),
        [
            ("date=yesterday", "/date"),
            ("date=2024-3-4", "/date"),
            ("date=20240304", "/date"),
            ("date=2024-W10-1", "/date"),
            ("date=", "/date"),
            ("from=2024-02-30", "/from"),
            ("from=2024-03-05&to=2024-03-04", "/to"),
            ("group=lab", "/group"),
            ("group=-1", "/group"),
            ("group=9223372036854775808", "/group"),
            (f"group={'0' * 20}{'9' * 20}", "/group"),
            ("has_files=perhaps", "/has_files"),
            ("date=2024-03-04&from=2024-03-04", "/date"),
            ("date=2024-03-04&date=2024-03-05", "/date"),
            ("usr=anna", "/usr"),
            ("u/r~=anna", "/u~1r~0"),
            ("user=%00", "/user"),
            ("limit=0", "/limit"),
            ("cursor=!", "/cursor"),
        ],
    )
    def test_a_bad_filter_is_refused_and_does_not_answer_everything(self, admin, query, path):
        refused = admin.get(f"/attendance/?{query}")

        assert (refused.status, refused.paths) == (422, [path])

    def test_pages_follow_the_link_header_to_the_end(self, admin, world):
        user = world.users["student"]
        start = datetime(2024, 3, 4, 5, tzinfo=UTC)
        stamps = [(start + timedelta(minutes=n // 2)).isoformat() for n in range(23)]
        rows = record(admin, world, "student", *stamps)
        whole = ids(admin.get(f"/attendance/?user={user}"))

        paged, path, sizes = [], f"/attendance/?user={user}&limit=5", []
        while path:
            answer = admin.get(path)
            paged += ids(answer)
            sizes.append(len(answer.json))
            path = answer.next_page

        assert paged == whole
        assert sorted(paged) == sorted(rows)
        assert sizes == [5, 5, 5, 5, 3]

    def test_a_page_is_stable_while_rows_come_in(self, admin, world):
        user = world.users["student"]
        one, two, three = record(
            admin, world, "student", *(f"2024-03-04T05:1{n}:00Z" for n in range(3))
        )
        first = admin.get(f"/attendance/?user={user}&limit=2")
        record(admin, world, "student", "2024-03-04T09:00:00Z")

        assert ids(first) == [three, two]
        assert ids(admin.get(first.next_page)) == [one]


class TestRights:
    """Students see themselves, those who lead a group its members on the days they were in it."""

    @pytest.fixture
    def rows(self, admin, world):
        return {
            who: record(admin, world, who, "2024-03-04T05:10:00Z")[0]
            for who in ("student", "classmate", "stranger", "teacher")
        }

    def seen(self, world, who, rows):
        found = set(ids(world.client(who).get("/attendance/")))
        return {name for name, row in rows.items() if row in found}

    def test_who_sees_whose(self, world, rows):
        assert self.seen(world, "student", rows) == {"student"}
        assert self.seen(world, "stranger", rows) == {"stranger"}
        assert self.seen(world, "teacher", rows) == {"student", "classmate", "teacher"}
        assert self.seen(world, "assistant", rows) == {"student", "classmate"}
        assert self.seen(world, "colleague", rows) == {"stranger"}

    def test_a_filter_reaches_no_further(self, world, rows):
        client = world.client("student")

        for query in (
            f"user={world.users['classmate']}",
            f"user={world.name('classmate')}",
            f"group={world.groups['other']}",
        ):
            assert ids(client.get(f"/attendance/?{query}")) == []
            assert client.get(f"/attendance/aggregated/?{query}").json == []

    def test_a_day_before_the_membership_is_hidden(self, admin, world):
        early, late = record(
            admin, world, "student", "2023-12-31T05:00:00Z", "2024-01-01T05:00:00Z"
        )
        found = ids(world.client("teacher").get(f"/attendance/?user={world.users['student']}"))

        assert found == [late]
        assert early in ids(world.client("student").get("/attendance/"))

    def test_address_and_agent_are_for_oneself_and_administrators(self, admin, world):
        world.client("student").post("/attendance/", {})
        path = f"/attendance/?user={world.users['student']}"

        def origin(client):
            row = client.get(path).json[0]
            return (row["ip_address"], row["user_agent"])

        assert origin(admin) == origin(world.client("student")) == ("127.0.0.1", AGENT)
        assert origin(world.client("teacher")) == (None, None)
        assert origin(world.client("assistant")) == (None, None)

    @pytest.mark.parametrize("who", ["teacher", "assistant"])
    def test_who_leads_a_group_records_for_its_members(self, world, who):
        given = {"user": world.users["student"], "timestamp": "2024-03-04T05:10:00Z"}

        assert world.client(who).post("/attendance/", given).status == 201

    def test_and_for_nobody_else(self, server, world):
        teacher, assistant = world.client("teacher"), world.client("assistant")
        given = {"user": world.users["stranger"], "timestamp": "2024-03-04T05:10:00Z"}
        with server.untouched():
            seen = teacher.post("/attendance/", given)
            unseen = assistant.post("/attendance/", given)
            bulk = assistant.post("/attendance/", [{}, given])

        assert (seen.status, seen.code) == (403, "forbidden")
        assert (unseen.status, unseen.code) == (404, "user_not_found")
        assert (bulk.status, bulk.code, bulk.paths) == (422, "user_not_found", ["/1/user"])

    def test_a_student_records_only_oneself_and_only_now(self, server, world):
        client = world.client("student")
        long_ago = {"timestamp": "2024-03-04T05:10:00Z"}
        with server.untouched():
            past = client.post("/attendance/", long_ago)
            fellow = client.post("/attendance/", {"user": world.users["classmate"]})
            hidden = client.post("/attendance/", {"user": world.users["stranger"]})
            unknown = client.post("/attendance/", {"user": 999_999})
            bulk = client.post("/attendance/", [{}, long_ago])

        assert (past.status, fellow.status) == (403, 403)
        assert (bulk.status, bulk.code, bulk.paths) == (422, "forbidden", ["/1/user"])
        assert (hidden.status, hidden.code) == (unknown.status, unknown.code)
        assert hidden.status == 404

    def test_a_door_needs_one_right_only(self, server, world, campus, anybody):
        door = world.add("door", Role.DEVICE)
        new = NewApiToken(name="door", scopes=("attendance.record_for",))
        client = anybody.bearer(campus.auth.tokens.mint(campus.operator, new, door).token)
        assert client.post("/attendance/", {"user": world.users["student"]}).status == 201

        new = NewApiToken(name="door", scopes=("attendance.read",))
        other = anybody.bearer(campus.auth.tokens.mint(campus.operator, new, door).token)
        with server.untouched():
            refused = other.post("/attendance/", {"user": world.users["student"]})
        assert (refused.status, refused.code) == (403, "forbidden")

    def test_a_device_records_anybody_and_reads_nothing(self, server, world):
        world.add("kiosk", Role.DEVICE)
        client = world.client("kiosk")
        given = {"user": world.users["stranger"], "timestamp": "2024-03-04T05:10:00Z"}
        assert client.post("/attendance/", given).status == 201
        assert client.post("/attendance/", [given, {"user": world.users["student"]}]).status == 201

        with server.untouched():
            refused = [
                client.get("/attendance/"),
                client.get("/attendance/aggregated/"),
                client.get("/attendance/aggregated/download/"),
                client.get("/groups/"),
                client.get("/schedule/"),
                client.get("/metrics"),
                client.get("/users/"),
                client.post("/users/", {"username": "x"}),
                client.attach(world.users["student"], "2024-03-04", b"x"),
            ]
        assert {each.status for each in refused} == {403}
        assert client.get("/auth/me/").json["id"] == world.users["kiosk"]


@pytest.mark.parametrize(
    "path",
    ["/attendance/", "/attendance/aggregated/", "/attendance/aggregated/download/", "/schedule/"],
)
def test_a_span_that_ends_before_it_begins_is_refused(admin, path):
    for paging in ("", "&limit=5"):
        if paging and path.endswith("download/"):
            continue
        refused = admin.get(f"{path}?from=2024-03-05&to=2024-03-04{paging}")
        assert (refused.status, refused.paths) == (422, ["/to"])
        assert "2024-03-04 lies before the first day" in refused.json["detail"]
    assert admin.get(f"{path}?from=2024-03-04&to=2024-03-04").status == 200

"""A client written for the seed goes through its day and must not notice the change.

Every request of the seed, in the order in which a term begins, with the exact keys that it read.
"""

from __future__ import annotations

import csv
import io

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from .conftest import ADMIN_PASSWORD, ZONE

USER = {"id", "username", "first_name", "last_name", "role"}
GROUP = {"id", "name", "teachers", "students"}
ATTENDANCE = {"id", "user", "timestamp", "method", "ip_address", "user_agent"}
DAY = [
    "id",
    "username",
    "full_name",
    "group",
    "date",
    "morning_entry",
    "afternoon_entry",
    "files",
]
FILE = {"id", "user", "date", "filename", "size", "content_type", "url"}


class Seed:
    """The seed's client: it knows paths and fields, and keeps no more of a refresh than access."""

    def __init__(self, anybody) -> None:
        self.client = anybody
        self.refresh = ""

    def log_in(self, username, password):
        answer = self.client.post("/auth/login/", {"username": username, "password": password})
        assert answer.status == 200
        self.refresh = answer.json["refresh"]
        self.client = self.client.bearer(answer.json["access"])
        return self.client

    def renew(self):
        answer = self.client.post("/auth/refresh/", {"refresh": self.refresh})
        assert answer.status == 200
        self.client = self.client.bearer(answer.json["access"])
        return self.client


@pytest.fixture
def seed(anybody):
    return Seed(anybody)


@pytest.fixture
def root(seed):
    return seed.log_in("admin", ADMIN_PASSWORD)


def test_login_answers_two_tokens_and_nothing_else(anybody):
    answer = anybody.post("/auth/login/", {"username": "admin", "password": ADMIN_PASSWORD})

    assert answer.status == 200
    assert answer.json.keys() == {"access", "refresh"}
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


def test_a_client_that_keeps_only_the_access_of_a_refresh_works_on(seed, root):
    renewed = seed.renew()

    assert renewed.token != root.token
    assert renewed.get("/data/").status == 200
    assert root.get("/data/").status == 200


def test_a_term_of_the_seed(root, world):
    name = f"anna{world.number}"
    given = {
        "username": name,
        "password": "correct horse battery",
        "first_name": "Anna",
        "last_name": "Berg",
        "role": "student",
    }
    created = root.post("/data/", given)
    assert created.status == 201
    anna = created.json
    assert anna.keys() >= USER
    assert "password" not in anna
    assert {k: anna[k] for k in given if k != "password"} == {
        k: v for k, v in given.items() if k != "password"
    }

    put = root.put(f"/data/{anna['id']}/", {**given, "first_name": "Anne"})
    assert (put.status, put.json["first_name"]) == (200, "Anne")
    patched = root.patch(f"/data/{anna['id']}/", {"first_name": "Anna"})
    assert (patched.status, patched.json["first_name"]) == (200, "Anna")
    assert anna["id"] in [row["id"] for row in root.get("/data/").json]

    group = root.post("/groups/", {"name": f"Lab {world.number}"})
    assert group.status == 201
    assert group.json.keys() >= GROUP
    assert group.json["teachers"] == group.json["students"] == []
    path = f"/groups/{group.json['id']}"
    added = root.post(f"{path}/add_user/", {"user_id": anna["id"], "role": "student"})
    assert (added.status, added.json.keys()) == (200, {"message"})
    mine = next(g for g in root.get("/groups/").json if g["id"] == group.json["id"])
    assert [student.keys() for student in mine["students"]] == [USER]
    assert mine["students"][0]["id"] == anna["id"]

    present = root.post("/attendance/", {"user": anna["id"], "timestamp": "2024-03-04T08:10:00Z"})
    assert present.status == 201
    assert present.json.keys() == ATTENDANCE
    listed = root.get(f"/attendance/?user={name}&date=2024-03-04&has_files=false")
    assert [row["id"] for row in listed.json] == [present.json["id"]]

    file = root.attach(anna["id"], "2024-03-04", b"excused", "excuse.pdf", "application/pdf")
    assert (file.status, file.json.keys()) == (201, FILE)
    assert root.get(f"/attendance/?user={name}&date=2024-03-04&has_files=false").json == []

    days = root.get(f"/attendance/aggregated/?date=2024-03-04&user={name}&role=student")
    assert [list(row) for row in days.json] == [DAY]
    assert days.json[0]["full_name"] == "Berg Anna"
    sheet = root.get(f"/attendance/aggregated/download/?date=2024-03-04&user={name}")
    rows = list(openpyxl.load_workbook(io.BytesIO(sheet.body), read_only=True).active.values)
    assert list(rows[0]) == DAY

    entry = root.post(
        "/schedule/", {"group": group.json["id"], "title": "Algebra", "date": "2024-03-05"}
    )
    assert entry.status == 201
    assert entry.json.keys() >= {"id", "group", "title", "date"}
    assert entry.json in root.get("/schedule/").json


@pytest.mark.parametrize(
    "path",
    ["/data", "/users", "/groups", "/attendance", "/attendance/aggregated", "/schedule"],
)
def test_a_slash_at_the_end_is_optional(admin, path):
    with_slash, without = admin.get(f"{path}/?limit=2"), admin.get(f"{path}?limit=2")

    assert with_slash.status == without.status == 200
    assert with_slash.json == without.json


def test_login_works_without_the_slash(anybody):
    given = {"username": "admin", "password": ADMIN_PASSWORD}

    assert anybody.post("/auth/login", given).status == 200


def check_in(admin, user, *clocks, day="2024-03-04"):
    """Record local times of the campus, which is three hours ahead of UTC."""
    rows = [{"user": user, "timestamp": f"{day}T{clock}+03:00"} for clock in clocks]
    assert admin.post("/attendance/", rows).status == 201


class TestAggregate:
    """One row a user and local day."""

    def test_rows_have_the_seeds_keys_and_local_times(self, admin, world):
        user = world.users["student"]
        check_in(admin, user, "17:00:00", "08:10:00", "12:30:00", "12:29:59")
        file = admin.attach(user, "2024-03-04", b"x").json

        rows = admin.get(f"/attendance/aggregated/?user={user}&date=2024-03-04").json

        assert rows == [
            {
                "id": user,
                "username": world.name("student"),
                "full_name": f"Of{world.number} Student",
                "group": world.name("lab"),
                "date": "2024-03-04",
                "morning_entry": "08:10:00",
                "afternoon_entry": "12:30:00",
                "files": [file["url"]],
            }
        ]
        assert file["url"].startswith(f"http://127.0.0.1:{admin.port}/attendance/files/")

    def test_half_past_twelve_is_afternoon(self, admin, world):
        user = world.users["student"]
        check_in(admin, user, "12:30:00")

        row = admin.get(f"/attendance/aggregated/?user={user}&date=2024-03-04").json[0]

        assert (row["morning_entry"], row["afternoon_entry"]) == (None, "12:30:00")

    def test_a_second_before_is_morning(self, admin, world):
        user = world.users["student"]
        check_in(admin, user, "12:29:59")

        row = admin.get(f"/attendance/aggregated/?user={user}&date=2024-03-04").json[0]

        assert (row["morning_entry"], row["afternoon_entry"]) == ("12:29:59", None)

    def test_the_day_is_the_campus_day(self, admin, world):
        assert ZONE == "Europe/Moscow"
        user = world.users["student"]
        admin.post("/attendance/", {"user": user, "timestamp": "2024-03-04T21:30:00Z"})

        rows = admin.get(f"/attendance/aggregated/?user={user}").json

        assert [(row["date"], row["morning_entry"]) for row in rows] == [("2024-03-05", "00:30:00")]
        assert admin.get(f"/attendance/?user={user}&date=2024-03-04").json == []
        assert len(admin.get(f"/attendance/?user={user}&date=2024-03-05").json) == 1

    def test_the_names_of_several_groups_are_joined(self, admin, world):
        user = world.users["student"]
        admin.post(f"/groups/{world.groups['other']}/add_user/", {"user_id": user})
        admin.post("/attendance/", {"user": user})

        row = admin.get(f"/attendance/aggregated/?user={user}").json[0]

        assert row["group"] == f"{world.name('lab')}, {world.name('other')}"

    def test_filters(self, admin, world):
        student, classmate = world.users["student"], world.users["classmate"]
        stranger = world.users["stranger"]
        for user in (student, classmate, stranger):
            for day in ("2024-04-01", "2024-04-02", "2024-04-03"):
                check_in(admin, user, "09:00:00", day=day)

        def found(query):
            rows = admin.get(f"/attendance/aggregated/?{query}").json
            ours = {student, classmate, stranger}
            return [(row["date"][-1], row["id"]) for row in rows if row["id"] in ours]

        assert found(f"user={student}&from=2024-04-02") == [("2", student), ("3", student)]
        assert found(f"user={student}&to=2024-04-01") == [("1", student)]
        assert found(f"user={world.name('student')}&date=2024-04-02") == [("2", student)]
        assert found(f"group={world.groups['lab']}&date=2024-04-01") == [
            ("1", student),
            ("1", classmate),
        ]
        assert found(f"group={world.groups['course']}&date=2024-04-01") == [
            ("1", student),
            ("1", classmate),
        ]
        assert found("role=teacher&date=2024-04-01") == []
        assert len(found("role=student&from=2024-04-01&to=2024-04-03")) == 9

    def test_pages_join_to_the_whole(self, admin, world):
        for user in ("student", "classmate", "stranger"):
            for day in ("2024-04-01", "2024-04-02"):
                check_in(admin, world.users[user], "09:00:00", day=day)
        whole = admin.get("/attendance/aggregated/?from=2024-04-01&to=2024-04-02").json

        rows, path = [], "/attendance/aggregated/?from=2024-04-01&to=2024-04-02&limit=2"
        while path:
            answer = admin.get(path)
            assert len(answer.json) <= 2
            rows += answer.json
            path = answer.next_page

        assert rows == whole

    def test_days_that_are_over_are_answered_by_304(self, admin, world):
        path = "/attendance/aggregated/?date=2024-03-04"
        first = admin.get(path)
        same = admin.get(path, **{"If-None-Match": first.headers["etag"]})
        assert (same.status, same.body) == (304, b"")

        check_in(admin, world.users["student"], "09:00:00")

        changed = admin.get(path, **{"If-None-Match": first.headers["etag"]})
        assert changed.status == 200
        assert changed.headers["etag"] != first.headers["etag"]


class TestDownload:
    """The sheet holds what the aggregate answers."""

    @pytest.fixture
    def query(self, admin, world):
        evil = world.add("evil", first_name="=1+1")
        user = world.users["student"]
        check_in(admin, user, "08:10:00", "14:00:00")
        check_in(admin, evil, "13:00:00")
        for name in ("a.txt", "b.txt"):
            admin.attach(user, "2024-03-04", name.encode(), name)
        return "date=2024-03-04&role=student"

    def expected(self, admin, query):
        rows = admin.get(f"/attendance/aggregated/?{query}").json
        return [[*list(row.values())[:-1], "\n".join(row["files"])] for row in rows]

    def test_xlsx_is_the_default_and_equal_to_the_json(self, admin, query):
        answer = admin.get(f"/attendance/aggregated/download/?{query}")
        rows = list(openpyxl.load_workbook(io.BytesIO(answer.body)).active.values)
        wanted = [[cell or None for cell in row] for row in self.expected(admin, query)]

        assert answer.status == 200
        assert answer.headers["content-type"] == (
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        )
        assert 'filename="attendance.xlsx"' in answer.headers["content-disposition"]
        assert list(rows[0]) == DAY
        assert [[cell or None for cell in row] for row in rows[1:]] == wanted
        assert len(wanted) >= 2

    def test_calamine_reads_the_same(self, admin, query):
        answer = admin.get(f"/attendance/aggregated/download/?{query}&format=xlsx")
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(answer.body)).get_sheet_by_index(0)
        rows = sheet.to_python()

        assert rows[0] == DAY
        assert [["" if c is None else c for c in row] for row in self.expected(admin, query)] == [
            [int(row[0]), *row[1:]] for row in rows[1:]
        ]

    def test_a_name_that_looks_like_a_formula_stays_text(self, admin, query):
        answer = admin.get(f"/attendance/aggregated/download/?{query}")
        cells = openpyxl.load_workbook(io.BytesIO(answer.body)).active["C"]
        evil = [cell for cell in cells if "=1+1" in str(cell.value)]

        assert evil
        assert all(cell.data_type != "f" for cell in evil)

    def test_a_username_that_is_a_formula_stays_text(self, admin, world):
        created = admin.post("/users/", {"username": f"=1+{world.number}"})
        check_in(admin, created.json["id"], "13:00:00", day="2024-06-04")
        path = f"/attendance/aggregated/download/?user={created.json['id']}"
        book = openpyxl.load_workbook(io.BytesIO(admin.get(path).body))
        cell = book.active["B2"]
        text = admin.get(f"{path}&format=csv").body.decode("utf-8-sig")
        row = next(csv.DictReader(io.StringIO(text)))

        assert (cell.value, cell.data_type == "f") == (f"=1+{world.number}", False)
        assert not row["username"].startswith("=")
        assert row["username"].endswith(f"=1+{world.number}")

    def test_csv(self, admin, query):
        answer = admin.get(f"/attendance/aggregated/download/?{query}&format=csv")
        rows = list(csv.reader(io.StringIO(answer.body.decode("utf-8-sig"), newline="")))
        wanted = [[str(c or "") for c in row] for row in self.expected(admin, query)]

        assert answer.headers["content-type"].startswith("text/csv")
        assert 'filename="attendance.csv"' in answer.headers["content-disposition"]
        assert rows[0] == DAY
        assert [[cell.removeprefix("'") for cell in row] for row in rows[1:]] == wanted

    def test_another_format_is_refused(self, admin):
        refused = admin.get("/attendance/aggregated/download/?format=pdf")

        assert (refused.status, refused.paths) == (422, ["/format"])

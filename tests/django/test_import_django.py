"""The move from a Django campus, whose database Django itself makes, by ``import-django``."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from campuscore import CheckInQuery, DayQuery, Settings, UserChange, UserQuery, errors, open_campus
from campuscore.adapters.cli.main import main
from campuscore.adapters.django import Mapping, open_django
from campuscore.adapters.django.values import Row
from campuscore.bootstrap import Campus
from campuscore.domain.roster import Outcome, Place
from campuscore.domain.users import NewUser, Role

Run = Callable[..., Result]
HERE = Path(__file__).parent
OLD = {"ada": "old-password-Ада", "bob": "bobs-old-word", "root": "root-password-1"}


def write_wheel(path: Path, name: str = "demo_tool", version: str = "1.0") -> None:
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", "ANSWER = 42\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("django")
    write_wheel(folder / "made.whl")
    subprocess.run([sys.executable, HERE / "old_campus.py", folder], check=True)
    return folder


@pytest.fixture
def old(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "old"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=str(tmp_path / "home"), time_zone="Europe/Moscow")


@pytest.fixture
def run(settings: Settings) -> Run:
    def call(*words: object, code: int = 0, **env: str) -> Result:
        arguments = ["--home", settings.home, *map(str, words)]
        variables = {"CAMPUSCORE_TIME_ZONE": settings.time_zone, **env}
        found = CliRunner().invoke(main, arguments, env=variables)
        assert found.exit_code == code, found.output
        return found

    return call


@pytest.fixture
def moved(run: Run, old: Path) -> dict[str, dict[str, int]]:
    done = run("--json", "import-django", old / "old.db", "--media", old / "media")
    return json.loads(done.stdout)


def change(old: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(old / "old.db")) as raw:
        raw.execute("PRAGMA foreign_keys=OFF")
        raw.execute(statement, values)
        raw.commit()


def state(campus: Campus) -> dict[str, object]:
    """Everything that a move could change, but for events."""
    who = campus.operator
    groups = campus.groups.list(who).items
    return {
        "users": campus.users.list(who, UserQuery(active=None)).items,
        "groups": groups,
        "members": [campus.groups.members(who, group.id) for group in groups],
        "days": campus.attendance.aggregate(who).items,
        "check_ins": campus.attendance.list(who).items,
        "entries": campus.schedule.list(who).items,
        "rooms": campus.schedule.rooms.list(who),
        "packages": campus.packages.list(who),
        "blobs": sorted(campus.packages.blobs.names()),
    }


def test_counts_are_those_of_the_old_campus(moved: dict[str, object]) -> None:
    created = {kind: tally["created"] for kind, tally in moved["counts"].items()}
    assert created == {
        "user": 5,
        "group": 2,
        "membership": 5,
        "check-in": 4,
        "entry": 3,
        "file": 2,
        "package": 1,
    }
    skipped = {
        (row["kind"], row["key"]): row["detail"]
        for row in moved["rows"]
        if row["outcome"] == "skipped"
    }
    assert set(skipped) == {("file", "lost.pdf"), ("file", "sly.txt"), ("package", "readme.txt")}
    assert "no such file under" in skipped["file", "sly.txt"]
    assert skipped["package", "readme.txt"].startswith("ignored: ")
    left_out = {(each["file"], each["what"]): each["rows"] for each in moved["ignored"]}
    assert left_out["campus_user", "phone"] == 1
    assert left_out["campus_notice", "table"] == 1
    assert not any(table.startswith("django_") for table, _ in left_out)


def test_old_passwords_log_in_and_are_hashed_anew(moved: object, settings: Settings) -> None:
    with open_campus(settings) as campus:
        store = campus.users.store
        with store.read() as work:
            before = work.credentials.find("ada").password_hash
        assert before.startswith("pbkdf2_sha256$")
        for username, password in OLD.items():
            with pytest.raises(errors.Unauthenticated):
                campus.auth.login(username, password + "!")
            pair = campus.auth.login(username, password)
            assert campus.auth.authenticate(pair.access).username == username
        with store.read() as work:
            assert work.credentials.find("ada").password_hash.startswith("$campuscore$")
        campus.auth.login("ada", OLD["ada"])
        for username, password in (("gone", "gone-password"), ("card", "")):
            with pytest.raises(errors.Unauthenticated):
                campus.auth.login(username, password)


def test_people_groups_and_rights_are_those_of_before(moved: object, settings: Settings) -> None:
    with open_campus(settings) as campus:
        who = campus.operator
        users = {u.username: u for u in campus.users.list(who, UserQuery(active=None)).items}
        assert users["root"].role is Role.ADMIN
        assert users["ada"].role is Role.TEACHER
        assert (users["ada"].full_name, users["ada"].email) == ("Lovelace Ada", "ada@example.org")
        assert users["gone"].active is False
        assert users["bob"].created_at == datetime(2025, 9, 1, 6, tzinfo=UTC)
        groups = {group.name: group for group in campus.groups.list(who).items}
        assert groups["Lab 1"].parent == groups["Course"].id
        assert [user.username for user in groups["Lab 1"].teachers] == ["ada"]
        roles = {m.username: m.role for m in campus.groups.members(who, groups["Lab 1"].id)}
        assert roles == {
            "ada": Role.TEACHER,
            "bob": Role.STUDENT,
            "card": Role.ASSISTANT,
        }
        with campus.groups.store.read() as work:  # today's members are those who are active
            today = campus.policy.days.today()
            row = work.memberships.find(groups["Lab 1"].id, users["gone"].id, Role.STUDENT, today)
        assert row is not None
        past = campus.groups.members(who, groups["Lab 1"].id, date(2025, 9, 1))
        assert {m.username for m in past} == {*roles, "gone"}
        campus.users.update(who, users["gone"].id, UserChange(active=True))
        back = campus.groups.members(who, groups["Lab 1"].id)
        assert {m.username for m in back} == {*roles, "gone"}


def test_days_show_what_they_showed(moved: object, settings: Settings) -> None:
    with open_campus(settings) as campus:
        who = campus.operator
        query = DayQuery(username="bob")
        days = campus.attendance.aggregate(who, query).items
        assert [(day.date, day.morning_entry, day.group) for day in days] == [
            (date(2026, 3, n), time(8, 30), "Lab 1") for n in (1, 2, 3)
        ]
        seen = campus.attendance.list(who, CheckInQuery(username="bob")).items[0]
        assert (seen.timestamp.microsecond, seen.ip_address, seen.user_agent) == (
            250000,
            "10.0.0.7",
            "Firefox",
        )
        (slip,) = campus.attendance.files(who, days[1].id, date(2026, 3, 2))
        row, chunks = campus.attendance.open_file(who, slip.id)
        assert (row.filename, row.content_type) == ("Справка.pdf", "application/pdf")
        assert b"".join(chunks) == b"%PDF a slip"
        ada = campus.users.find_named(who, "ada").id
        # 21:00 in UTC was the next day already in the campus's zone.
        assert [f.filename for f in campus.attendance.files(who, ada, date(2026, 3, 3))] == [
            "note.txt"
        ]


def test_timetable_and_packages_came_along(moved: object, settings: Settings) -> None:
    with open_campus(settings) as campus:
        who = campus.operator
        rooms = {room.id: room.name for room in campus.schedule.rooms.list(who)}
        entries = campus.schedule.list(who).items
        assert [(e.title, e.date, e.start, rooms.get(e.room)) for e in entries] == [
            ("Python", date(2026, 3, 2), time(8, 30), "101"),
            ("Reading", date(2026, 3, 3), None, None),
            ("Exam", date(2026, 6, 1), time(7), None),
        ]
        (project,) = campus.packages.list(who)
        assert project.name == "demo_tool"


def test_a_second_run_changes_nothing(
    moved: object, run: Run, old: Path, settings: Settings
) -> None:
    with open_campus(settings) as campus:
        campus.auth.login("bob", OLD["bob"])
        bob = campus.users.find_named(campus.operator, "bob").id
        lab = campus.groups.list(campus.operator).items[1].id
        campus.groups.remove_user(campus.operator, lab, bob)
        before = state(campus)
    again = run("--json", "import-django", old / "old.db", "--media", old / "media")
    counts = json.loads(again.stdout)["counts"]
    assert {tally["created"] + tally["updated"] for tally in counts.values()} == {0}
    with open_campus(settings) as campus:
        assert state(campus) == before
        campus.auth.login("bob", OLD["bob"])


def test_what_is_new_since_then_comes_in(
    moved: object, run: Run, old: Path, settings: Settings
) -> None:
    change(
        old,
        "INSERT INTO campus_attendancelog (user_id, timestamp, user_agent)"
        " VALUES (3, '2026-03-09 05:00:00', '')",
    )
    (old / "media" / "attendance" / "lost.pdf").write_bytes(b"found")
    again = run("--json", "import-django", old / "old.db", "--media", old / "media")
    counts = json.loads(again.stdout)["counts"]
    assert (counts["check-in"]["created"], counts["file"]["created"]) == (1, 1)
    assert sum(tally["created"] for tally in counts.values()) == 2


def test_a_dry_run_says_the_same_and_writes_nothing(
    run: Run, old: Path, settings: Settings
) -> None:
    with open_campus(settings) as campus:
        before = state(campus)
        events = len(campus.operations.events(campus.operator))
    dry = run("--json", "import-django", old / "old.db", "--media", old / "media", "--dry-run")
    with open_campus(settings) as campus:
        assert state(campus) == before
        assert len(campus.operations.events(campus.operator)) == events
    wet = run("--json", "import-django", old / "old.db", "--media", old / "media")
    said, done = json.loads(dry.stdout), json.loads(wet.stdout)
    assert (said.pop("dry_run"), done.pop("dry_run")) == (True, False)
    assert said == done


BROKEN = [
    (
        "UPDATE campus_attendancelog SET timestamp='soon' WHERE id=2",
        "campus_attendancelog:2:timestamp: 'soon' is not a date with a time",
    ),
    (
        "UPDATE campus_attendancelog SET timestamp='2999-01-01' WHERE id=2",
        "campus_attendancelog:2:timestamp: 2999-01-01T00:00:00+00:00 lies before",
    ),
    (
        "UPDATE campus_user SET username='two words' WHERE id=3",
        "campus_user:3:username: must not contain white space",
    ),
    ("UPDATE campus_user SET role='wizard' WHERE id=3", "campus_user:3:role: 'wizard' is not one"),
    (
        "UPDATE campus_user SET username='ADA' WHERE id=3",
        "campus_user:3:username: 'ADA' is the name of campus_user:2 too",
    ),
    (
        "UPDATE campus_user SET is_active='perhaps' WHERE id=3",
        "campus_user:3:is_active: 'perhaps' is neither true nor false",
    ),
    ("UPDATE campus_group SET name=' ' WHERE id=4", "campus_group:4:name: is empty"),
    (
        "UPDATE campus_membership SET user_id=77 WHERE id=1",
        "campus_membership:1:user: there is no user 77",
    ),
    (
        "UPDATE campus_membership SET group_id=77 WHERE id=1",
        "campus_membership:1:group: there is no group 77",
    ),
    (
        "UPDATE campus_schedule SET group_id=77 WHERE id=2",
        "campus_schedule:2:group: there is no group 77",
    ),
    ("UPDATE campus_schedule SET date='x' WHERE id=2", "campus_schedule:2:date: 'x' is not a date"),
    (
        "UPDATE campus_schedule SET start='noon' WHERE id=2",
        "campus_schedule:2:start: 'noon' is not a time of day",
    ),
    ("UPDATE campus_schedule SET title='' WHERE id=2", "campus_schedule:2:title: is empty"),
]


@pytest.mark.parametrize(("statement", "words"), BROKEN, ids=[w for _, w in BROKEN])
def test_a_broken_row_is_named_and_nothing_comes_in(
    run: Run, old: Path, settings: Settings, statement: str, words: str
) -> None:
    change(old, statement)
    refused = run("import-django", old / "old.db", code=1)
    assert words in refused.stderr
    with open_campus(settings) as campus:
        assert state(campus) == {name: [] for name in state(campus)}


def test_broken_rows_can_be_left_out(run: Run, old: Path) -> None:
    change(old, "UPDATE campus_attendancelog SET timestamp='soon' WHERE id=2")
    done = run("import-django", old / "old.db", "--skip-broken")
    assert "campus_attendancelog:2  check-in  campus_attendancelog:2  skipped" in done.stdout
    assert "check-ins: 3 created, 1 skipped" in done.stderr
    assert "entries: 3 created" in done.stderr
    assert "was not given (--media)" in done.stdout


def test_whoever_stands_already_keeps_role_and_password(
    run: Run, old: Path, settings: Settings
) -> None:
    with open_campus(settings) as campus:
        new = NewUser(username="ROOT", password="another-password")
        mine = campus.users.create(campus.operator, new)
    run("import-django", old / "old.db")
    with open_campus(settings) as campus:
        found = campus.users.find_named(campus.operator, "root")
        assert (found.id, found.role) == (mine.id, Role.STUDENT)
        campus.auth.login("root", "another-password")
        with pytest.raises(errors.Unauthenticated):
            campus.auth.login("root", OLD["root"])


def test_other_hashes_are_named(run: Run, old: Path, settings: Settings) -> None:
    change(old, "UPDATE campus_user SET password='bcrypt$$2b$12$abc' WHERE username='bob'")
    done = run("import-django", old / "old.db")
    assert "user  bob  created  needs a new password" in done.stdout


def test_argon2_of_django_is_taken_as_it_is(run: Run, old: Path, settings: Settings) -> None:
    with open_campus(settings) as campus:
        stored = campus.users.hasher.argon2.hash("from-django-too")
    change(old, "UPDATE campus_user SET password=? WHERE username='bob'", f"argon2{stored}")
    run("import-django", old / "old.db")
    with open_campus(settings) as campus:
        campus.auth.login("bob", "from-django-too")


def test_a_file_may_hang_on_an_attendance_record(run: Run, old: Path, settings: Settings) -> None:
    change(old, "DELETE FROM campus_attachment")
    change(
        old,
        "CREATE TABLE campus_attendancefile (id INTEGER PRIMARY KEY, file TEXT, created_at TEXT,"
        " attendance_id INTEGER REFERENCES campus_attendancelog)",
    )
    name = "attendance/slip.pdf"
    for log in (1, 99):
        row = (name, "2026-03-20 10:00:00", log)
        columns = "file, created_at, attendance_id"
        change(old, f"INSERT INTO campus_attendancefile ({columns}) VALUES (?, ?, ?)", *row)
    done = run("import-django", old / "old.db", "--media", old / "media")
    assert "campus_attendancefile:2  file  slip.pdf  skipped  there is no user" in done.stdout
    with open_campus(settings) as campus:
        bob = campus.users.find_named(campus.operator, "bob").id
        files = campus.attendance.files(campus.operator, bob, date(2026, 3, 1))
        assert [file.filename for file in files] == ["slip.pdf"]


def test_tables_can_be_named(run: Run, old: Path, tmp_path: Path, settings: Settings) -> None:
    for statement in (
        "ALTER TABLE campus_attendancelog RENAME TO visits",
        "ALTER TABLE visits RENAME COLUMN timestamp TO moment",
    ):
        change(old, statement)
    mapping = tmp_path / "mapping.toml"
    mapping.write_text('[attendance]\ntable = "visits"\nat = "moment"\n')
    words = ("--mapping", mapping, "--table", "schedule=", "--table", "libraries=")
    done = run("import-django", *words, DJANGO_DATABASE_URL=f"sqlite:///{old}/old.db")
    assert "check-ins: 4 created" in done.stderr
    assert "entries: none" in done.stderr
    assert "campus_schedule: ignored table (2 rows)" in done.stderr


REFUSED = [
    (["--table", "wizards=x"], "wizards: is nothing to import"),
    (["--table", "users=nobody"], "users: there is no table 'nobody'"),
    (["--table", "users=campus_group"], "users: campus_group has no column for username, password"),
    (["--table", "users="], "no table of users"),
    (["--times-in", "Mars/Olympus"], "Mars/Olympus"),
]


@pytest.mark.parametrize(("words", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_a_wrong_mapping_is_refused(run: Run, old: Path, words: list[str], said: str) -> None:
    assert said in run("import-django", old / "old.db", *words, code=1).stderr


TOML = [
    ("users = 1", "must be a table"),
    ("[users]\ntable = 1", "must be a name"),
    ("[users]\ntable = 'campus_user'\nusername = 'nick'", "has no column 'nick'"),
    ("[users]\nnick = 'x'", "no field with the name of a column"),
    ("[", "is not TOML"),
]


@pytest.mark.parametrize(("text", "said"), TOML, ids=[said for _, said in TOML])
def test_a_wrong_mapping_file_is_refused(
    run: Run, old: Path, tmp_path: Path, text: str, said: str
) -> None:
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(text)
    assert said in run("import-django", old / "old.db", "--mapping", mapping, code=1).stderr


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("mars://user:secret-word@host/db", "mars:// cannot be read; what can be read is a SQLite"),
        ("mysql://user:secret-word@host/db", "or PostgreSQL as postgresql://USER@HOST/NAME"),
        (str(HERE / "old_campus.py"), "cannot be read"),
    ],
)
def test_what_cannot_be_opened_is_said_without_its_password(
    run: Run, place: str, said: str
) -> None:
    refused = run("import-django", place, code=1)
    assert said in refused.stderr
    assert "secret-word" not in refused.stderr


@pytest.mark.parametrize("scheme", ["", "sqlite:///"])
def test_a_path_without_a_file_is_wrong_usage_as_in_other_commands(
    run: Run, settings: Settings, tmp_path: Path, scheme: str
) -> None:
    missing = run("import-django", f"{scheme}{tmp_path}/nowhere.db", code=2)
    assert f"'{tmp_path}/nowhere.db' does not exist" in missing.stderr
    folder = run("import-django", f"{scheme}{tmp_path}", code=2)
    assert f"'{tmp_path}' is a directory" in folder.stderr
    assert not Path(settings.home).exists()


def test_a_program_is_told_of_a_folder_and_of_a_missing_file(tmp_path: Path) -> None:
    for place, said in ((tmp_path, "is a folder"), (tmp_path / "x.db", "there is no such file")):
        with pytest.raises(errors.Unavailable, match=said), open_django(str(place)):
            pass


def test_the_old_database_is_only_read(run: Run, old: Path) -> None:
    before = (old / "old.db").read_bytes()
    run("import-django", old / "old.db", "--media", old / "media")
    assert (old / "old.db").read_bytes() == before


def test_a_teacher_may_not_move_a_campus_here(old: Path) -> None:
    with open_campus("memory://") as campus, open_django(str(old / "old.db")) as transfer:
        new = NewUser(username="t", role=Role.TEACHER, password="long-enough-words")
        campus.users.create(campus.operator, new)
        principal = campus.auth.authenticate(campus.auth.login("t", "long-enough-words").access)
        with pytest.raises(errors.Forbidden):
            campus.transfers.import_(principal, transfer)


def test_a_memory_campus_takes_it_too(old: Path) -> None:
    with (
        open_campus("memory://") as campus,
        open_django(str(old / "old.db"), media=old / "media", mapping=Mapping()) as transfer,
    ):
        report = campus.transfers.import_(campus.operator, transfer)
    assert [tally.created for tally in report.counts.values()] == [5, 2, 5, 4, 3, 2, 1]
    assert {row.outcome for row in report.rows} == {Outcome.CREATED, Outcome.SKIPPED}


def test_postgresql_is_read_and_written_too(databases, made: Path, tmp_path: Path) -> None:
    write_wheel(tmp_path / "made.whl")
    old, new = databases.create(), databases.create()
    subprocess.run([sys.executable, HERE / "old_campus.py", tmp_path, old], check=True)
    settings = Settings(home=str(tmp_path / "home"), database_url=new)
    with open_campus(settings) as campus:
        for created in ([5, 2, 5, 4, 3, 2, 1], [0] * 7):
            with open_django(old, media=tmp_path / "media") as transfer:
                report = campus.transfers.import_(campus.operator, transfer)
            assert [tally.created for tally in report.counts.values()] == created
        for username, password in OLD.items():
            campus.auth.login(username, password)
        row = campus.attendance.list(campus.operator, CheckInQuery(username="bob")).items[-1]
        assert row.timestamp == datetime(2026, 3, 1, 5, 30, 0, 250000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, None),
        ("", None),
        ("2026-03-02", date(2026, 3, 2)),
        (date(2026, 3, 2), date(2026, 3, 2)),
        ("2026-03-02 08:00:00", datetime(2026, 3, 2, 8, tzinfo=UTC)),
        (datetime(2026, 3, 2, 8, tzinfo=UTC), datetime(2026, 3, 2, 8, tzinfo=UTC)),
    ],
)
def test_values_come_as_text_or_typed(value: object, found: object) -> None:
    row = Row(Place("t", 1), "1", {"x": value}, {"x": "x"})
    assert row.moment("x") == found

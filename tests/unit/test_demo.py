"""The demonstration: believable, the same each time, and gone without a trace."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from click.testing import CliRunner
from falcon.testing import TestClient

from campuscore import Settings, UserQuery, errors, open_campus
from campuscore.adapters.cli.main import main
from campuscore.adapters.demo import Filled, fill
from campuscore.adapters.demo.wheels import wheels
from campuscore.adapters.http import create_app
from campuscore.bootstrap import Campus
from campuscore.domain.attendance import DayRow, NewCheckIn
from campuscore.domain.days import Days, find_zone
from campuscore.domain.groups import NewGroup
from campuscore.domain.paging import PageRequest
from campuscore.domain.schedule import NewEntry, NewRoom
from campuscore.domain.users import NewUser, Role, UserChange
from campuscore.services.demo import Standing

NOW = datetime(2026, 3, 18, 8, tzinfo=UTC)  # a Wednesday


def opened(settings: Settings | str = "memory://", now: datetime = NOW) -> Campus:
    zone = settings.time_zone if isinstance(settings, Settings) else "UTC"
    return open_campus(settings, days=Days(find_zone(zone), lambda: now))


@pytest.fixture(params=["memory", "sqlite"])
def campus(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Campus]:
    url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/campus.db"
    with opened(Settings(database_url=url, home=str(tmp_path), time_zone="Asia/Tokyo")) as campus:
        yield campus


@pytest.fixture(scope="module")
def full() -> Iterator[tuple[Campus, Filled]]:
    """A campus that was filled in, only to be read."""
    settings = Settings(database_url="memory://", time_zone="Asia/Tokyo")
    with opened(settings) as campus:
        yield campus, fill(campus)


def days_of(campus: Campus) -> list[DayRow]:
    rows: list[DayRow] = []
    cursor = None
    while True:
        page = campus.attendance.aggregate(campus.operator, None, PageRequest(1000, cursor))
        rows += page.items
        cursor = page.next
        if cursor is None:
            return rows


def story(campus: Campus) -> list[object]:
    who = campus.operator
    users = [(u.username, u.full_name, u.role) for u in campus.users.list(who).items]
    days = [(d.date, d.username, d.morning_entry, d.afternoon_entry) for d in days_of(campus)]
    entries = [(e.title, e.date, e.start) for e in campus.schedule.list(who).items]
    return [users, days, entries]


def test_it_is_the_same_for_the_same_seed_and_day() -> None:
    with opened() as one, opened() as two, opened() as other:
        assert fill(one) == fill(two)
        assert story(one) == story(two)
        fill(other, seed=2)
        assert story(other) != story(one)


def test_people_are_english_and_russian_in_a_tree_of_groups(full: tuple[Campus, Filled]) -> None:
    campus, filled = full
    who = campus.operator
    users = campus.users.list(who).items
    assert filled.people == len(users) == 120
    assert Counter(user.role for user in users) == {
        Role.STUDENT: 104,
        Role.TEACHER: 8,
        Role.ASSISTANT: 8,
    }
    russian = [user for user in users if any("а" <= ch <= "я" for ch in user.last_name)]  # noqa: RUF001
    assert len(russian) == 60
    assert all(user.username.isascii() for user in users)
    groups = campus.groups.list(who).items
    assert Counter(str(group.kind) for group in groups) == {"department": 2, "course": 4, "lab": 8}
    labs = [group for group in groups if group.kind == "lab"]
    assert {len(group.students) for group in labs} == {26}
    roles = {m.role for lab in labs for m in campus.groups.members(who, lab.id)}
    assert roles == {Role.STUDENT, Role.ASSISTANT}


def test_the_timetable_asks_no_room_and_nobody_twice(full: tuple[Campus, Filled]) -> None:
    campus, _ = full
    who = campus.operator
    entries = campus.schedule.list(who).items
    assert Counter(Counter((e.date, e.start, e.room) for e in entries).values()) == {
        1: len(entries)
    }
    assert {entry.date.weekday() for entry in entries} == {0, 1, 2, 3, 4}
    members = {
        g.id: {m.id for m in campus.groups.members(who, g.id)}
        for g in campus.groups.list(who).items
    }
    taken = Counter((e.date, e.start, m) for e in entries for m in members[e.group])
    assert set(taken.values()) == {1}


def test_attendance_has_patterns_and_ends_now(full: tuple[Campus, Filled]) -> None:
    campus, filled = full
    rows = days_of(campus)
    seen = Counter(row.date for row in rows)
    today = campus.attendance.days.today()
    assert max(seen) == today
    assert (today - min(seen)).days > 60
    assert not [day for day in seen if day.weekday() > 4]
    weeks = Counter(day.isocalendar()[:2] for day in seen.elements())
    flu = min(day for day in seen).toordinal() + 42
    ill = weeks[date.fromordinal(flu).isocalendar()[:2]]
    ordinary = sorted(weeks.values())[len(weeks) // 2]
    assert ill < 0.8 * ordinary
    late = Counter(
        row.username
        for row in rows
        if row.morning_entry and time(9, 10) < row.morning_entry < time(10, 20)
    )
    assert 4 < sum(count > 4 for count in late.values()) < 20
    newest = campus.attendance.list(campus.operator).items
    assert newest[0].timestamp <= NOW
    assert len({row.method for row in newest}) == 4
    assert filled.check_ins > 3000
    files = [address for row in rows for address in row.files]
    assert len(files) == filled.files > 10


def test_holidays_are_free(full: tuple[Campus, Filled]) -> None:
    campus, _ = full
    entries = {entry.date for entry in campus.schedule.list(campus.operator).items}
    seen = {row.date for row in days_of(campus)}
    first = min(entries)
    weekdays = {
        day
        for n in range((max(entries) - first).days)
        if (day := date.fromordinal(first.toordinal() + n)).weekday() < 5
    }
    assert len(weekdays - entries) == 2
    assert not seen & (weekdays - entries)


def test_packages_are_valid_and_always_the_same() -> None:
    assert [wheel.content for wheel in wheels()] == [wheel.content for wheel in wheels()]
    for wheel in wheels():
        with zipfile.ZipFile(io.BytesIO(wheel.content)) as archive:
            (record,) = [name for name in archive.namelist() if name.endswith("/RECORD")]
            for line in archive.read(record).decode().splitlines():
                name, digest, size = line.split(",")
                if digest:
                    content = archive.read(name)
                    assert len(content) == int(size)
                    assert hashlib.sha256(content).hexdigest() == _hex(digest)


def _hex(digest: str) -> str:
    return base64.urlsafe_b64decode(digest.removeprefix("sha256=") + "=").hex()


def test_packages_can_be_imported(tmp_path: Path) -> None:
    for wheel in wheels():
        (tmp_path / wheel.filename).write_bytes(wheel.content)
    code = "import campus_hello, campus_table, campus_dice; print(campus_hello.hello('Ada'))"
    path = os.pathsep.join(str(tmp_path / wheel.filename) for wheel in wheels())
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        check=True,
    )
    assert done.stdout.split() == [b"Hello,", b"Ada!"]


def test_removal_leaves_nothing_and_it_can_come_again(campus: Campus) -> None:
    who = campus.operator
    fill(campus)
    campus.demo.let_in(who, "everybody-knows")
    before = story(campus)
    recorded = campus.audit.head(who)
    assert campus.demo.remove(who) == Standing(120, 14, 1, 4, 3, 0)
    assert campus.audit.list(who).items[0].action == "demo.removed"
    assert campus.audit.verify(who, recorded).is_whole
    assert campus.users.list(who, UserQuery(active=None)).items == []
    assert story(campus) == [[], [], []]
    assert campus.attendance.list(who).items == []
    assert campus.groups.list(who).items == []
    assert campus.schedule.rooms.list(who) == campus.schedule.terms.list(who) == []
    assert campus.packages.list(who) == []
    assert list(campus.packages.blobs.names()) == []
    with pytest.raises(errors.NotFound):
        campus.demo.remove(who)
    with pytest.raises(errors.Unauthenticated):
        campus.auth.login("iivanov", "everybody-knows")
    fill(campus)
    assert story(campus) == before


def test_removal_leaves_everybody_else_alone(campus: Campus) -> None:
    who = campus.operator
    alice = campus.users.create(who, NewUser(username="alice"))
    campus.attendance.check_in(who, NewCheckIn(user=alice.id))
    room = campus.schedule.rooms.create(who, NewRoom(name="Room 101"))
    before = story(campus)
    with pytest.raises(errors.Conflict) as refused:
        fill(campus)
    assert refused.value.code == "campus_not_empty"
    fill(campus, among_others=True)
    campus.demo.remove(who)
    assert story(campus) == before
    assert campus.schedule.rooms.list(who) == [room]


def test_nobody_of_the_same_name_is_taken_over() -> None:
    with opened() as first:
        fill(first)
        names = [user.username for user in first.users.list(first.operator).items[:5]]
    with opened() as campus:
        real = [
            campus.users.create(campus.operator, NewUser(username=name.upper())) for name in names
        ]
        fill(campus, among_others=True)
        assert len(campus.users.list(campus.operator).items) == 125
        campus.demo.remove(campus.operator)
        assert campus.users.list(campus.operator).items == real


def test_what_is_in_use_is_not_removed(campus: Campus) -> None:
    who = campus.operator
    fill(campus)
    bob = campus.users.create(who, NewUser(username="bob"))
    lab = campus.groups.list(who).items[-1]
    campus.groups.add_user(who, lab.id, bob.id, Role.STUDENT)
    with pytest.raises(errors.Conflict) as refused:
        campus.demo.remove(who)
    assert refused.value.code == "demo_in_use"
    assert f"user {bob.id} in group {lab.id}" in refused.value.detail
    assert len(campus.users.list(who).items) == 121
    campus.groups.remove_user(who, lab.id, bob.id)
    campus.demo.remove(who)
    assert [user.username for user in campus.users.list(who).items] == ["bob"]


def test_many_reasons_are_cut_short() -> None:
    with opened() as campus:
        who = campus.operator
        fill(campus)
        other = campus.groups.list(who).items[0]
        room = campus.schedule.rooms.list(who)[0]
        mine = campus.groups.create(who, NewGroup(name="Mine", parent=other.id))
        for day in range(1, 8):
            new = NewEntry(group=mine.id, title="x", date=date(2026, 4, day), room=room.id)
            campus.schedule.create(who, new)
        with pytest.raises(errors.Conflict, match="and 3 more"):
            campus.demo.remove(who)


def test_a_second_one_is_refused(campus: Campus) -> None:
    fill(campus)
    with pytest.raises(errors.Conflict) as refused:
        fill(campus, among_others=True)
    assert refused.value.code == "demo_stands"


def test_only_administrators_may() -> None:
    with opened() as campus:
        who = campus.operator
        new = NewUser(username="t", role=Role.TEACHER, password="long-enough-words")
        user = campus.users.create(who, new)
        fill(campus, among_others=True)
        teacher = campus.auth.authenticate(campus.auth.login("t", "long-enough-words").access)
        for act in (
            lambda: campus.demo.remove(teacher),
            lambda: campus.demo.standing(teacher),
            lambda: campus.demo.made(teacher, "user"),
            lambda: campus.demo.remember(teacher, "room", {}),
            lambda: campus.demo.let_in(teacher, "long-enough-words"),
        ):
            with pytest.raises(errors.Forbidden):
                act()
        campus.users.update(who, user.id, UserChange(role=Role.ADMIN))
        admin = campus.auth.authenticate(campus.auth.login("t", "long-enough-words").access)
        with pytest.raises(errors.Invalid):
            campus.demo.remember(admin, "fact", {})
        assert campus.demo.remove(admin).users == 120


def test_on_the_command_line(tmp_path: Path) -> None:
    def run(*words: str, code: int = 0) -> tuple[str, str]:
        done = CliRunner().invoke(main, ["--home", str(tmp_path), *words])
        assert done.exit_code == code, done.output
        return done.stdout, done.stderr

    out, err = run("--json", "demo", "--with-logins")
    assert Filled(**json.loads(out)).people == 120
    password = err.partition("Password of all 120: ")[2].split()[0]
    with open_campus(Settings(home=str(tmp_path))) as campus:
        somebody = campus.users.list(campus.operator).items[0].username
        client = TestClient(create_app(campus))
        login = {"username": somebody, "password": password}
        assert client.simulate_post("/auth/login/", json=login).status_code == 200
    assert "stands already" in run("demo", code=1)[1]
    assert "goes with no other option" in run("demo", "--remove", "--yes", code=2)[1]
    assert "users     120" in run("demo", "--remove")[0]
    run("users", "create", "alice")
    assert "--yes fills in all the same" in run("demo", code=1)[1]
    out, err = run("demo", "--yes", "--seed", "7")
    assert "people" in out
    assert err == ""

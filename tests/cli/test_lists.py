"""Lists, names and sheets: nothing is cut short, nobody is mistaken for another."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve
from click.testing import CliRunner, Result

from campuscore import NewCheckIn, NewUser, Settings, open_campus
from campuscore.adapters.cli.invocation import Invocation
from campuscore.adapters.cli.main import COMMANDS, main
from campuscore.adapters.cli.output import every, show_pages
from campuscore.domain.paging import Page, PageRequest
from campuscore.domain.schedule import Room
from campuscore.errors import Unavailable
from campuscore.services.attendance import AttendanceService

Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def run(home: Path) -> Run:
    def call(*words: object, code: int = 0) -> Result:
        found = CliRunner().invoke(main, ["--home", str(home), *map(str, words)])
        assert found.exit_code == code, found.output
        return found

    return call


def numbers(request: PageRequest) -> Page[int]:
    """Answer 0 to 24 in pages of ten at the most."""
    begin = int(request.cursor or 0)
    end = min(begin + min(request.limit or 10, 10), 25)
    return Page(list(range(begin, end)), str(end) if end < 25 else None)


@pytest.mark.parametrize("limit", [1, 9, 10, 11, 24, 25, 26])
def test_pages_are_read_until_there_were_so_many_rows(limit: int) -> None:
    rows = [row for page in every(numbers, limit) for row in page]

    assert rows == list(range(min(limit, 25)))


def test_pages_are_read_to_the_end() -> None:
    assert [len(page) for page in every(numbers)] == [10, 10, 5]


def test_no_page_is_asked_for_after_the_last_row() -> None:
    asked: list[PageRequest] = []

    def fetch(request: PageRequest) -> Page[int]:
        asked.append(request)
        return numbers(request)

    assert sum(len(page) for page in every(fetch, 20)) == 20
    assert [request.limit for request in asked] == [20, 10]


PAGES = [[Room(1, "A", None)], [], [Room(2, "a very long name", 30), Room(3, "\x1b[2J", 0)]]


def test_pages_become_one_json_array(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    show_pages(Invocation(as_json=True), PAGES, ("id",))
    show_pages(Invocation(as_json=True), [[], []], ("id",))

    first, second = capfdbinary.readouterr().out.splitlines()
    assert [room["id"] for room in json.loads(first)] == [1, 2, 3]
    assert second == b"[]"


def test_pages_become_one_table_without_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_pages(Invocation(), PAGES, ("id", "name", "capacity"))

    assert capsys.readouterr().out.splitlines() == [
        "id  name  capacity",
        "1   A     -",
        "2   a very long name  30",
        "3   ?[2J              0",
    ]


def test_a_program_gets_every_check_in_and_a_table_is_short(run: Run, home: Path) -> None:
    begin = datetime(2026, 9, 1, 8, tzinfo=UTC)
    with open_campus(Settings(home=str(home))) as campus:
        alice = campus.users.create(campus.operator, NewUser(username="alice"))
        news = [NewCheckIn(user=alice.id, timestamp=begin + timedelta(i)) for i in range(50)]
        for shift in range(21):
            moved = [evolve(n, timestamp=n.timestamp + timedelta(minutes=shift)) for n in news]
            campus.attendance.check_in_many(campus.operator, moved)

    assert len(json.loads(run("attendance", "list", "--json").stdout)) == 1050
    limited = json.loads(run("attendance", "list", "--json", "--limit", 1040).stdout)
    assert len({row["id"] for row in limited}) == 1040
    assert len(run("attendance", "list").stdout.splitlines()) == 101


def test_a_number_is_an_id_or_a_username_but_never_a_guess(run: Run) -> None:
    run("users", "create", "alice")
    run("users", "create", "2026001")
    run("users", "create", "1")

    def shown(text: str) -> int:
        return json.loads(run("users", "show", text, "--json").stdout)["id"]

    assert (shown("alice"), shown("2026001"), shown("3")) == (1, 2, 3)
    assert (shown("id:1"), shown("name:1"), shown("name:2026001")) == (1, 3, 2)
    refused = run("users", "deactivate", "1", code=1)
    assert "write id:1 or name:1" in refused.stderr
    assert len(json.loads(run("users", "list", "--json").stdout)) == 3
    assert "there is no user 'id:2026001'" in run("users", "show", "id:2026001", code=1).stderr


@pytest.mark.parametrize("role", ["student", "STUDENT"])
@pytest.mark.parametrize("words", [("users", "list"), ("attendance", "report")])
def test_a_role_is_written_as_the_api_writes_it(
    run: Run, words: tuple[str, ...], role: str
) -> None:
    run("users", "create", "alice")
    run("users", "create", "bob", "--role", "teacher")
    run("attendance", "check-in", "alice")
    run("attendance", "check-in", "bob")

    rows = json.loads(run(*words, "--role", role, "--json").stdout)

    assert [row["username"] for row in rows] == ["alice"]


def test_a_sheet_that_breaks_off_leaves_the_old_one(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = AttendanceService.sheet

    def broken(chunks: Iterator[bytes]) -> Iterator[bytes]:
        yield next(chunks)
        raise Unavailable("the disk is gone")

    def breaking(*args: object, **kwargs: object) -> object:
        whole = sheet(*args, **kwargs)
        return evolve(whole, chunks=broken(whole.chunks))

    monkeypatch.setattr(AttendanceService, "sheet", breaking)
    folder = tmp_path / "sheets"
    folder.mkdir()
    old = folder / "today.csv"
    old.write_text("of yesterday")

    run("db", "upgrade")
    refused = run("attendance", "export", "--format", "csv", "--output", old, code=1)

    assert "the disk is gone" in refused.stderr
    assert old.read_text() == "of yesterday"
    assert list(folder.iterdir()) == [old]


def test_a_sheet_that_cannot_be_written_is_told_of_as_it_was_named(
    run: Run, tmp_path: Path
) -> None:
    run("db", "upgrade")
    missing = run("attendance", "export", "--output", tmp_path / "nowhere" / "a.csv", code=1)
    assert missing.stderr == f"Error: {tmp_path / 'nowhere'}: there is no such folder\n"
    long = tmp_path / f"{'a' * 250}.csv"
    assert run("attendance", "export", "--output", long, code=1).stderr == (
        f"Error: {long}: File name too long\n"
    )


def test_events_of_any_number_are_one_json_document(run: Run, home: Path) -> None:
    with open_campus(Settings(home=str(home))) as campus:
        for number in range(105):
            campus.users.create(campus.operator, NewUser(username=f"user-{number}"))

    rows = json.loads(run("events", "tail", "--json").stdout)

    assert [row["id"] for row in rows] == list(range(1, 106))
    assert len(json.loads(run("events", "tail", "--json", "--after", 100).stdout)) == 5
    assert json.loads(run("events", "tail", "--json", "--state", "dead").stdout) == []
    assert len(run("events", "tail").stdout.splitlines()) == 106


def test_joining_and_leaving_answer_as_the_api_does(run: Run) -> None:
    run("users", "create", "alice")
    run("groups", "create", "Lab")

    joined = run("groups", "add-user", 1, "alice", "--role", "teacher", "--json")
    left = run("groups", "remove-user", 1, "alice", "--json")

    assert json.loads(joined.stdout) == {"message": "user 1 is teacher in group 1"}
    assert json.loads(left.stdout) == {"message": "user 1 is no longer in group 1"}


@pytest.mark.parametrize(
    "words",
    [
        ("attendance", "list"),
        ("attendance", "report"),
        ("attendance", "export"),
        ("schedule", "list"),
    ],
)
def test_a_span_that_ends_before_it_begins_is_wrong_usage(run: Run, words: tuple[str, ...]) -> None:
    first, last = ("--from", "2026-03-05"), ("--to", "2026-03-04")
    for span in ((*first, *last), (*last, *first)):
        refused = run(*words, *span, code=2)
        text = "Invalid value for '--to': 2026-03-04 lies before the first day, 2026-03-05"
        assert text in refused.stderr


def test_terms_and_rooms_are_changed_field_by_field(run: Run) -> None:
    run("terms", "create", "Autumn", "2026-09-01", "2026-12-31", "--code", "A26")
    run("rooms", "create", "204", "--capacity", 30)

    run("terms", "update", 1, "--last-day", "2027-01-15")
    run("rooms", "update", 1, "--name", "204a")

    assert json.loads(run("terms", "show", 1, "--json").stdout) == {
        "id": 1,
        "name": "Autumn",
        "first_day": "2026-09-01",
        "last_day": "2027-01-15",
        "code": "A26",
    }
    assert json.loads(run("rooms", "show", 1, "--json").stdout) == {
        "id": 1,
        "name": "204a",
        "capacity": 30,
    }
    assert "first_day" in run("terms", "update", 1, "--last-day", "2026-08-01", code=1).stderr


def test_shared_options_may_stand_anywhere(tmp_path: Path) -> None:
    runner, home = CliRunner(), str(tmp_path / "home")
    runner.invoke(main, ["users", "create", "alice", "--home", home])

    found = runner.invoke(main, ["users", "--home", home, "list", "--json"])

    assert [user["username"] for user in json.loads(found.stdout)] == ["alice"]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_all_commands_says_what_each_says_itself(name: str) -> None:
    with main.make_context("campuscore", ["--help"], resilient_parsing=True) as context:
        command = main.get_command(context, name)

    assert COMMANDS[name].help == command.help.splitlines()[0]

"""Commands as a script calls them: what they print, what they refuse, with which exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from falcon.testing import TestClient

from campuscore import Settings, open_campus
from campuscore.adapters.cli.main import COMMANDS, main
from campuscore.adapters.http import create_app
from campuscore.domain.auth import Origin
from campuscore.errors import TooMany, Unauthenticated

ROSTERS = Path(__file__).parent.parent / "data"
Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def database_url(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture
def run(home: Path, database_url: str) -> Run:
    given_env = {"CAMPUSCORE_HOME": None, "CAMPUSCORE_DATABASE_URL": database_url}

    def call(*words: object, code: int = 0, given: str | None = None) -> Result:
        arguments = ["--home", str(home), *map(str, words)]
        found = CliRunner().invoke(main, arguments, input=given, env=given_env)
        assert found.exit_code == code, found.output
        return found

    return call


def loaded(result: Result) -> object:
    return json.loads(result.stdout)


def test_a_user_from_creation_to_deactivation(run: Run) -> None:
    run("users", "create", "alice", "--first-name", "Alice", "--role", "teacher")
    run("users", "create", "bob", "--password-stdin", given="bob-has-a-password\n")
    assert "Alice" in run("users", "show", "alice").stdout
    run("users", "update", "alice", "--last-name", "Berg", "--username", "aberg")
    shown = loaded(run("--json", "users", "show", "1"))
    assert (shown["username"], shown["first_name"], shown["last_name"]) == (
        "aberg",
        "Alice",
        "Berg",
    )
    run("users", "deactivate", "aberg")
    assert [u["username"] for u in loaded(run("users", "list", "--json"))] == ["bob"]
    assert len(loaded(run("users", "list", "--active", "all", "--json"))) == 2
    run("users", "update", "aberg", "--active")
    assert [u["id"] for u in loaded(run("users", "list", "--role", "teacher", "--json"))] == [1]


def test_a_password_is_set_from_stdin_and_never_shown(
    run: Run, home: Path, database_url: str
) -> None:
    run("users", "create", "alice")
    run("users", "passwd", "alice", "--password-stdin", given="correct-horse-battery\n")
    with open_campus(Settings(home=str(home), database_url=database_url)) as campus:
        campus.auth.login("alice", "correct-horse-battery")
    short = run("users", "passwd", "alice", "--password-stdin", given="short\n", code=1)
    assert "password: must have at least 12 characters" in short.stderr
    assert "short" not in short.stderr
    assert (
        "standard input is empty"
        in run("users", "passwd", "alice", "--password-stdin", given="", code=1).stderr
    )


def test_an_account_is_unlocked(run: Run, home: Path, database_url: str) -> None:
    run("users", "create", "alice", "--password-stdin", given="correct-horse\n")
    origin = Origin("10.0.0.7")
    with open_campus(Settings(home=str(home), database_url=database_url)) as campus:
        for kind in [Unauthenticated] * 10 + [TooMany]:
            with pytest.raises(kind):
                campus.auth.login("alice", "wrong", origin)
        assert run("users", "unlock", "alice").output == ""
        assert campus.auth.login("alice", "correct-horse", origin)
    assert "'nobody'" in run("users", "unlock", "nobody", code=1).stderr


def test_refusals_go_to_stderr_with_exit_code_1_and_usage_errors_with_2(run: Run) -> None:
    run("users", "create", "alice")
    taken = run("users", "create", "ALICE", code=1)
    assert "taken" in taken.stderr
    assert taken.stdout == ""
    assert "'nobody'" in run("users", "show", "nobody", code=1).stderr
    assert "No such command" in run("users", "nope", code=2).stderr
    for wrong in ("yesterday", "2026-W10-3", "20260901"):
        assert "is not a date" in run("attendance", "day", wrong, code=2).stderr
    fields = run("users", "create", "bad name", "--email", "nowhere", code=1).stderr
    assert "username: must not contain white space" in fields
    assert "email: is not an e-mail address" in fields


def test_json_is_what_the_api_sends(run: Run, home: Path, database_url: str) -> None:
    run(
        "users",
        "create",
        "admin",
        "--role",
        "admin",
        "--password-stdin",
        given="pass-word-and-more\n",
    )
    run("users", "create", "alice")
    run("groups", "create", "Lab", "--kind", "lab")
    run("groups", "add-user", 1, "alice")
    run("attendance", "check-in", "alice", "--at", "2026-11-20T08:10:00Z")
    run("schedule", "add", 1, "Intro", "2026-12-01", "--start", "09:30", "--end", "11:00")
    run("terms", "create", "Autumn", "2026-09-01", "2026-12-31")
    run("rooms", "create", "204", "--capacity", 30)
    commands = {
        "/users/": ("users", "list"),
        "/users/2/": ("users", "show", "alice"),
        "/groups/": ("groups", "list"),
        "/groups/1/members/": ("groups", "members", 1),
        "/attendance/?user=alice": ("attendance", "list", "--user", "alice"),
        "/attendance/aggregated/?date=2026-11-20": ("attendance", "day", "2026-11-20"),
        "/schedule/": ("schedule", "list"),
        "/terms/": ("terms", "list"),
        "/rooms/": ("rooms", "list"),
    }
    with open_campus(Settings(home=str(home), database_url=database_url)) as campus:
        client = TestClient(create_app(campus))
        login = {"username": "admin", "password": "pass-word-and-more"}
        access = client.simulate_post("/auth/login/", json=login).json["access"]
        headers = {"Authorization": f"Bearer {access}"}
        for path, words in commands.items():
            answer = client.simulate_get(path, headers=headers)
            assert answer.status_code == 200, path
            assert loaded(run("--json", *words)) == answer.json, path


def test_groups_are_changed_and_archived(run: Run) -> None:
    run("users", "create", "alice")
    run("terms", "create", "Autumn", "2026-09-01", "2026-12-31")
    run("groups", "create", "School", "--kind", "school")
    run("groups", "create", "Lab", "--parent", 1, "--term", 1)
    shown = loaded(run("groups", "update", 2, "--name", "Lab 2", "--term", 0, "--json"))
    assert (shown["name"], shown["parent"], shown["term"]) == ("Lab 2", 1, None)
    assert "added" in run("groups", "add-user", 2, "alice").stderr
    assert "was a member already" in run("groups", "add-user", 2, "alice").stderr
    assert "removed" in run("groups", "remove-user", 2, "alice").stderr
    assert "was no member" in run("groups", "remove-user", 2, "alice").stderr
    assert "hang under" in run("groups", "archive", 1, code=1).stderr
    run("groups", "archive", 2)
    assert [g["id"] for g in loaded(run("groups", "list", "--json"))] == [1]
    run("terms", "remove", 1)
    assert "No such" not in run("groups", "show", 1).stdout


def test_the_timetable_is_kept(run: Run) -> None:
    run("groups", "create", "Lab")
    run("rooms", "create", "204")
    run("schedule", "add", 1, "Intro", "2026-12-01", "--start", "09:30", "--room", 1)
    moved = loaded(run("schedule", "update", 1, "--date", "2026-12-08", "--room", 0, "--json"))
    assert (moved["date"], moved["start"], moved["room"]) == ("2026-12-08", "09:30:00", None)
    assert "Intro" in run("schedule", "list", "--from", "2026-12-08", "--group", 1).stdout
    assert "Intro" not in run("schedule", "list", "--to", "2026-12-07").stdout
    assert "Intro" in run("schedule", "show", 1).stdout
    run("schedule", "remove", 1)
    run("schedule", "show", 1, code=1)
    run("rooms", "remove", 1)
    assert loaded(run("rooms", "list", "--json")) == []


def test_files_and_sheets(run: Run, tmp_path: Path) -> None:
    run("users", "create", "=1+1")
    run("attendance", "check-in", "=1+1", "--at", "2026-11-20T08:10:00Z")
    note = tmp_path / "note.txt"
    note.write_text("was ill")
    attached = loaded(run("attendance", "attach", "=1+1", "2026-11-20", note, "--json"))
    assert (attached["filename"], attached["size"]) == ("note.txt", 7)
    assert "note.txt" in run("attendance", "files", "=1+1", "2026-11-20").stdout
    assert attached["url"] in run("attendance", "report", "--json").stdout
    sheet = tmp_path / "sheet.csv"
    run("attendance", "export", "--format", "csv", "--output", sheet)
    assert "'=1+1" in sheet.read_text("utf-8-sig")
    assert run("attendance", "export").stdout_bytes.startswith(b"PK")
    with_files = loaded(run("attendance", "list", "--has-files", "--json"))
    assert [row["timestamp"] for row in with_files] == ["2026-11-20T08:10:00Z"]
    assert "1 check-ins in UTC" in run("attendance", "rebuild").stderr


def test_a_roster_is_imported_once(run: Run) -> None:
    folder = ROSTERS / "roster-sds1-100"
    run("db", "upgrade")
    dry = loaded(run("users", "import", folder, "--dry-run", "--json"))
    assert loaded(run("users", "list", "--json")) == []
    report = loaded(run("users", "import", folder, "--json"))
    assert report["counts"] == dry["counts"]
    created = {kind: tally["created"] for kind, tally in report["counts"].items()}
    assert created == {"term": 1, "group": 30, "user": 98, "membership": 630}
    assert len(loaded(run("users", "list", "--role", "student", "--json"))) == 86
    assert len(loaded(run("users", "list", "--role", "teacher", "--json"))) == 12
    kinds = [group["kind"] for group in loaded(run("groups", "list", "--json"))]
    assert (kinds.count("school"), kinds.count("class")) == (2, 28)
    second = run("users", "import", folder)
    assert "0 changed" in second.stderr
    assert second.stdout == ""


def test_a_roster_that_cannot_be_read_changes_nothing(run: Run, tmp_path: Path) -> None:
    run("db", "upgrade")
    folder = tmp_path / "copy"
    folder.mkdir()
    for file in (ROSTERS / "roster-sds1-100").iterdir():
        text = file.read_bytes()
        if file.name == "StudentEnrollment.csv":
            text = text.replace(b"11001,13002", b"11001,99999", 1)
        (folder / file.name).write_bytes(text)
    refused = run("users", "import", folder, code=1)
    assert "StudentEnrollment.csv:3:SIS ID" in refused.stderr
    names = run("users", "import", ROSTERS / "names" / "firstnames.csv", code=1)
    assert "byte 1642 is 0x92" in names.stderr
    assert "--encoding cp1252" in names.stderr
    assert loaded(run("users", "list", "--json")) == []


def test_tokens_are_shown_once_and_revoked(run: Run, home: Path, database_url: str) -> None:
    run("users", "create", "bot")
    minted = loaded(run("tokens", "create", "bot", "nightly", "--scope", "users.read", "--json"))
    with open_campus(Settings(home=str(home), database_url=database_url)) as campus:
        assert campus.auth.authenticate(minted["token"]).username == "bot"
    listed = run("tokens", "list")
    assert "nightly" in listed.stdout
    assert minted["token"] not in listed.stdout
    run("tokens", "revoke", minted["id"])
    assert loaded(run("tokens", "list", "--user", "bot", "--json")) == []
    run("tokens", "revoke", minted["id"], code=1)


def test_keys_are_rotated_retired_and_revoked(run: Run) -> None:
    run("users", "create", "alice")
    active = loaded(run("--json", "keys", "rotate"))
    assert (active["algorithm"], active["state"]) == ("EdDSA", "active")
    run("keys", "retire", active["id"])
    states = [key["state"] for key in loaded(run("--json", "keys", "list"))]
    assert states == ["retired", "active", "next"]
    run("keys", "revoke", active["id"])
    run("keys", "rotate", "--fresh")
    text = run("keys", "list").stdout
    assert ("revoked" in text, "sealed" in text, "public" in text) == (True, False, False)
    assert "nothing" in run("keys", "revoke", "nothing", code=1).stderr


def test_the_audit_is_listed_and_verified(run: Run) -> None:
    run("users", "create", "alice")
    run("users", "update", "alice", "--last-name", "Berg")
    assert [row["action"] for row in loaded(run("--json", "audit", "list"))] == [
        "user.updated",
        "user.created",
    ]
    assert "user.created" in run("audit", "list", "--action", "user.c", "--target", "1").stdout
    assert loaded(run("--json", "audit", "list", "--outcome", "refused")) == []
    told = run("audit", "verify").stdout
    assert told.startswith("2 records are whole; the head is 2:")
    head = told.split()[-1]
    run("audit", "verify", "--anchor", head)
    broken = run("audit", "verify", "--anchor", f"1:{'0' * 64}", code=1)
    assert "record 1 is not the one that was noted" in broken.stderr
    assert loaded(run("--json", "audit", "verify"))["broken_at"] is None
    run("audit", "verify", "--anchor", "nothing", code=2)


def test_what_callers_send_stays_on_one_line_of_the_audit(
    run: Run, home: Path, database_url: str
) -> None:
    agent = "Bot/1\r\n99  2026-01-01  0  -  user.created\x1b[2J\u2028x"
    settings = Settings(home=str(home), database_url=database_url)
    with open_campus(settings) as campus, pytest.raises(Unauthenticated):
        campus.auth.login("nobody", "x", Origin("10.0.0.7", agent))
    lines = run("audit", "list").stdout.splitlines()
    assert len(lines) == 2
    assert "auth.login" in lines[1]
    assert lines[1].isprintable()
    assert loaded(run("--json", "audit", "list"))[0]["user_agent"] == agent


def test_database_events_and_settings(run: Run, home: Path) -> None:
    run("db", "status", code=1)
    run("db", "upgrade")
    run("db", "status")
    run("users", "create", "alice")
    assert "user.created" in run("events", "tail").stdout
    run("events", "retry", 1, code=1)
    rows = {row["name"]: row for row in loaded(run("config", "show", "--json"))}
    assert rows["home"]["origin"] == "flag"
    assert rows["time_zone"] == {**rows["time_zone"], "value": "UTC", "origin": "default"}


def test_settings_come_from_flag_environment_and_file(home: Path, tmp_path: Path) -> None:
    toml = tmp_path / "campus.toml"
    toml.write_text('time_zone = "Asia/Tokyo"\nadmin_password = "in-a-file"\nidle_days = 3\n')
    arguments = ["--config", str(toml), "--home", str(home), "config", "show", "--json"]
    found = CliRunner().invoke(main, arguments, env={"CAMPUSCORE_IDLE_DAYS": "7", "DEBUG": "true"})
    rows = {row["name"]: (row["value"], row["origin"]) for row in json.loads(found.stdout)}
    assert rows["time_zone"] == ("Asia/Tokyo", f"file {toml}")
    assert rows["idle_days"] == ("7", "environment CAMPUSCORE_IDLE_DAYS")
    assert rows["debug"] == ("true", "environment DEBUG")
    assert rows["admin_password"] == ("***", f"file {toml}")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_command(run: Run, shell: str) -> None:
    assert "_CAMPUSCORE_COMPLETE" in run("completion", shell).stdout


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help(run: Run, name: str) -> None:
    assert "Usage:" in run(name, "--help").stdout


def test_today_is_the_default_day(run: Run) -> None:
    run("users", "create", "alice")
    run("attendance", "check-in", "alice")
    rows = loaded(run("attendance", "day", "--json"))
    assert [row["date"] for row in rows] == [date.today().isoformat()]  # noqa: DTZ011 - UTC campus


def test_a_new_campus_is_announced_on_stderr(run: Run, home: Path, tmp_path: Path) -> None:
    first = run("rooms", "create", "204", "--json")
    assert first.stderr == f"created a new campus in {home}\n"
    assert loaded(first)["name"] == "204"
    assert run("users", "list").stderr == ""
    run("db", "upgrade", "--home", tmp_path / "other")
    assert run("users", "list", "--home", tmp_path / "other").stderr == ""


@pytest.mark.parametrize("number", [1 << 63, 1 << 70, -1, "\u0661", "1_0"])
def test_an_id_that_cannot_be_is_wrong_usage(run: Run, number: object) -> None:
    for words in (
        ("groups", "show"),
        ("schedule", "list", "--group"),
        ("attendance", "report", "--group"),
        ("tokens", "revoke"),
        ("rooms", "remove"),
        ("events", "retry"),
    ):
        dashes = () if words[-1].startswith("-") else ("--",)
        refused = run(*words, *dashes, number, code=2)
        assert "is not an id" in refused.stderr


def test_what_cannot_be_read_is_named(run: Run) -> None:
    run("users", "create", "anna")
    for at in ("0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"):
        refused = run("attendance", "check-in", "anna", "--at", at, code=2)
        assert "'--at'" in refused.stderr
        assert "years 1 to 9999" in refused.stderr
    for words, name in (
        (("users", "list", "--search", "\udcff"), "'--search'"),
        (("users", "show", "\udcff"), "'USER'"),
        (("tokens", "create", "anna", "t", "--scope", "*", "--scope", "\udcff"), "'--scope'"),
        (("groups", "create", "\udcff"), "'NAME'"),
    ):
        refused = run(*words, code=2)
        assert name in refused.stderr
        assert "is not text" in refused.stderr


def test_the_name_of_a_file_is_cleaned(run: Run, tmp_path: Path) -> None:
    run("users", "create", "anna")
    (tmp_path / "a\nb.txt").write_bytes(b"x")
    row = loaded(run("attendance", "attach", "anna", "2026-03-04", tmp_path / "a\nb.txt", "--json"))
    assert row["filename"] == "ab.txt"


def test_what_is_made_is_for_its_owner_alone(
    run: Run, home: Path, database_url: str, tmp_path: Path
) -> None:
    run("users", "create", "anna")
    (tmp_path / "a.txt").write_bytes(b"x")
    run("attendance", "attach", "anna", "2026-03-04", tmp_path / "a.txt")
    wanted = {"": 0o700, "files": 0o700} | ({} if database_url else {"campus.db": 0o600})
    modes = {name: (home / name).stat().st_mode & 0o777 for name in wanted}
    assert modes == wanted


def test_a_folder_that_was_there_keeps_its_mode(run: Run, home: Path) -> None:
    home.mkdir(mode=0o750)
    run("db", "upgrade")
    assert home.stat().st_mode & 0o777 == 0o750

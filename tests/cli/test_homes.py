"""What commands make of a home that is not there: nothing, unless they add to it."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from campuscore import NewUser, Settings, open_campus
from campuscore.adapters.cli.main import main
from campuscore.adapters.cli.serving.lock import LOCK_FILE, hold
from campuscore.errors import Conflict, Invalid
from campuscore.upkeep import opened

Run = Callable[..., Result]
MAKING = {
    "serve",
    "users create",
    "users import",
    "groups create",
    "terms create",
    "rooms create",
    "packages upload",
    "import-django",
    "demo",
    "db upgrade",
}
WITHOUT_CAMPUS = {"config show", "completion"}
REFUSED_OTHERWISE = {"doctor", "db restore", "passwords pack"}
MORE = {
    "packages delete": ["--yes"],
    "users passwd": ["--password-stdin"],
}


def commands(group: click.Group, *names: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command that is not a group, with its full name."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, *names, name)
        else:
            yield " ".join([*names, name]), command


ALL = dict(commands(main))
READING = [*sorted(ALL.keys() - MAKING), "demo --remove"]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def call(*words: object, code: int = 0, given: str = "", **environ: str) -> Result:
        arguments = ["--home", "home", *map(str, words)]
        cleared = {"CAMPUSCORE_HOME": None, "DATABASE_URL": None}
        found = CliRunner().invoke(main, arguments, input=given, env={**cleared, **environ})
        assert found.exit_code == code, found.output
        return found

    return call


def value_for(param: click.Parameter, file: Path) -> str:
    """Return a word that a required argument takes."""
    if isinstance(param.type, click.Path | click.File):
        return str(file)
    if isinstance(param.type, click.Choice):
        return str(param.type.choices[0])
    return {"date": "2026-09-01", "integer": "1"}.get(param.type.name, "word")


def words_of(name: str, file: Path) -> list[str]:
    found = ALL[name.removesuffix(" --remove")]
    given = [value_for(p, file) for p in found.params if isinstance(p, click.Argument)]
    return [*name.split(), *MORE.get(name, []), *given]


def content(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("name", READING)
def test_what_looks_or_takes_away_makes_nothing(run: Run, tmp_path: Path, name: str) -> None:
    given = tmp_path / "given.tar"
    given.write_bytes(b"x")
    if name == "db backup":
        given.unlink()
    before = content(tmp_path)
    code = 0 if name in WITHOUT_CAMPUS else 1
    found = run(*words_of(name, given), code=code, given="a-long-password\n")
    assert content(tmp_path) == before
    if name not in WITHOUT_CAMPUS | REFUSED_OTHERWISE:
        said = f"there is no campus in {tmp_path / 'home'}: campuscore serve makes one"
        assert said in found.stderr
        assert found.stdout == ""


def test_the_database_is_named_where_it_is_not_in_the_home(run: Run, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/records/campus.db"
    refused = run("users", "list", code=1, CAMPUSCORE_DATABASE_URL=url)
    assert f"there is no campus in {tmp_path}/records/campus.db" in refused.stderr
    assert content(tmp_path) == []


def test_a_home_without_a_campus_stays_as_it_is(run: Run, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "notes.txt").write_text("mine")
    run("users", "list", code=1)
    run("users", "create", "no name", code=1)
    run("db", "restore", tmp_path / "home" / "notes.txt", code=1)
    assert content(tmp_path) == ["home", "home/notes.txt"]


@pytest.mark.parametrize(
    "words",
    [
        ("users", "create", "no name"),
        ("users", "import", "given.csv"),
        ("groups", "create", "Lab", "--parent", 7),
        ("terms", "create", "Autumn", "2026-12-01", "2026-09-01"),
        ("rooms", "create", "204", "--capacity", -1),
        ("packages", "upload", "given.csv"),
        ("import-django", "given.csv"),
        ("import-django", "given.csv", "--dry-run"),
        ("db", "restore", "given.csv"),
        ("users", "import", "given.csv", "--dry-run"),
    ],
)
def test_nothing_is_left_of_a_campus_that_was_refused(
    run: Run, tmp_path: Path, words: tuple[object, ...]
) -> None:
    (tmp_path / "given.csv").write_text("username,role\nanna,king\n")
    refused = run("--home", "home/inner", *words, code=1)
    assert "created" not in refused.stderr
    assert content(tmp_path) == ["given.csv"]


def test_a_server_that_cannot_start_leaves_nothing(run: Run, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        run("serve", "--port", taken.getsockname()[1], code=1)
    assert content(tmp_path) == []
    run("serve", code=1, CAMPUSCORE_ADMIN_PASSWORD="short")
    assert content(tmp_path) == []


def test_what_adds_makes_a_campus_and_says_so(run: Run, tmp_path: Path) -> None:
    first = run("users", "create", "anna", "--json")
    assert first.stderr == f"created a new campus in {tmp_path / 'home'}\n"
    assert json.loads(first.stdout)["username"] == "anna"
    assert run("users", "list").stderr == ""
    run("users", "create", "anna", code=1)
    assert "anna" in run("users", "list").stdout


def test_a_dry_run_without_a_campus_shows_what_a_new_one_would_take_in(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "people.csv").write_text("username\nanna\n")
    dry = run("users", "import", "people.csv", "--dry-run", "--json")
    assert json.loads(dry.stdout)["counts"]["user"]["created"] == 1
    assert f"there is no campus yet in {tmp_path / 'home'}" in dry.stderr
    assert content(tmp_path) == ["people.csv"]


def refuse() -> None:
    raise Invalid.at("/x", "is wrong")


def test_a_new_campus_in_which_something_was_stored_stays(tmp_path: Path) -> None:
    settings = Settings(home=str(tmp_path / "home"))
    with suppress(Invalid), opened(settings) as campus:
        campus.users.create(campus.operator, NewUser(username="anna"))
        refuse()
    with open_campus(settings) as campus:
        assert len(campus.users.list(campus.operator).items) == 1


def test_a_new_campus_that_somebody_else_has_open_stays(tmp_path: Path) -> None:
    settings = Settings(home=str(tmp_path / "home"))
    with suppress(Invalid), opened(settings):
        other = open_campus(settings)
        other.users.list(other.operator)
        refuse()
    other.users.create(other.operator, NewUser(username="anna"))
    other.close()
    with open_campus(settings) as campus:
        assert len(campus.users.list(campus.operator).items) == 1


def test_a_campus_that_was_there_stays(tmp_path: Path) -> None:
    settings = Settings(home=str(tmp_path / "home"))
    open_campus(settings).close()
    before = content(tmp_path)
    with pytest.raises(Invalid), opened(settings):
        refuse()
    assert content(tmp_path) == before


def test_a_lock_whose_file_was_taken_away_is_taken_anew(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with pytest.raises(Invalid), hold(home, "http://here/"):
        refuse()
    assert content(tmp_path) == []
    with suppress(Invalid), hold(home, "http://here/") as held:
        held.keep()
        refuse()
    assert content(tmp_path) == ["home", f"home/{LOCK_FILE}"]
    with pytest.raises(Conflict), hold(home, "http://a/"), hold(home, "http://b/"):
        pass

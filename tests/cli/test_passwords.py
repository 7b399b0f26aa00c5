"""``passwords``: another SECRET_KEY from first to last, and lists of breached passwords."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from campuscore import NewUser, Role, Settings, open_campus
from campuscore.adapters.cli.main import main
from campuscore.domain.keys import Algorithm
from campuscore.errors import Misconfigured, Unauthenticated
from campuscore.settings import Secret

OLD, NEW = Secret("o" * 40), Secret("n" * 40)
GOOD = "the tram was late again"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def call(
        *words: object, code: int = 0, given: bytes | str | None = None, **environ: str
    ) -> Result:
        arguments = ["--home", str(tmp_path / "home"), *map(str, words)]
        env = {"CAMPUSCORE_HOME": None, **environ}
        found = CliRunner().invoke(main, arguments, input=given, env=env)
        assert found.exit_code == code, found.output
        return found

    return call


@pytest.mark.parametrize("algorithm", Algorithm)
def test_another_secret_key_step_by_step(tmp_path: Path, run: Run, algorithm: Algorithm) -> None:
    def settings(key: Secret, *old: Secret) -> Settings:
        home = str(tmp_path / "home")
        return Settings(
            home=home, secret_key=key, old_secret_keys=old, token_algorithm=str(algorithm)
        )

    with open_campus(settings(OLD)) as campus:
        for name in ("ada", "bob"):
            campus.users.create(campus.operator, NewUser(username=name, password=GOOD))
        campus.users.create(campus.operator, NewUser(username="root", role=Role.ADMIN))
        before = campus.auth.login("ada", GOOD)

    # Nothing is named: logins are refused, and the operator is told why.
    with open_campus(settings(NEW)) as campus, pytest.raises(Unauthenticated):
        campus.auth.login("ada", GOOD)
    only_new = {"SECRET_KEY": NEW.reveal, "CAMPUSCORE_TOKEN_ALGORITHM": str(algorithm)}
    told = run("doctor", code=1, **only_new)
    assert "SECRET_KEY does not fit 2 stored passwords" in told.output
    refused = run("passwords", "rewrap", code=1, **only_new)
    assert "SECRET_KEY does not fit 2 stored passwords; see old_secret_keys" in refused.stderr

    # The old one is named in a file: everything goes on, and one login seals one hash anew.
    file = tmp_path / "old-keys"
    file.write_text(f"{OLD.reveal}\n")
    both = {**only_new, "CAMPUSCORE_OLD_SECRET_KEYS_FILE": str(file)}
    with open_campus(settings(NEW, OLD)) as campus:
        assert campus.auth.authenticate(before.access).username == "ada"
        assert campus.auth.login("ada", GOOD)
    assert "1 stored passwords are not sealed" in run("doctor", **both).output
    done = json.loads(run("--json", "passwords", "rewrap", **both).stdout)
    assert done == {"sealed": 1, "kept": 1, "foreign": 0}
    run("keys", "rotate", "--fresh", **both)
    if algorithm is Algorithm.HS256:
        keys = json.loads(run("--json", "keys", "list", **both).stdout)
        for key in keys:
            if key["state"] == "retired":
                run("keys", "revoke", key["id"], **both)

    # The old one can go.
    assert "2 are sealed under SECRET_KEY" in run("doctor", **only_new).output
    with open_campus(settings(NEW)) as campus:
        pair = campus.auth.login("bob", GOOD)
        assert campus.auth.authenticate(pair.access).username == "bob"


def test_old_keys_are_masked_and_must_be_long(run: Run) -> None:
    keys = f"{OLD.reveal} {NEW.reveal}"
    shown = run("--json", "config", "show", CAMPUSCORE_OLD_SECRET_KEYS=keys).stdout
    assert OLD.reveal not in shown
    rows = {row["name"]: row["value"] for row in json.loads(shown)}
    assert rows["old_secret_keys"] == "***,***"
    refused = run("config", "show", code=1, CAMPUSCORE_OLD_SECRET_KEYS=f"{OLD.reveal} short")
    assert "old_secret_keys: has 5 bytes, needs at least 32" in refused.stderr
    assert OLD.reveal not in repr(Settings(old_secret_keys=(OLD,)))


def test_old_keys_are_a_list_in_toml(tmp_path: Path) -> None:
    toml = tmp_path / "campus.toml"
    toml.write_text(f'old_secret_keys = ["{OLD.reveal}", "with white space {NEW.reveal}"]\n')
    keys = Settings.from_toml(toml).old_secret_keys
    assert [key.reveal for key in keys] == [OLD.reveal, f"with white space {NEW.reveal}"]
    toml.write_text("old_secret_keys = 7\n")
    with pytest.raises(Misconfigured, match="old_secret_keys: must be a list of texts"):
        Settings.from_toml(toml)


def lines(*passwords: str) -> bytes:
    digests = [hashlib.sha1(each.encode()).hexdigest() for each in passwords]
    return "".join(f"{digest}:{count}\n" for count, digest in enumerate(digests, 1)).encode()


def test_a_dump_is_packed_and_refuses_its_passwords(tmp_path: Path, run: Run) -> None:
    dump, out = tmp_path / "dump.txt", tmp_path / "breached.words"
    dump.write_bytes(lines("once in a dump", GOOD))
    done = json.loads(run("--json", "passwords", "pack", dump, out, "--least-count", 2).stdout)
    assert done == {"lines": 2, "kept": 1}
    listed = {"CAMPUSCORE_BREACHED_PASSWORDS": str(out)}
    create = ("users", "create", "ada", "--password-stdin")
    refused = run(*create, given=f"{GOOD}\n", code=1, **listed)
    assert "password: is a well-known password" in refused.stderr
    run(*create, given="once in a dump\n", **listed)

    assert "is there already" in run("passwords", "pack", dump, out, code=1).stderr
    run("passwords", "pack", "-", out, "--replace", given=lines("another one"))
    run("users", "passwd", "ada", "--password-stdin", given=f"{GOOD}\n", **listed)


def test_what_is_no_dump_or_no_list_is_refused(tmp_path: Path, run: Run) -> None:
    dump, out = tmp_path / "dump.txt", tmp_path / "breached.words"
    dump.write_text("hello\n")
    assert "1: is no line of the form SHA1:COUNT" in (
        run("passwords", "pack", dump, out, code=1).stderr
    )
    assert not out.exists()
    refused = run("users", "create", "ada", code=1, CAMPUSCORE_BREACHED_PASSWORDS=str(dump))
    assert f"breached_passwords: {dump} is too short for a packed list" in refused.stderr

"""Settings: from flags, environment, file and defaults, and what is refused."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from attrs import fields

from campuscore import NewUser, Settings, open_campus
from campuscore.bootstrap import processors
from campuscore.errors import Misconfigured, Unavailable
from campuscore.home import derive
from campuscore.plugins import load
from campuscore.settings import Secret, SettingsSource, describe, variables

KEY = "k" * 32
CHOSEN = {
    "sqlite_synchronous": "full",
    "token_algorithm": "ES256",
    "trusted_proxies": "10.0.0.0/8,unix",
}


def test_defaults():
    settings = Settings()

    assert settings.folder == Path.cwd()
    assert settings.database == f"sqlite:///{Path.cwd() / 'campus.db'}"
    assert (settings.time_zone, settings.check_in_on_login, settings.debug) == ("UTC", True, False)
    assert settings.access_life == timedelta(minutes=10)
    assert settings.idle_life == timedelta(days=14)
    assert settings.session_life == timedelta(days=30)


def test_a_home_holds_the_database(tmp_path):
    assert Settings(home=str(tmp_path)).database == f"sqlite:///{tmp_path / 'campus.db'}"
    assert Settings(home="~").folder == Path.home()
    assert Settings(home=str(tmp_path), database_url="memory://").database == "memory://"


@pytest.mark.parametrize(
    ("environ", "name", "value"),
    [
        ({"CAMPUSCORE_TIME_ZONE": "Asia/Tokyo"}, "time_zone", "Asia/Tokyo"),
        ({"CAMPUSCORE_ACCESS_MINUTES": "5"}, "access_minutes", 5),
        ({"DATABASE_URL": "memory://"}, "database_url", "memory://"),
        (
            {"DATABASE_URL": "sqlite:///x", "CAMPUSCORE_DATABASE_URL": "memory://"},
            "database_url",
            "memory://",
        ),
        ({"SECRET_KEY": KEY}, "secret_key", Secret(KEY)),
        ({"CAMPUSCORE_SECRET_KEY": KEY}, "secret_key", Secret(KEY)),
        ({"TIME_ZONE": "Asia/Tokyo"}, "time_zone", "UTC"),
        (
            {"CAMPUSCORE_CORS_ORIGINS": "https://a, https://b,,"},
            "cors_origins",
            ("https://a", "https://b"),
        ),
        *(({"DEBUG": text}, "debug", True) for text in ("1", "true", "YES", "On")),
        *(({"DEBUG": text}, "debug", False) for text in ("0", "false", "No", "OFF", "")),
    ],
)
def test_the_environment(environ, name, value):
    assert getattr(Settings.from_env(environ), name) == value


def test_every_setting_is_read_from_its_own_variable():
    texts = {str: "http://x", int: "17", bool: "true", Secret: KEY, tuple: "a,b"}
    for item in fields(Settings):
        kind = type(item.default)
        secrets = item.metadata["secrets"]
        text = CHOSEN.get(item.name, f"{KEY} {KEY}x" if secrets else texts[kind])
        found = Settings.from_env({f"CAMPUSCORE_{item.name.upper()}": text})
        shown = getattr(found, item.name)
        expected = {
            str: text,
            int: 17,
            bool: True,
            Secret: Secret(KEY),
            tuple: (Secret(KEY), Secret(f"{KEY}x")) if secrets else tuple(text.split(",")),
        }[kind]
        assert shown == expected, item.name


def test_secrets_may_come_from_files(tmp_path):
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n", "utf-8")

    for variable in ("SECRET_KEY_FILE", "CAMPUSCORE_SECRET_KEY_FILE"):
        assert Settings.from_env({variable: str(path)}).secret_key.reveal == KEY
    both = {"SECRET_KEY_FILE": str(path), "SECRET_KEY": "j" * 32}
    assert Settings.from_env(both).secret_key.reveal == "j" * 32
    assert Settings.from_env({"SECRET_KEY_FILE": ""}).secret_key.reveal == ""


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content):
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(Misconfigured, match="SECRET_KEY_FILE"):
        Settings.from_env({"SECRET_KEY_FILE": str(path)})


class TestToml:
    def read(self, folder, text, **flags):
        path = folder / "campus.toml"
        path.write_text(text, "utf-8")
        return Settings.from_toml(path, **flags)

    def test_values_have_their_own_types(self, tmp_path):
        text = (
            'time_zone = "Asia/Tokyo"\naccess_minutes = 5\ndebug = true\n'
            f'cors_origins = ["https://a"]\nsecret_key = "{KEY}"\n'
        )
        found = self.read(tmp_path, text)

        assert (found.time_zone, found.access_minutes, found.debug) == ("Asia/Tokyo", 5, True)
        assert (found.cors_origins, found.secret_key) == (("https://a",), Secret(KEY))

    def test_flags_go_first(self, tmp_path):
        assert self.read(tmp_path, "access_minutes = 5", access_minutes=6).access_minutes == 6

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("colour = 1", "no setting 'colour'"),
            ("debug", "Expected"),
            ("access_minutes = true", "access_minutes: must be a whole number"),
            ("access_minutes = 1.5", "access_minutes: must be a whole number"),
            ("time_zone = 5", "time_zone: must be text"),
            ("debug = 5", "debug: must be true or false"),
            ("secret_key = 5", "secret_key: must be text"),
            ("cors_origins = 5", "cors_origins: must be a list of texts"),
            ("cors_origins = [5]", "cors_origins: must be a list of texts"),
        ],
    )
    def test_a_bad_file_is_refused(self, tmp_path, text, words):
        with pytest.raises(Misconfigured, match=words):
            self.read(tmp_path, text)

    def test_a_file_that_is_not_there_is_refused(self, tmp_path):
        with pytest.raises(Misconfigured, match="No such file"):
            Settings.from_toml(tmp_path / "x.toml")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"secret_key": "k" * 31}, "secret_key: has 31 bytes, needs at least 32"),
        ({"sqlite_synchronous": "off"}, "sqlite_synchronous: must be one of full, normal"),
        ({"access_minutes": 0}, "access_minutes: must be from 1"),
        ({"idle_days": 100_001}, "idle_days: must be from 1 to 100000"),
        ({"session_days": -1}, "session_days: must be from 1"),
        ({"lock_seconds": 0}, "lock_seconds: must be from 1"),
        ({"max_body": 0}, "max_body: must be from 1"),
        ({"max_upload": (1 << 50) + 1}, "max_upload: must be from 1"),
        ({"public_url": "ftp://x"}, "public_url: must begin with"),
        ({"access_minutes": "soon"}, "access_minutes: must be a whole number, not 'soon'"),
        (
            {"trusted_proxies": "10.0.0.1,10.0.0.1/8"},
            "trusted_proxies: 10.0.0.1/8 has host bits set",
        ),
        ({"trusted_proxies": "proxy"}, "trusted_proxies: 'proxy' does not appear to be"),
        ({"debug": "perhaps"}, "debug: must be true or false, not 'perhaps'"),
    ],
)
def test_what_is_unsafe_or_cannot_be_is_refused(values, words):
    with pytest.raises(Misconfigured, match=words):
        Settings.from_env({}, **values)


def test_length_of_the_secret_is_in_bytes():
    assert Settings(secret_key=Secret("é" * 16)).secret_key.reveal == "é" * 16


def test_limits_are_within_reach():
    assert Settings(access_minutes=1, max_body=1, max_upload=1 << 50, idle_days=100_000)


class TestOrigins:
    def test_each_setting_says_where_it_came_from(self, tmp_path):
        path = tmp_path / "campus.toml"
        path.write_text("access_minutes = 5\nidle_days = 3\nsession_days = 9\n", "utf-8")
        source = SettingsSource(
            flags={"idle_days": 4, "home": None, "time_zone": "UTC"},
            environ={"SECRET_KEY": KEY, "CAMPUSCORE_SESSION_DAYS": "8"},
            toml=path,
        )
        settings = source.read(Settings)

        assert (settings.access_minutes, settings.idle_days, settings.session_days) == (5, 4, 8)
        assert source.origins(Settings) == {
            "access_minutes": f"file {path}",
            "idle_days": "flag",
            "session_days": "environment CAMPUSCORE_SESSION_DAYS",
            "secret_key": "environment SECRET_KEY",
            "time_zone": "flag",
        }

    def test_they_are_described_without_secrets(self):
        settings = Settings(secret_key=Secret(KEY), cors_origins=("a", "b"), debug=True)
        rows = {row.name: row for row in describe(settings, {"debug": "flag"})}

        assert list(rows) == [item.name for item in fields(Settings)]
        assert rows["secret_key"].value == "***"
        assert rows["admin_password"].value == ""
        assert rows["cors_origins"].value == "a,b"
        assert (rows["debug"].value, rows["debug"].origin) == ("true", "flag")
        assert (rows["idle_days"].value, rows["idle_days"].origin) == ("14", "default")
        assert rows["secret_key"].variables == ("CAMPUSCORE_SECRET_KEY", "SECRET_KEY")
        assert all(row.help for row in rows.values())

    def test_variables_are_named(self):
        assert variables(fields(Settings).time_zone) == ("CAMPUSCORE_TIME_ZONE",)


def test_a_secret_never_prints():
    settings = Settings(secret_key=Secret(KEY), admin_password=Secret("hidden!"))

    assert KEY not in f"{settings} {settings.secret_key} {settings.secret_key!r}"
    assert "hidden!" not in repr(settings)
    assert (repr(Secret()), str(Secret("x"))) == ("Secret()", "Secret(***)")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:se/c@ret@db:5432/campus", "postgresql://me:***@db:5432/campus"),
        ("postgres://me:secret@db/campus?a=b", "postgres://me:***@db/campus?a=b"),
        ("postgresql:///campus?user=me&password=secret&a=b", None),
        ("postgresql://me@db/campus", "postgresql://me@db/campus"),
        ("sqlite:////srv/a:b@c/campus.db", "sqlite:////srv/a:b@c/campus.db"),
        ("", ""),
    ],
)
def test_a_password_within_a_url_never_prints(url, shown):
    settings = Settings(database_url=url)
    told = {item.name: item.value for item in describe(settings, {})}["database_url"]

    assert told == (shown if shown is not None else url.replace("secret", "***"))
    assert f"database_url={told}," in repr(settings)
    assert settings.database_url == url


def test_a_database_without_its_library_is_unavailable(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("campuscore.adapters.sql.postg")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(Unavailable, match="'psycopg' is not installed"):
        open_campus("postgresql://localhost/campus")


def test_a_library_that_does_not_load_is_unavailable(monkeypatch, tmp_path):
    (tmp_path / "broken_part.py").write_text("raise ImportError('no wrapper for libpq')")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(Unavailable, match="no wrapper for libpq"):
        load("broken_part:open")


def test_a_path_names_a_database_and_the_folder_of_its_files(tmp_path):
    path = tmp_path / "home" / "school.db"
    with open_campus(path) as campus:
        campus.users.create(campus.operator, NewUser(username="anna"))
        assert campus.settings.folder == path.parent

    assert {"school.db", "secret.key"} <= {each.name for each in path.parent.iterdir()}
    with open_campus(f"sqlite:///{path}") as campus:
        assert len(campus.users.list(campus.operator).items) == 1


def test_password_slots_are_as_many_as_processors_unless_set():
    for chosen, slots in [(0, processors()), (3, 3)]:
        with open_campus(Settings(database_url="memory://", password_slots=chosen)) as campus:
            assert campus.auth.hasher.argon2.slots == slots
    with pytest.raises(Misconfigured, match="password_slots"):
        Settings(password_slots=-1)


def test_keys_are_derived_as_rfc_5869_says():
    expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"  # its case 3
    assert derive(b"\x0b" * 22, b"") == bytes.fromhex(expected)
    assert derive(b"\x0b" * 22, b"", 6) == bytes.fromhex(expected)[:6]
    assert derive(KEY.encode(), b"one") != derive(KEY.encode(), b"another")


def test_a_file_that_is_no_database_is_not_kept_open(tmp_path):
    path = tmp_path / "campus.db"
    path.write_bytes(b"no database " * 1000)

    with pytest.raises(Unavailable) as refused:
        open_campus(path)
    assert "not a database" in refused.value.detail
    assert not is_open(path)


def is_open(path):
    for handle in range(1024):
        with suppress(OSError):
            if os.path.samestat(os.fstat(handle), path.stat()):
                return True
    return False
